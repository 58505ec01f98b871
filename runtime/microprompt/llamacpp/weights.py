"""A GGUF model's weights and vocabulary, without a context."""

from __future__ import annotations

import ctypes
import os
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from ..errors import ArgumentError, EngineError, ModelError
from ..prompts.layout import Literal, Message, Segment, Template
from ..prompts.reasoning import Markers
from ..scheduling.backend import PASS_TOKENS
from . import library as llama

_LONGEST_TEXT: Final = 1 << 30  # bytes; llama.cpp counts in 32 bits


_LONGEST_VALUE: Final = 256

_KEPT_TEXTS: Final = 32
"""The last texts, whose tokens are remembered. A call asks for those of one text more than once: before it is
evaluated they are counted, and of questions about one text each begins with it."""

_LONGEST_KEPT: Final = 1 << 17
"""Characters of a text whose tokens are remembered."""


class ValueType(StrEnum):
    """The type of the numbers in which a KV cache holds what attention adds up, the values. Keys are F16."""

    F16 = "F16"
    BF16 = "BF16"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsFile:
    """A model's file, and how llama.cpp is to compute with it on this machine: see `Weights`."""

    path: Path
    extra_buffers: bool
    values: ValueType = ValueType.F16
    pass_tokens: float = PASS_TOKENS

    def load(self) -> Weights:
        """Raises `ModelError` if the file can't be loaded."""
        return Weights(
            self.path,
            extra_buffers=self.extra_buffers,
            values=self.values,
            pass_tokens=self.pass_tokens,
        )


class Weights:
    """A loaded model. Has what Outlines and llguidance read of a `llama_cpp.Llama`: `model`, `tokenizer()`,
    `token_eos()`, `n_vocab()`.

    With `extra_buffers`, llama.cpp rearranges the weights for faster kernels where it has some for this CPU.
    GCC 12 compiles those for AMX wrongly (its `_tile_loadconfig` does not say that it reads memory, so the
    configuration is loaded before it is written), and they crash the process; `probe` finds out.

    `values` is the type that they have in the caches of all contexts over these weights (decisions/0011), and
    `pass_tokens` what a batch costs by itself there (see `scheduling.backend.Backend`).

    Once closed, every method raises `EngineError`.
    """

    def __init__(
        self,
        path: Path,
        *,
        extra_buffers: bool = False,
        values: ValueType = ValueType.F16,
        pass_tokens: float = PASS_TOKENS,
        vocabulary_only: bool = False,
    ) -> None:
        lib = llama.load()
        self.path = path
        self.lib = lib
        self.extra_buffers = extra_buffers
        self.values = values
        self.pass_tokens = pass_tokens
        params = lib.llama_model_default_params()
        params.vocab_only = vocabulary_only
        params.use_extra_bufts = extra_buffers
        self._lock = threading.Lock()
        self._contexts = 0
        self._model: Any = lib.llama_model_load_from_file(os.fsencode(path), params)
        if not self._model:
            raise ModelError(
                f"llama.cpp can't load {path.name}: {llama.last_error() or 'no reason given'}",
                help="fetch the model again with `mpc models pull`, or check that the file is a whole GGUF",
            )
        self._vocab: Any = lib.llama_model_get_vocab(self._model)
        self._pieces: dict[int, bytes] = {}
        self._kept = lru_cache(_KEPT_TEXTS)(self._encoded)

    @property
    def model(self) -> Any:
        """The model, for llama.cpp's functions."""
        self._require_open()
        return self._model

    @property
    def vocab(self) -> Any:
        """The model's vocabulary, for llama.cpp's functions."""
        self._require_open()
        return self._vocab

    def hold(self) -> None:
        """Count one more context over these weights."""
        self._require_open()
        with self._lock:
            self._contexts += 1

    def release(self) -> None:
        """Count one less, and free the weights with the last one."""
        with self._lock:
            self._contexts -= 1
        self.close()

    def close(self) -> None:
        """Free the weights; those that contexts are using, with the last of these."""
        with self._lock:
            if self._contexts == 0 and self._model:
                self.lib.llama_model_free(self._model)
                self._model = self._vocab = None

    def _require_open(self) -> None:
        if not self._model:
            raise EngineError(f"the model of {self.path.name} was closed")

    def n_context_trained(self) -> int:
        """The tokens it was trained on at a time."""
        return int(self.lib.llama_model_n_ctx_train(self.model))

    def metadata(self, key: str) -> str | None:
        """What the file says of its model under a key of GGUF's, if it says so."""
        value = ctypes.create_string_buffer(_LONGEST_VALUE)
        size = self.lib.llama_model_meta_val_str(self.model, key.encode(), value, len(value))
        return None if size < 0 else value.value.decode(errors="replace")

    def pools(self) -> bool:
        """Whether the file says how a text's states become one vector."""
        return self.metadata(f"{self.metadata('general.architecture')}.pooling_type") not in (None, "0")

    def n_layers(self) -> int:
        """Its layers."""
        return int(self.lib.llama_model_n_layer(self.model))

    def n_embd(self) -> int:
        """Numbers in a hidden state."""
        return int(self.lib.llama_model_n_embd(self.model))

    # ------------------------------------------------------------------------------------- vocabulary

    def n_vocab(self) -> int:
        return int(self.lib.llama_vocab_n_tokens(self.vocab))

    def token_eos(self) -> int:
        return int(self.lib.llama_vocab_eos(self.vocab))

    def start_tokens(self) -> list[int]:
        """The BOS token, if this model's prompts begin with one."""
        return (
            [int(self.lib.llama_vocab_bos(self.vocab))]
            if self.lib.llama_vocab_get_add_bos(self.vocab)
            else []
        )

    def end_tokens(self) -> list[int]:
        """What this model's texts end with: its SEP or EOS token, or nothing."""
        lib, vocab = self.lib, self.vocab
        if lib.llama_vocab_get_add_sep(vocab):
            return [int(lib.llama_vocab_sep(vocab))]
        return [self.token_eos()] if lib.llama_vocab_get_add_eos(vocab) else []

    def turn_ends(self) -> list[int]:
        """What ends a turn of a chat, or a text: its EOT and EOS tokens."""
        found = {int(self.lib.llama_vocab_eot(self.vocab)), self.token_eos()}
        return sorted(token for token in found if token >= 0)

    def is_end(self, token: int) -> bool:
        return bool(self.lib.llama_vocab_is_eog(self.vocab, token))

    def encode(self, text: str, *, control: bool) -> list[int]:
        """Token ids of a text by itself, without BOS; with `control`, control tokens in it are recognised."""
        self._require_open()
        # llama.cpp takes some milliseconds for a thousand tokens.
        return list((self._kept if len(text) <= _LONGEST_KEPT else self._encoded)(text, control))

    def _encoded(self, text: str, control: bool) -> Sequence[int]:
        tokens = self._tokenized(text, control)
        if control or not ("<" in text or "[" in text):
            return tokens
        markers = {self.piece(token).decode() for token in tokens if self._is_marker(token)}
        if not markers:
            return tokens
        # llama.cpp finds user-defined tokens in any text; cut behind its first character, one is text.
        found = re.finditer("|".join(map(re.escape, sorted(markers))), text)
        cuts = [0, *(match.start() + 1 for match in found), len(text)]
        pieces = (text[start:end] for start, end in pairwise(cuts))
        return [token for piece in pieces for token in self._tokenized(piece, control)]

    def _is_marker(self, token: int) -> bool:
        """Whether a user-defined token stands for more than its text, as `<start_of_image>` does and the tag
        `<b>` does not."""
        attributes = self.lib.llama_vocab_get_attr(self.vocab, token)
        if not attributes & self.lib.LLAMA_TOKEN_ATTR_USER_DEFINED:
            return False
        return _MARKER.fullmatch(self.piece(token)) is not None

    def _tokenized(self, text: str, control: bool) -> list[int]:
        if not text:
            return []
        data = text.encode()
        if len(data) > _LONGEST_TEXT:
            raise ArgumentError(f"a text of {len(data):,} bytes is more than any model reads")
        room = len(data) + 8
        while True:
            buffer = (ctypes.c_int32 * room)()
            count = self.lib.llama_tokenize(self.vocab, data, len(data), buffer, room, False, control)
            if count >= 0:
                return buffer[:count]
            room = -count

    def piece(self, token: int) -> bytes:
        """A token's bytes; empty for control tokens."""
        found = self._pieces.get(token)
        if found is None:
            found = self._pieces[token] = self.read_piece(token, control=False)
        return found

    def read_piece(self, token: int, *, control: bool) -> bytes:
        """A token's bytes from the model; those of control tokens with `control`."""
        if not 0 <= token < self.n_vocab():
            raise EngineError(f"{self.path.name} has no token {token}")
        room = 64
        while True:
            buffer = ctypes.create_string_buffer(room)
            count = self.lib.llama_token_to_piece(self.vocab, token, buffer, room, 0, control)
            if count >= 0:
                return buffer.raw[:count]
            room = -count

    # ------------------------------------------------------------------- as Outlines' tokenizer reads it

    def tokenizer(self) -> Weights:
        return self

    def tokenize(self, text: bytes, add_bos: bool = True, special: bool = False) -> list[int]:
        start = self.start_tokens() if add_bos else []
        return start + self.encode(text.decode(errors="replace"), control=special)

    def detokenize(self, tokens: Iterable[int]) -> bytes:
        return b"".join(map(self.piece, tokens))

    # ------------------------------------------------------------------------------------ chat template

    @cached_property
    def template(self) -> Template | None:
        """The model's chat template; `None` if it has none that llama.cpp knows."""
        source = self.lib.llama_model_chat_template(self.model, None)
        if source is None or self._apply(source, [("user", "x")]) is None:
            return None

        def render(turns: Sequence[Message]) -> Iterator[Segment]:
            # Marks stand for all that is not the program's own text, so that the template never sees it.
            kept: list[Segment] = []
            messages = []
            for turn in turns:
                content = ""
                for segment in turn.segments:
                    if isinstance(segment, Literal):
                        content += segment.text
                    else:
                        content += f"{_MARK}{len(kept)}{_MARK}"
                        kept.append(segment)
                messages.append((turn.role, content))
            text = self._apply(source, messages)
            if text is None:
                raise EngineError(f"llama.cpp can't apply the chat template of {self.path.name}")
            for index, part in enumerate(text.split(_MARK)):
                if index % 2:
                    yield kept[int(part)]
                elif part:
                    yield Literal(part)

        return Template(render, _markers(source))

    def _apply(self, source: bytes, messages: Sequence[tuple[str, str]]) -> str | None:
        encoded = [(role.encode(), content.encode()) for role, content in messages]
        array = (self.lib.llama_chat_message * len(encoded))(*encoded)
        room = 256 + sum(len(role) + 2 * len(content) + 64 for role, content in encoded)
        while True:
            buffer = ctypes.create_string_buffer(room)
            count = self.lib.llama_chat_apply_template(source, array, len(encoded), True, buffer, room)
            if count < 0:
                return None
            if count <= room:
                return buffer.raw[:count].decode()
            room = count


def _markers(template: bytes) -> Markers | None:
    """The markers of a model that has learnt to think, whose template takes thoughts out of earlier turns or
    writes one. What the answer has to begin with, so that it answers without thinking first, is the
    empty thought that the template itself writes there for `enable_thinking=false`, which llama.cpp's own
    rendering does not know; models that can't but think have none.
    """
    if b"</think>" not in template:
        return None
    found = _EMPTY_THOUGHT.search(template)
    empty = found[0].replace(rb"\n", b"\n").decode() if found else ""
    return Markers(opening="<think>\n", closing="\n</think>\n\n", empty=empty)


_EMPTY_THOUGHT = re.compile(rb"<think>(?:\\n)*</think>(?:\\n)*")  # in a literal of the template, so with `\n`
_MARKER = re.compile(rb"<[^<>\s]*[_|][^<>\s]*>|\[\w+\]")
_MARK = "\ufdd0"
"""A Unicode noncharacter: never part of a text that is meant to be read."""
