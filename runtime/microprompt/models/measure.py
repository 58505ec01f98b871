"""Time and compare model files on this CPU, in the shape of a real call, on llama.cpp's low-level API.

The shape: a few-shot prefix of about 100 tokens is in the KV cache; a batch of 16 tokens follows; one row of
logits is read. That is a choice, the most common call. The time of one more token, as in decoding text, is
taken beside it.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .. import llama as llama_cpp
from ..errors import ModelError

llama = llama_cpp.load()

FileType: TypeAlias = str
"""A type of weights as llama.cpp names it: `F16`, `BF16`, `Q4_1`, `Q4_K - Medium`, ..."""

EXACT_TYPES: Final[dict[FileType, int]] = {
    "F16": llama.LLAMA_FTYPE_MOSTLY_F16,
    "BF16": llama.LLAMA_FTYPE_MOSTLY_BF16,
}
"""The types that hold any quantised weight to within a rounding that no label notices."""

_CALL_TOKENS: Final = 16
_MIN_ROUNDS: Final = 5
_ROUNDS: Final = 15
_SECONDS: Final = 6.0  # after these no round is begun: on contended cores each takes many times as long
_CONTEXT: Final = 2048

# Two labels whose logits are this close are a tie: the shape of a batch alone moves logits by up to 0.6.
_TIE: Final = 0.25

_PREFIX: Final = """\
Say whether the input is a question, a command, or a declaration.

Input: What time does the library open on Sunday?
Kind: question

Input: Put the blue folder back on the shelf.
Kind: command

Input: The train to the coast was late again this morning.
Kind: declaration

Input: Remind me to water the plants tonight.
Kind: command

Input: Who wrote the report about the bridge?
Kind: question

Input:"""

_ARGUMENT: Final = (
    " The neighbours painted their old garden fence green again last summer, didn't they?\nKind: q"
)

_PROBES: Final = (
    "The opposite of hot is",
    "The opposite of early is",
    "A baby cat is called a",
    "A person who bakes bread is a",
    "The capital of France is",
    "The capital of Japan is",
    "Water freezes at zero degrees",
    "One, two, three, four,",
    "Monday, Tuesday, Wednesday,",
    "January, February, March,",
    "Ten minus three is",
    "The sun rises in the",
    "Grass is green and the sky is",
    "Snow is white and coal is",
    "We eat soup with a",
    "She opened the door with her",
    "He was so tired that he fell",
    "It was raining, so she took her",
    "The library lends",
    "The doctor works in a",
    "Dear Sir or",
    "Once upon a",
    "Thank you very",
    "Ladies and",
    "apple: fruit\ncarrot: vegetable\nbanana:",
    "dog: animal\nrose: plant\ntiger:",
    "small: large\nfast: slow\nold:",
    "Paris: France\nRome: Italy\nMadrid:",
    "cats: cat\nhouses: house\ntrees:",
    "Is fire cold? no\nIs ice cold? yes\nIs steam cold?",
    "Can birds fly? yes\nCan stones fly? no\nCan planes fly?",
    "I love it! -> positive\nI hate it. -> negative\nWonderful! ->",
    "Great film. -> good\nWhat a waste of time. -> bad\nThe worst meal ever. ->",
    "Text: Where is it?\nKind: question\nText: Stop!\nKind: command\nText: Who are you?\nKind:",
    "Text: Sit down.\nKind: command\nText: It snows.\nKind: declaration\nText: The bus was late.\nKind:",
    "Text: Bonjour\nLanguage: French\nText: Guten Tag\nLanguage: German\nText: Buenos dias\nLanguage:",
    '{"name": "Anna", "age": 31, "city": "Oslo"}\n{"name": "Ben", "age": 27, "city":',
    "def add(a, b):\n    return a +",
    "for i in range(10):\n    print(",
    "2 + 2 = 4\n3 + 3 = 6\n4 + 4 =",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Milliseconds of a call's 16-token batch, and of one decoded token: the fastest of several rounds."""

    batch_ms: float
    token_ms: float


def file_type(path: Path) -> FileType:
    """The type of most weights of a GGUF file."""
    with _loaded(path, vocab_only=True) as model:
        value = ctypes.create_string_buffer(32)
        if llama.llama_model_meta_val_str(model, b"general.file_type", value, len(value)) < 0:
            return "unknown"
        name = llama.llama_ftype_name(int(value.value))
    return name.decode().removeprefix("all ") if name else "unknown"


def requantise(source: Path, target: Path, type: FileType, threads: int) -> None:
    """Write `source` with its weights in another type.

    Raises:
        ModelError: llama.cpp can't convert these weights, or the disk is full.
    """
    asked = llama.llama_model_quantize_default_params()
    asked.ftype = EXACT_TYPES[type]
    asked.allow_requantize = True
    asked.nthread = threads
    if llama.llama_model_quantize(bytes(source), bytes(target), ctypes.byref(asked)) != 0:
        raise ModelError(f"llama.cpp could not write {target.name}: {llama_cpp.last_error()}")


def time_calls(paths: Sequence[Path], threads: int) -> list[Timing]:
    """Time all files in turns, so that a noisy moment on the machine is shared by all.

    The fastest round counts, not the median: other work on the cores only ever adds time, up to tenfold, for
    threads that wait for one another spin.

    Raises:
        ModelError: a file can't be loaded.
    """
    with ExitStack() as stack:
        calls = [stack.enter_context(_call(path, threads)) for path in paths]
        for call in calls:
            call.prefill()
        batch: list[list[float]] = [[] for _ in calls]
        token: list[list[float]] = [[] for _ in calls]
        begun = time.monotonic()
        for turn in range(_ROUNDS + 1):
            if turn > _MIN_ROUNDS and time.monotonic() - begun > _SECONDS:
                break
            for call, batches, tokens in zip(calls, batch, token, strict=True):
                batch_ms, token_ms = call.time()
                if turn > 0:  # the first one reads the weights from the disk
                    batches.append(batch_ms)
                    tokens.append(token_ms)
        return [
            Timing(batch_ms=min(batches), token_ms=min(tokens))
            for batches, tokens in zip(batch, token, strict=True)
        ]


def agreement(path: Path, reference: Path, threads: int) -> float:
    """The share of the built-in probes that both files continue with the same token, ties aside.

    Raises:
        ModelError: a file can't be loaded.
    """
    with _call(path, threads) as call:
        ours = call.probe()
    with _call(reference, threads) as call:
        theirs = call.probe()
    rows = np.arange(len(_PROBES))
    lost = theirs.max(axis=1) - theirs[rows, ours.argmax(axis=1)]
    return float((lost <= _TIE).mean())


class _Call:
    """A context of one model, and a batch to feed it with."""

    def __init__(self, model: Any, context: Any, batch: Any) -> None:
        self._context = context
        self._batch = batch
        self._memory = llama.llama_get_memory(context)
        self._vocabulary = llama.llama_model_get_vocab(model)
        self._start = 0

    def prefill(self) -> None:
        """Put the few-shot prefix into the cache."""
        prefix = self._tokens(_PREFIX)
        self._decode([(token, at, 0, False) for at, token in enumerate(prefix)])
        self._start = len(prefix)

    def time(self) -> tuple[float, float]:
        """Milliseconds of a call's batch, then of one more token."""
        tokens = self._tokens(_ARGUMENT, special=False)[: _CALL_TOKENS + 1]
        rows = [(token, self._start + at, 0, at >= _CALL_TOKENS - 1) for at, token in enumerate(tokens)]
        begun = time.perf_counter()
        self._decode(rows[:_CALL_TOKENS])
        between = time.perf_counter()
        self._decode(rows[_CALL_TOKENS:])
        ended = time.perf_counter()
        llama.llama_memory_seq_rm(self._memory, 0, self._start, -1)
        return (between - begun) * 1e3, (ended - between) * 1e3

    def probe(self) -> NDArray[np.float32]:
        """The logits after each probe, one row for each; all probes in one batch, a sequence for each."""
        rows: list[tuple[int, int, int, bool]] = []
        ends: list[int] = []
        for sequence, probe in enumerate(_PROBES):
            tokens = self._tokens(probe)
            last = len(tokens) - 1
            rows += [(token, at, sequence, at == last) for at, token in enumerate(tokens)]
            ends.append(len(rows) - 1)
        self._decode(rows)
        size = llama.llama_vocab_n_tokens(self._vocabulary)
        logits = [llama.llama_get_logits_ith(self._context, end) for end in ends]
        return np.array([np.ctypeslib.as_array(row, (size,)) for row in logits])

    def _decode(self, rows: Sequence[tuple[int, int, int, bool]]) -> None:
        batch = self._batch
        batch.n_tokens = len(rows)
        for at, (token, position, sequence, wanted) in enumerate(rows):
            batch.token[at] = token
            batch.pos[at] = position
            batch.n_seq_id[at] = 1
            batch.seq_id[at][0] = sequence
            batch.logits[at] = wanted
        if llama.llama_decode(self._context, batch) != 0:
            raise ModelError("llama.cpp could not evaluate the probes with this model")
        llama.llama_synchronize(self._context)

    def _tokens(self, text: str, *, special: bool = True) -> list[int]:
        data = text.encode()
        room = len(data) + 8  # a token is at least a byte; the rest is for what is put around the text
        found = (llama.llama_token * room)()
        count = llama.llama_tokenize(self._vocabulary, data, len(data), found, room, special, False)
        return list(found[:count])


@contextmanager
def _call(path: Path, threads: int) -> Iterator[_Call]:
    with _loaded(path) as model, ExitStack() as stack:
        asked = llama.llama_context_default_params()
        asked.n_ctx = asked.n_batch = _CONTEXT
        asked.n_ubatch = 512
        asked.n_seq_max = len(_PROBES)
        asked.n_threads = asked.n_threads_batch = threads
        asked.kv_unified = True
        asked.swa_full = True
        # As in the engine, whose context this stands for.
        asked.flash_attn_type = llama.LLAMA_FLASH_ATTN_TYPE_DISABLED
        context = llama.llama_init_from_model(model, asked)
        if not context:
            raise ModelError(f"llama.cpp could not make room for {path.name}: is there enough memory?")
        stack.callback(llama.llama_free, context)
        batch = llama.llama_batch_init(_CONTEXT, 0, 1)
        stack.callback(llama.llama_batch_free, batch)
        yield _Call(model, context, batch)


@contextmanager
def _loaded(path: Path, *, vocab_only: bool = False) -> Iterator[Any]:
    asked = llama.llama_model_default_params()
    asked.vocab_only = vocab_only
    model = llama.llama_model_load_from_file(bytes(path), asked)
    if not model:
        raise ModelError(
            f"llama.cpp can't load {path}: {llama_cpp.last_error()}",
            help="the file may be damaged, or the memory too small",
        )
    try:
        yield model
    finally:
        llama.llama_model_free(model)
