"""What recording costs a call: calls a second with and without, in turns, on the scripted engine.

    python -m tests.bench.recording [--rounds N] [--calls N]

All that is left of a call there is ours, so this is the most that recording can cost: a model takes longer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import click

import microprompt
from microprompt.testing import scripted
from mpstd.request import Act, classify

from .flows import interval
from .report import warn_if_busy
from .sentences import SENTENCES


@click.command()
@click.option("--rounds", default=40, show_default=True)
@click.option("--calls", default=200, show_default=True, help="Calls of each kind in a round.")
def main(rounds: int, calls: int) -> None:
    """Print how many times as long calls take that are recorded."""
    warn_if_busy()
    with TemporaryDirectory() as folder, scripted({"classify": {Act.question: 0.7, Act.command: 0.3}}):
        record = Path(folder) / "calls.sqlite"
        for name, ask in (("alone", _alone), ("map", _mapped)):
            for measured, clock in (("clock", time.perf_counter), ("processor", time.process_time)):
                pairs = _pairs(ask, record, clock, rounds, calls)
                ratios = [with_it / without for with_it, without in pairs]
                times, low, high = interval(ratios)
                more = median(1e6 * (with_it - without) / calls for with_it, without in pairs)
                click.echo(
                    f"{name}, seconds of the {measured}: {times:.3f} [{low:.3f}, {high:.3f}] times "
                    f"as many, {more:.0f} µs a call more; n = {rounds} rounds of {calls} calls each way"
                )
        microprompt.configure(record=False)
        microprompt.flush()


def _alone(texts: Sequence[str]) -> None:
    for text in texts:
        classify(text)


def _mapped(texts: Sequence[str]) -> None:
    classify.map(texts)


def _pairs(
    ask: Callable[[Sequence[str]], None], record: Path, clock: Callable[[], float], rounds: int, calls: int
) -> list[tuple[float, float]]:
    """Of each round, the seconds of calls that are recorded, and of the same calls that are not."""
    texts = [SENTENCES[number % len(SENTENCES)] for number in range(calls)]
    found = []
    for number in range(rounds + 1):
        seconds = {}
        # Either goes first in every other round.
        for path in (record, None)[:: 1 if number % 2 else -1]:
            microprompt.configure(record=path)
            start = clock()
            ask(texts)
            if path is not None:
                microprompt.flush()  # what the thread does that writes counts too
            seconds[path] = clock() - start
        if number:  # the first round pays for the prefix
            found.append((seconds[record], seconds[None]))
    return found


if __name__ == "__main__":
    main()
