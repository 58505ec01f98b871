"""Runs many decodings at once: each round, the next steps of all of them go through the model as one batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from ..errors import MicropromptError
from .base import Backend, Step
from .decoding import Decoding

T = TypeVar("T")


def run(
    backend: Backend, decodings: Sequence[Decoding[T]], deadline: float | None
) -> list[T | MicropromptError]:
    """The result of every decoding, or the error that ended it, in order.

    A decoding that fails by itself ends alone; a failing batch ends all that were in it.
    """
    results: dict[int, T | MicropromptError] = {}
    waiting: dict[int, Step] = {}

    def advance(index: int, rows: object) -> None:
        try:
            # A fresh generator accepts only None; afterwards every `yield` receives its rows.
            waiting[index] = decodings[index].send(rows)  # type: ignore[arg-type]
        except StopIteration as end:
            results[index] = end.value
        except MicropromptError as error:
            results[index] = error

    for index in range(len(decodings)):
        advance(index, None)
    while waiting:
        batch = _merge(list(waiting.values()))
        current = dict(waiting)
        waiting.clear()
        try:
            rows = backend.decode(batch, deadline)
        except BaseException as error:
            for index in current:
                decodings[index].close()
                if isinstance(error, MicropromptError):
                    results[index] = error
            if not isinstance(error, MicropromptError):
                raise
            continue
        start = 0
        for index, step in current.items():
            advance(index, rows[start : start + len(step.rows)])
            start += len(step.rows)
    return [results[index] for index in range(len(decodings))]


def _merge(steps: Sequence[Step]) -> Step:
    if len(steps) == 1:
        return steps[0]
    batch = Step()
    for step in steps:
        batch.rows.extend(len(batch.tokens) + row for row in step.rows)
        batch.tokens.extend(step.tokens)
        batch.positions.extend(step.positions)
        batch.sequences.extend(step.sequences)
    return batch
