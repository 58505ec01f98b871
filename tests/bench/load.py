"""What the engine makes of the machine: many calls, many functions, long texts, and the floor beneath them.

python -m tests.bench.load [--rows N] > load.json

All in one process on the prepared weights of the default model, so that every figure can be held against the
floor: the tokens that differ from call to call, times the measured time of a token in a batch of that size.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import cycle, islice, pairwise
from statistics import median
from typing import Final

import click

from microprompt import PromptFunction, prompt, settings
from microprompt.engines.base import BATCH_TOKENS, LONG_BATCH_TOKENS, Step
from microprompt.engines.engine import Engine
from microprompt.engines.llamacpp.backend import LlamaCppBackend
from microprompt.engines.loaded import engine_for
from microprompt.testing import scripted

from .sentences import MESSAGES, SENTENCES
from .worker import peak_memory
from .workloads import Act, act, case, topic

IN_FLIGHT: Final = (1, 8, 32, 128)
FLOOR_BATCHES: Final = (1, 2, 4, 8, 12, 15, 20, 30, 45, BATCH_TOKENS, LONG_BATCH_TOKENS)
FUNCTIONS: Final = 40
LONG_TOKENS: Final = (50, 200, 800)


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """Milliseconds of a batch with one row, after a prefix of 100 tokens, by its number of tokens."""

    tokens: tuple[int, ...]
    batch_ms: tuple[float, ...]

    def of(self, tokens: float) -> float:
        """The time of a batch of that many tokens, between the two that were measured."""
        measured = list(zip(self.tokens, self.batch_ms, strict=True))
        for (less, less_ms), (more, more_ms) in pairwise(measured):
            if tokens <= more:
                return less_ms + (more_ms - less_ms) * (tokens - less) / (more - less)
        return self.batch_ms[-1] * tokens / self.tokens[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Times in milliseconds a call. `call_tokens` are those that a call of the enum evaluates, on average;
    `map_ms` is by rows in flight, `long_ms` by the argument's tokens, with the floor beside it. `growth_mib`
    is how much the memory grew over `grown_over` calls. The scripted engine's time is that of the whole call.
    """

    floor: Floor
    lanes: int
    threads: int
    rows: int
    call_tokens: float
    call_ms: float
    call_floor_ms: float
    map_ms: dict[int, float]
    map_floor_ms: float
    labels_ms: float
    record_ms: float
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
    backend = engine.backend
    assert isinstance(backend, LlamaCppBackend)
    threads = settings.current().threads
    texts = list(islice(cycle(_varied()), rows))
    act(texts[0])
    # The floor is taken before and after, and the faster one counts, as everywhere.
    floor = _floor(backend, threads)
    tokens = _call_tokens(engine, texts)
    call_ms = _loop(act, texts[: rows // 5])
    map_ms = {count: _time(partial(act.map, texts, in_flight=count)) / rows for count in IN_FLIGHT}
    again = _floor(backend, threads)
    floor = replace(floor, batch_ms=tuple(map(min, floor.batch_ms, again.batch_ms)))
    functions_cold, functions_warm = _many_functions()
    grown_over = rows * 5
    act.map(texts)
    before = peak_memory()
    act.map(islice(cycle(texts), grown_over))
    growth = peak_memory() - before
    scripted_ms, scripted_map_ms = _scripted(texts)
    return Load(
        floor=floor,
        lanes=len(engine.scheduler.lanes),
        threads=threads,
        rows=rows,
        call_tokens=tokens,
        call_ms=call_ms,
        call_floor_ms=floor.of(tokens),
        map_ms=map_ms,
        map_floor_ms=floor.of(BATCH_TOKENS) / BATCH_TOKENS * tokens,
        labels_ms=_loop(topic, MESSAGES),
        record_ms=_loop(case, MESSAGES),
        functions_ms=functions_warm,
        functions_cold_ms=functions_cold,
        long_ms={count: _long(count, floor) for count in LONG_TOKENS},
        scripted_ms=scripted_ms,
        scripted_map_ms=scripted_map_ms,
        growth_mib=growth / 2**20,
        grown_over=grown_over,
    )


def _varied() -> Sequence[str]:
    """Different sentences of one length: no answer could be a remembered one."""
    return [f"{text[:-1]} {number}{text[-1]}" for number in range(1, 60) for text in SENTENCES]


def _floor(backend: LlamaCppBackend, threads: int) -> Floor:
    # Sequences that the engine's own pool hands out last.
    numbers = iter(range(backend.n_sequences - 1, 0, -1))
    prefix, own = next(numbers), next(numbers)
    backend.decode(_step(prefix, 0, 100), threads)
    found = []
    for count in FLOOR_BATCHES:
        times = []
        for _ in range(8):
            backend.fork(prefix, own)
            begun = time.perf_counter()
            backend.decode(_step(own, 100, count), threads)
            times.append(time.perf_counter() - begun)
            backend.forget(own)
        found.append(min(times) * 1e3)
    backend.forget(prefix)
    return Floor(tokens=FLOOR_BATCHES, batch_ms=tuple(found))


def _step(sequence: int, start: int, count: int) -> Step:
    step = Step()
    for place in range(count):
        step.add(1000 + place, start + place, (sequence,), row=place == count - 1)
    return step


def _call_tokens(engine: Engine, texts: Sequence[str]) -> float:
    bound = engine.bind(act.program)
    return sum(len(bound.question({"text": text})) for text in texts) / len(texts)


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
    @prompt(replace(act.program, instruction=instruction))
    def asked(text: str) -> object:
        raise NotImplementedError  # the decorator answers

    return asked


def _long(tokens: int, floor: Floor) -> tuple[float, float]:
    """Milliseconds of a call with an argument of about that many tokens, and the floor of its batches."""
    text = " ".join(islice(cycle(SENTENCES), tokens // 12))
    engine = engine_for(None)
    count = len(engine.bind(act.program).question({"text": text}))
    whole, rest = divmod(count, LONG_BATCH_TOKENS)
    least = whole * floor.of(LONG_BATCH_TOKENS) + (floor.of(rest) if rest else 0)
    return min(_time(partial(act, f"{number} {text}")) for number in range(4)), least


def _scripted(texts: Sequence[str]) -> tuple[float, float]:
    """Milliseconds of a call and of a row of a map where no model runs."""
    with scripted({"act": Act.command}):
        act(texts[0])
        return _loop(act, texts[:500]), _time(lambda: act.map(texts)) / len(texts)


if __name__ == "__main__":
    main()
