"""A model's vocabulary as llguidance reads it: every token's bytes.

Reading a quarter of a million tokens through the bindings takes 0.6 s, so they are kept on disk. The trie
that llguidance makes of them can't be kept: it has no form outside of memory.
"""

from __future__ import annotations

import ctypes
import hashlib
from contextlib import suppress
from importlib.metadata import version
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from .. import settings, storage
from .weights import Weights

if TYPE_CHECKING:
    from llguidance import LLTokenizer

_CONTROL_MARK = b"\xff"
"""llguidance takes a token that begins with it for a control token. It begins no text in UTF-8."""

_WORD: Final = 4  # bytes of a number in the file

_LARGEST: Final = 1 << 28
"""Bytes of a kept vocabulary; the largest ones have a few million."""


def guide_tokenizer(weights: Weights) -> LLTokenizer:
    """The vocabulary with byte-exact tokens; what `llguidance.llamacpp.lltokenizer_from_vocab` gives."""
    from llguidance import LLTokenizer

    address = ctypes.cast(weights.lib._lib.llama_tokenize, ctypes.c_void_p).value
    made: LLTokenizer = LLTokenizer.from_llamacpp(  # type: ignore[attr-defined]  # missing in its types
        tokens=_tokens(weights),
        vocab_ptr=weights.vocab,
        tokenize_fptr=address,
        eos_token=weights.token_eos(),
        slices=None,
    )
    return made


def _tokens(weights: Weights) -> list[bytes]:
    path = settings.current().home / "vocabularies" / _key(weights.path)
    found = _load(path)
    if found is None or len(found) != weights.n_vocab():
        found = [_token(weights, number) for number in range(weights.n_vocab())]
        with suppress(OSError):  # without room on the disk it is read again the next time
            _save(path, found)
    return found


def _key(path: Path) -> str:
    file = path.stat()
    parts = (str(path), str(file.st_size), str(file.st_mtime_ns), version("llama-cpp-python"))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _token(weights: Weights, number: int) -> bytes:
    piece = weights.read_piece(number, control=True)
    attributes = weights.lib.llama_vocab_get_attr(weights.vocab, number)
    looks_like_control = piece.startswith(b"<") and piece.endswith(b">")
    if attributes & weights.lib.LLAMA_TOKEN_ATTR_CONTROL or (
        attributes & weights.lib.LLAMA_TOKEN_ATTR_USER_DEFINED and looks_like_control
    ):
        return _CONTROL_MARK + piece
    return piece


def _load(path: Path) -> list[bytes] | None:
    """What was saved; `None` if there is nothing, or if it is damaged."""
    try:
        saved = storage.unseal(storage.read_regular(path, _LARGEST))
        if saved is None:
            return None
        count = int.from_bytes(saved[:_WORD], "little")
        start = _WORD * (count + 1)
        ends = np.frombuffer(saved[_WORD:start], dtype="<u4").tolist()
    except (OSError, ValueError):
        return None
    data = saved[start:]
    return [data[begin:end] for begin, end in pairwise([0, *ends])]


def _save(path: Path, tokens: list[bytes]) -> None:
    """Write how many tokens there are, where each ends, and their bytes. Raises `OSError`."""
    ends = np.array(list(accumulate(map(len, tokens))), dtype="<u4").tobytes()
    data = len(tokens).to_bytes(_WORD, "little") + ends + b"".join(tokens)
    storage.make_private(path.parent)
    storage.replace(path, storage.seal(data), mode=storage.PRIVATE)
