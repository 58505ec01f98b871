"""What the engine makes of the machine: many calls, many functions, long texts, and the floor beneath them.

python -m tests.bench.load [--rows N] > load.json

All in one process on the prepared weights of the default model, so that every figure can be held against the
floor: the tokens that differ from call to call, times the measured time of a token in a batch of that size.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import cycle, islice
from statistics import median
from typing import Final

import click

from microprompt import PromptFunction, settings
from microprompt.engines.engine import Engine
from microprompt.engines.loaded import engine_for
from microprompt.llamacpp.backend import LlamaCppBackend
from microprompt.scheduling.backend import BATCH_TOKENS, LONG_BATCH_TOKENS, Step
from microprompt.testing import scripted
from microprompt.types import StrType

from .sentences import MESSAGES, SENTENCES
from .worker import peak_memory
from .workloads import Act, act, case, topic

IN_FLIGHT: Final = (1, 8, 32, 128)
FLOOR_BATCHES: Final = (1, 2, 4, 8, 12, 15, 20, 30, 45, BATCH_TOKENS, LONG_BATCH_TOKENS)
FUNCTIONS: Final = 40
LONG_TOKENS: Final = (50, 200, 800)
_CHUNK: Final = 200


class Floor:
    """llama.cpp alone: batches with one row behind a prefix of 100 tokens.

    Always timed in turns with what stands on it, for a shared machine may be a third slower in a minute.
    """

    def __init__(self, backend: LlamaCppBackend, threads: int) -> None:
        self._backend = backend
        self._threads = threads
        # Sequences that the engine's own pool hands out last.
        self._prefix, self._own = backend.n_sequences - 1, backend.n_sequences - 2
        backend.decode(_step(self._prefix, 0, 100), threads)

    def ms(self, tokens: int) -> float:
        """Milliseconds of a batch."""
        self._backend.fork(self._prefix, self._own)
        step = _step(self._own, 100, tokens)
        found = _time(lambda: self._backend.decode(step, self._threads))
        self._backend.forget(self._own)
        return found

    def close(self) -> None:
        self._backend.forget(self._prefix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Times in milliseconds a call, or in pairs with the floor beneath.

    `call_tokens` are those that a call of the enum evaluates, on average; `batch_ms` is by the size of the
    batch, `map_ms` by rows in flight, `long_ms` by the argument's tokens. `text_ms` is of a prompt that
    returns a `str`, in a loop and as a row of a map. `growth_mib` is how much the memory grew over
    `grown_over` calls. The scripted engine's time is that of the whole call.
    """

    batch_ms: dict[int, float]
    lanes: int
    threads: int
    rows: int
    call_tokens: float
    call_ms: tuple[float, float]
    map_ms: dict[int, tuple[float, float]]
    labels_ms: float
    record_ms: float
    text_ms: tuple[float, float]
    functions_ms: float
    functions_cold_ms: float
    long_ms: dict[int, tuple[float, float]]
    scripted_ms: float
    scripted_map_ms: float
    growth_mib: float
    grown_over: int


@click.command()
@click.option("--rows", default=1000, show_default=True, type=click.IntRange(min=100), help="Rows of a map.")
def main(rows: int) -> None:
    """Measure the default model and print the result as JSON."""
    click.echo(json.dumps(asdict(measure(rows)), indent=2))


def measure(rows: int) -> Load:
    """Measure everything; some minutes."""
    engine = engine_for(None)
    assert isinstance(engine, Engine)
    backend = engine.backend
    assert isinstance(backend, LlamaCppBackend)
    threads = settings.current().threads
    texts = list(islice(cycle(_varied()), rows))
    act(texts[0])
    tokens = _call_tokens(engine, texts)
    with closing(Floor(backend, threads)) as floor:
        call_ms = _call(floor, tokens, texts[: rows // 5])
        map_ms = {count: _map(floor, tokens, texts, count) for count in IN_FLIGHT}
        long_ms = {count: _long(floor, engine, count) for count in LONG_TOKENS}
        batch_ms = {count: min(floor.ms(count) for _ in range(12)) for count in FLOOR_BATCHES}
    functions_cold, functions_warm = _many_functions()
    grown_over = rows * 10
    act.map(texts)
    before = peak_memory()
    act.map(islice(cycle(texts), grown_over))
    growth = peak_memory() - before
    scripted_ms, scripted_map_ms = _scripted(texts)
    return Load(
        batch_ms=batch_ms,
        lanes=len(engine.scheduler.runners),
        threads=threads,
        rows=rows,
        call_tokens=tokens,
        call_ms=call_ms,
        map_ms=map_ms,
        labels_ms=_loop(topic, MESSAGES),
        record_ms=_loop(case, MESSAGES),
        text_ms=_texts(),
        functions_ms=functions_warm,
        functions_cold_ms=functions_cold,
        long_ms=long_ms,
        scripted_ms=scripted_ms,
        scripted_map_ms=scripted_map_ms,
        growth_mib=growth / 2**20,
        grown_over=grown_over,
    )


def _varied() -> Sequence[str]:
    """Different sentences of one length: no answer could be a remembered one."""
    return [f"{text[:-1]} {number}{text[-1]}" for number in range(1, 60) for text in SENTENCES]


def _step(sequence: int, start: int, count: int) -> Step:
    step = Step()
    for place in range(count):
        step.add(1000 + place, start + place, (sequence,), row=place == count - 1)
    return step


def _call_tokens(engine: Engine, texts: Sequence[str]) -> float:
    bound = engine.bind(act.program)
    return sum(len(bound.question({"text": text})) for text in texts) / len(texts)


def _call(floor: Floor, tokens: float, texts: Sequence[str]) -> tuple[float, float]:
    pairs = [(_time(partial(act, text)), floor.ms(round(tokens))) for text in texts]
    return _medians(pairs)


def _map(floor: Floor, tokens: float, texts: Sequence[str], in_flight: int) -> tuple[float, float]:
    """A row of a map; its floor is its share of a full batch on all threads."""
    spent, batches = 0.0, []
    for start in range(0, len(texts), _CHUNK):
        chunk = texts[start : start + _CHUNK]
        batches += [floor.ms(BATCH_TOKENS) for _ in range(4)]
        spent += _time(partial(act.map, chunk, in_flight=in_flight))
    return spent / len(texts), median(batches) / BATCH_TOKENS * tokens


def _loop(function: Callable[[str], object], texts: Sequence[str]) -> float:
    """Milliseconds of a call, the median."""
    function(texts[0])
    return median(_time(partial(function, text)) for text in texts)


def _time(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1e3


def _many_functions() -> tuple[float, float]:
    """Functions that are called in turns: milliseconds of a call, the first time and later."""
    functions = [_function(f"Question {number}: is the speaker happy?") for number in range(FUNCTIONS)]
    cold = median(_time(partial(function, SENTENCES[0])) for function in functions)
    warm = median(_time(partial(function, text)) for text in SENTENCES[1:4] for function in functions)
    return cold, warm


def _function(instruction: str) -> PromptFunction[[str], object]:
    return PromptFunction(_any, program=replace(act.program, instruction=instruction))


def _texts() -> tuple[float, float]:
    """A prompt that returns a line of text: milliseconds of a call in a loop, and of a row of a map."""
    laid_out = replace(act.program, instruction="Say it in other words.", returns=StrType(), examples=())
    rephrase = PromptFunction(_any, program=laid_out)
    rows = SENTENCES * 4
    return _time(lambda: [rephrase(text) for text in SENTENCES]) / len(SENTENCES), _time(
        lambda: rephrase.map(rows)
    ) / len(rows)


def _any(text: str) -> object:
    raise NotImplementedError  # the model answers


def _long(floor: Floor, engine: Engine, tokens: int) -> tuple[float, float]:
    """A call with an argument of about that many tokens; its floor is that of its batches."""
    text = " ".join(islice(cycle(SENTENCES), tokens // 12))
    whole, rest = divmod(len(engine.bind(act.program).question({"text": text})), LONG_BATCH_TOKENS)
    pairs = [
        (
            _time(partial(act, f"{number} {text}")),
            whole * floor.ms(LONG_BATCH_TOKENS) + (floor.ms(rest) if rest else 0),
        )
        for number in range(5)
    ]
    return _medians(pairs)


def _medians(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return median(call for call, _ in pairs), median(least for _, least in pairs)


def _scripted(texts: Sequence[str]) -> tuple[float, float]:
    """Milliseconds of a call and of a row of a map where no model runs."""
    with scripted({"act": Act.command}):
        act(texts[0])
        return _loop(act, texts[:500]), _time(lambda: act.map(texts)) / len(texts)


if __name__ == "__main__":
    main()
