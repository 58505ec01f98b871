"""What a flow costs: against the same logic, written by hand with `gather`.

    python -m tests.bench.flows [--rounds N] [--repeats N]

The two take turns, text by text, on the decisions of the standard library, in a thread and in a task; and on
the scripted engine, where all that is left is ours. Processor seconds are what a call uses; those on the
clock, which a user waits, are more of them on a machine that is busy.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count, cycle, islice
from statistics import median
from typing import Any, Final

import click

from microprompt import abi, agather, flow, gather
from microprompt.testing import scripted
from mpstd.dialogue import Relation, boundary
from mpstd.question import Complexity, Durability, complexity, durability
from mpstd.request import Act, classify

from .report import warn_if_busy
from .sentences import SENTENCES

TARGET: Final = 1.05
"""How many times as long as the same logic by hand a flow may take."""

_NOTES: Final = SENTENCES[:4]
_RESAMPLES: Final = 2000
_NUMBERS: Final = count()


@flow
def sort(text: str, previous: str, notes: list[str]) -> str:
    act, relation = gather(classify.later(text), boundary.later(previous, text))
    if act == Act.question:
        how, long = gather(complexity.later(text), durability.later(text))
        return f"{how.name} {long.name}"
    acts = gather(*[classify.later(note) for note in notes])
    found: list[str] = []
    for other in acts:
        if other == act:
            found.append(other.name)
    return f"{relation.name} {len(found)}"


@sort.in_tasks
async def _sort(text: str, previous: str, notes: list[str]) -> str:
    act, relation = await agather(classify.later(text), boundary.later(previous, text))
    if act == Act.question:
        how, long = await agather(complexity.later(text), durability.later(text))
        return f"{how.name} {long.name}"
    acts = await agather(*[classify.later(note) for note in notes])
    found: list[str] = []
    for other in acts:
        if other == act:
            found.append(other.name)
    return f"{relation.name} {len(found)}"


sort.body = abi.Flow(source="bench.mp", line=1, lines=((1, 2),), timeout=600.0)


def by_hand(text: str, previous: str, notes: list[str]) -> str:
    """The same, as a program without flows has it."""
    act, relation = gather(classify.later(text), boundary.later(previous, text))
    if act is Act.question:
        how, long = gather(complexity.later(text), durability.later(text))
        return f"{how.name} {long.name}"
    acts = gather(*[classify.later(note) for note in notes])
    return f"{relation.name} {acts.count(act)}"


async def by_hand_in_tasks(text: str, previous: str, notes: list[str]) -> str:
    """The same in tasks, with nothing but asyncio."""
    act, relation = await asyncio.gather(classify.acall(text), boundary.acall(previous, text))
    if act is Act.question:
        how, long = await asyncio.gather(complexity.acall(text), durability.acall(text))
        return f"{how.name} {long.name}"
    acts = await asyncio.gather(*[classify.acall(note) for note in notes])
    return f"{relation.name} {acts.count(act)}"


@dataclass(frozen=True, slots=True)
class Pair:
    """How many times as long the flow takes, by processor and by clock: the median of the texts' ratios with
    its 95 % bootstrap interval; and milliseconds of the flow on the clock."""

    name: str
    texts: int
    processor: tuple[float, float, float]
    clock: tuple[float, float, float]
    ms: float


Call = Callable[[str, str, list[str]], Any]
SCRIPT: Final = {
    "classify": lambda text: Act.question if text.endswith("?") else Act.command,
    "boundary": next(iter(Relation)),
    "complexity": next(iter(Complexity)),
    "durability": next(iter(Durability)),
}


@click.command()
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(min=2), help="Times each text.")
@click.option("--repeats", default=40, show_default=True, type=click.IntRange(min=2), help="Texts.")
def main(rounds: int, repeats: int) -> None:
    """Measure, and say by how much flows are slower."""
    warn_if_busy()
    pairs = [*measure("", rounds, repeats)]
    with scripted(SCRIPT):
        pairs += measure(", no model", rounds, repeats)
    click.echo(f"A flow, times as long as the same by hand; {TARGET} at most:\n")
    click.echo("| | texts | processor, times | clock, times | flow ms |\n|---|---|---|---|---|")
    for pair in pairs:
        times = (pair.processor, pair.clock)
        cells = (f"{middle:.3f} [{low:.3f}, {high:.3f}]" for middle, low, high in times)
        click.echo(f"| {pair.name} | {pair.texts} | {' | '.join(cells)} | {pair.ms:.2f} |")


def measure(where: str, rounds: int, repeats: int) -> Iterator[Pair]:
    """Measure in a thread, and in a task."""
    with asyncio.Runner() as runner:

        def in_task(form: Callable[..., Coroutine[Any, Any, str]]) -> Call:
            return lambda *arguments: runner.run(form(*arguments))

        yield _pair(f"in a thread{where}", sort, by_hand, rounds, repeats)
        yield _pair(f"in a task{where}", in_task(sort.acall), in_task(by_hand_in_tasks), rounds, repeats)


def _pair(name: str, first: Call, second: Call, rounds: int, repeats: int) -> Pair:
    texts = [*islice(cycle(SENTENCES), repeats)]
    for call in (first, second):
        call(texts[0], texts[1], [*_NOTES])
        call(texts[1], texts[0], [*_NOTES])
    spent: list[tuple[list[float], list[float], list[float], list[float]]] = []
    for text in texts:
        took: tuple[list[float], list[float], list[float], list[float]] = ([], [], [], [])
        for turn in range(rounds):
            # Each text is a new one to both, and who is first changes.
            order = [(first, 0), (second, 2)] if turn % 2 else [(second, 2), (first, 0)]
            for call, at in order:
                asked = f"{text[:-1]} {next(_NUMBERS)}{text[-1]}"
                found = _time(partial(call, asked, SENTENCES[0], [*_NOTES]))
                took[at].append(found[0])
                took[at + 1].append(found[1])
        spent.append(took)
    processor = [median(took[0]) / median(took[2]) for took in spent]
    clock = [median(took[1]) / median(took[3]) for took in spent]
    ms = median(median(took[1]) for took in spent) * 1e3
    return Pair(name, len(texts), interval(processor), interval(clock), ms)


def _time(work: Callable[[], object]) -> tuple[float, float]:
    """Processor seconds, and seconds on the clock."""
    processor, clock = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - processor, time.perf_counter() - clock


def interval(values: list[float]) -> tuple[float, float, float]:
    """The median, and the bootstrap's interval of 95 %."""
    chance = random.Random(0)
    medians = sorted(median(chance.choices(values, k=len(values))) for _ in range(_RESAMPLES))
    return median(values), medians[int(0.025 * _RESAMPLES)], medians[int(0.975 * _RESAMPLES)]


if __name__ == "__main__":
    main()
