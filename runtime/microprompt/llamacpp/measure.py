"""Time and compare model files on this CPU, in the shape of a real call, in the engine's own contexts.

The shape: a few-shot prefix of about 100 tokens is in the KV cache; a batch of 16 tokens follows; one row of
logits is read. That is a choice, the most common call. The time of one more token, as in decoding text, is
taken beside it, and the rate of full batches, as in `map`.

What is measured is the CPU time of the thread that calls llama.cpp, not the time on the clock: other programs
make a second of the clock as much as ten times as long, and the caller's CPU time hardly longer at all. The
caller does its share of every operation, and all of what can't be shared, so on a quiet machine both are the
same to within a percent, with any number of threads. Threads that wait for one another spin before they
sleep, and spinning counts as CPU time; `library.load` keeps GNU's OpenMP from spinning for long. Where
llama.cpp was built with another OpenMP, the figures move with the load as a clock's do, and their spread
shows it.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Final, TypeAlias

import numpy as np

from ..errors import ModelError
from ..scheduling.backend import BATCH_TOKENS, Rows, SequencePool, Step
from . import library as llama
from .backend import LlamaCppBackend
from .weights import ValueType, Weights, WeightsFile

CALL_TOKENS: Final = 16
"""Tokens of a call's batch, as it is timed."""

FileType: TypeAlias = str
"""A type of weights as llama.cpp names it: `F16`, `BF16`, `Q4_1`, `Q4_K - Medium`, ..."""

_EXACT_TYPES: Final = ("F16", "BF16")
"""The types that hold any quantised weight to within a rounding that no label notices."""

_FAST_TYPES: Final = frozenset(
    ("Q4_0", "Q4_K - Small", "Q4_K - Medium", "Q5_0", "Q8_0", "IQ4_NL - 4.5 bpw", "MXFP4 MoE")
)
"""Quantised types for which llama.cpp has kernels that share work between the rows of a batch: repacked ones,
or llamafile's. Qwen2.5-Coder-0.5B as BF16 needs 0.97 times the time of its Q4_K for a batch of 16, and 1.5
times that for a token, which is reading weights; and that is on a CPU with AVX512-BF16 where the repacked
kernels could not be used."""

_MAX_EXACT_BYTES: Final = 2 << 30
"""Models that would be larger than this are not written again: two candidates have to lie on the disk."""

MAX_SPREAD: Final = 0.1
"""How much longer than the best round, as a share, the usual one may take on a quiet machine."""

_MIN_ROUNDS: Final = 5
_ROUNDS: Final = 15
_SECONDS: Final = 6.0  # after these no round is begun: on contended cores each takes many times as long
_TRIES: Final = 3
_LANE_ROUNDS: Final = 3
_CONTEXT: Final = 2048
_CALLS: Final = 4  # fill a batch between them
_BATCHES: Final = 4

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
    """Milliseconds of a call's batch of `CALL_TOKENS`, and of one decoded token: the best of several rounds.
    `spread` is how much longer, as a share, the usual round took."""

    batch_ms: float
    token_ms: float
    spread: float

    @property
    def call_ms(self) -> float:
        """A batch and one token more: between a choice, which decodes nothing, and a text."""
        return self.batch_ms + self.token_ms

    @property
    def pass_tokens(self) -> float:
        """What a batch costs by itself, in the time of so many tokens: up to those of a call's batch, which
        on a busy machine may seem to take as long as one."""
        more = (self.batch_ms - self.token_ms) / (CALL_TOKENS - 1)
        if more <= 0:
            return CALL_TOKENS
        return min(max(0.0, self.token_ms / more - 1), CALL_TOKENS)


def types_to_try(path: Path) -> tuple[FileType, ...]:
    """The type of most weights of a GGUF file, and others in which it may be faster."""
    with closing(Weights(path, vocabulary_only=True)) as weights:
        parameters = int(weights.lib.llama_model_n_params(weights.model))
        number = weights.metadata("general.file_type")
        name = None if number is None else weights.lib.llama_ftype_name(int(number))
    own = name.decode().removeprefix("all ") if name else "unknown"
    return own, *faster_types(own, parameters)


def faster_types(own: FileType, parameters: int) -> tuple[FileType, ...]:
    """The types in which weights of this type and number may be faster, without other answers."""
    if own in _FAST_TYPES or own in {"F32", *_EXACT_TYPES} or 2 * parameters > _MAX_EXACT_BYTES:
        return ()
    return _EXACT_TYPES


def requantise(source: Path, target: Path, type: FileType, threads: int) -> None:
    """Write `source` with its weights in another type.

    Raises:
        ModelError: llama.cpp can't convert these weights, or the disk is full.
    """
    lib = llama.load()
    asked = lib.llama_model_quantize_default_params()
    asked.ftype = getattr(lib, f"LLAMA_FTYPE_MOSTLY_{type}")
    asked.allow_requantize = True
    asked.nthread = threads
    if lib.llama_model_quantize(bytes(source), bytes(target), ctypes.byref(asked)) != 0:
        raise ModelError(f"llama.cpp could not write {target.name}: {llama.last_error()}")


def time_calls(files: Sequence[WeightsFile], threads: int) -> list[Timing]:
    """Time all files in turns, so that a noisy moment is shared by all; again if there were many.

    Raises:
        ModelError: a file can't be loaded.
    """
    with ExitStack() as stack:
        contexts = [stack.enter_context(_opened(file)) for file in files]
        for context in contexts:
            context.time_call(threads)  # reads the weights from the disk
        return quietest(lambda: _time_in_turns(contexts, threads))


def time_values(file: WeightsFile, threads: int) -> dict[ValueType, Timing]:
    """Time a file with values of each type in its cache, in turns.

    Raises:
        ModelError: the file can't be loaded, or there is no memory for two contexts of it.
    """
    timings = time_calls([replace(file, values=each) for each in ValueType], threads)
    return dict(zip(ValueType, timings, strict=True))


def quietest(measure: Callable[[], list[Timing]]) -> list[Timing]:
    """The first measurement whose spread is small; the one of the least spread, if none of a few is."""
    best = measure()
    for _ in range(_TRIES - 1):
        if spread_of(best) <= MAX_SPREAD:
            break
        best = min(best, measure(), key=spread_of)
    return best


def spread_of(timings: Sequence[Timing]) -> float:
    """The largest spread of them."""
    return max(timing.spread for timing in timings)


def _time_in_turns(contexts: Sequence[_Context], threads: int) -> list[Timing]:
    rounds: list[list[tuple[float, float]]] = [[] for _ in contexts]
    begun = time.monotonic()
    for turn in range(_ROUNDS):
        if turn >= _MIN_ROUNDS and time.monotonic() - begun > _SECONDS:
            break
        for context, found in zip(contexts, rounds, strict=True):
            found.append(context.time_call(threads))
    return [_timing(found) for found in rounds]


def _timing(rounds: Sequence[tuple[float, float]]) -> Timing:
    # The best round counts: other work on the cores only ever adds time.
    batches, tokens = zip(*rounds, strict=True)
    usual = median(batch + token for batch, token in rounds)
    return Timing(
        batch_ms=min(batches),
        token_ms=min(tokens),
        spread=usual / min(batch + token for batch, token in rounds) - 1,
    )


def lane_rates(file: WeightsFile, threads: int) -> dict[int, float]:
    """Tokens a second in full batches, by the number of contexts that share the threads: 1, 2, 4, ...

    The best of several rounds, or of as many as there is time for.

    Raises:
        ModelError: the file can't be loaded, or there is no memory for so many contexts.
    """
    counts = [count for count in (1, 2, 4, 8) if count <= threads]
    with ExitStack() as stack:
        first = stack.enter_context(_opened(file))
        contexts = [first]
        while len(contexts) < counts[-1]:
            contexts.append(stack.enter_context(closing(_Context(first.backend.clone()))))
        best = dict.fromkeys(counts, 0.0)
        begun = time.monotonic()
        for turn in range(_LANE_ROUNDS):
            if turn and time.monotonic() - begun > _SECONDS:
                break
            for count in counts:
                with ThreadPoolExecutor(count) as pool:
                    filling = [
                        pool.submit(context.fill_batches, threads // count) for context in contexts[:count]
                    ]
                    rate = sum(_BATCHES * BATCH_TOKENS / filled.result() for filled in filling)
                best[count] = max(best[count], rate)
        return best


def probe(file: WeightsFile, threads: int) -> Rows:
    """The logits with which a file continues each of the built-in probes, one row for each.

    Raises:
        ModelError: the file can't be loaded.
    """
    with _opened(file) as context:
        return context.probe(threads)


def agreement(ours: Rows, theirs: Rows) -> float:
    """The share of the probes that both continue with the same token, ties aside."""
    rows = np.arange(len(theirs))
    lost = theirs.max(axis=1) - theirs[rows, ours.argmax(axis=1)]
    return float((lost <= _TIE).mean())


class _Context:
    """A context with the few-shot prefix in its first sequence."""

    def __init__(self, backend: LlamaCppBackend) -> None:
        self.backend = backend
        self._pool = SequencePool(backend)
        self._argument = backend.tokenize(_ARGUMENT, control=False)[: min(CALL_TOKENS + 1, backend.n_cells)]
        prefix = backend.tokenize(_PREFIX, control=True)[: backend.n_cells - len(self._argument)]
        self._start = len(prefix)
        self._prefix = self._pool.take()
        self._decode(1, [(self._prefix, 0, prefix)])

    def close(self) -> None:
        self.backend.close()

    def time_call(self, threads: int) -> tuple[float, float]:
        """Milliseconds of a call's batch, then of one more token."""
        sequence = self._pool.fork(self._prefix)
        begun = time.thread_time()
        self._decode(threads, [(sequence, self._start, self._argument[:CALL_TOKENS])])
        between = time.thread_time()
        self._decode(threads, [(sequence, self._start + CALL_TOKENS, self._argument[CALL_TOKENS:])])
        ended = time.thread_time()
        self._pool.give_back(sequence)
        return (between - begun) * 1e3, (ended - between) * 1e3

    def fill_batches(self, threads: int) -> float:
        """Evaluate some batches of calls side by side; the seconds that took."""
        begun = time.thread_time()
        tokens = self._argument[: BATCH_TOKENS // _CALLS]
        for _ in range(_BATCHES):
            sequences = [self._pool.fork(self._prefix) for _ in range(_CALLS)]
            self._decode(threads, [(sequence, self._start, tokens) for sequence in sequences])
            for sequence in sequences:
                self._pool.give_back(sequence)
        return time.thread_time() - begun

    def probe(self, threads: int) -> Rows:
        """The logits after each probe, one row for each."""
        rows = []
        for probe in _PROBES:
            sequence = self._pool.take()
            rows.append(self._decode(threads, [(sequence, 0, self.backend.tokenize(probe, control=True))])[0])
            self._pool.give_back(sequence)
        return np.array(rows)

    def _decode(self, threads: int, texts: Sequence[tuple[int, int, Sequence[int]]]) -> Rows:
        """Evaluate tokens, each text in a sequence from a position on, and read the row at its end."""
        step = Step()
        for sequence, start, tokens in texts:
            for at, token in enumerate(tokens):
                step.add(token, start + at, (sequence,), row=at == len(tokens) - 1)
        return self.backend.decode(step, threads)


@contextmanager
def _opened(file: WeightsFile) -> Iterator[_Context]:
    weights = file.load()
    room = min(_CONTEXT, weights.n_context_trained())
    backend = LlamaCppBackend(weights, name=file.path.stem, context=room)
    with closing(_Context(backend)) as context:
        yield context
