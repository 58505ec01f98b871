"""The same calls once more, on another model or version of the program: what has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import fmean, median
from typing import Any

from ..declared import DeclaredFunction
from ..errors import ArgumentError, MicropromptError
from ..evaluation.metrics import wilson
from ..evaluation.outcomes import Outcome, outcomes
from ..evaluation.run import TIMED_ROWS
from ..observed import unrecorded
from ..types import kind
from .entry import CallEntry
from .labels import recorded_arguments
from .store import WantedCalls, distinct, taken


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedCall:
    """A recorded call, and what became of it now: a value as data with its confidence, or an `error`."""

    entry: CallEntry
    value: object
    confidence: float | None
    error: str | None
    seconds: float | None

    @property
    def is_same(self) -> bool:
        """Whether the answer is what it was."""
        return self.error is None and self.value == self.entry.value

    def to_json(self) -> dict[str, object]:
        """As JSON data."""
        return {
            "id": self.entry.id,
            "arguments": self.entry.arguments,
            "before": {"value": self.entry.value, "confidence": self.entry.confidence},
            "now": {"value": self.value, "confidence": self.confidence, "error": self.error},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What became of the recorded calls of a function, which now asks `model`; `models` are those that had
    answered. A call without an answer now is no agreement."""

    function: str
    model: str
    models: tuple[str, ...]
    calls: tuple[ReplayedCall, ...]

    @property
    def same(self) -> int:
        """How many answers are what they were."""
        return sum(each.is_same for each in self.calls)

    @property
    def agreement(self) -> float:
        """The share of answers that are what they were."""
        return self.same / len(self.calls)

    @property
    def interval(self) -> tuple[float, float]:
        """Of that share, Wilson's at 95 %."""
        return wilson(self.same, len(self.calls))

    @property
    def changed(self) -> tuple[ReplayedCall, ...]:
        """The others, those first that were surest before."""
        found = (each for each in self.calls if not each.is_same)
        return tuple(sorted(found, key=lambda each: -(each.entry.confidence or 0.0)))

    @property
    def confidence(self) -> tuple[float, float] | None:
        """The mean confidence before and now, of the calls that have both."""
        both = [
            (each.entry.confidence, each.confidence)
            for each in self.calls
            if each.entry.confidence is not None and each.confidence is not None
        ]
        return (fmean(old for old, _ in both), fmean(new for _, new in both)) if both else None

    @property
    def ms(self) -> tuple[float, float] | None:
        """The median time of a call, in milliseconds, as it was recorded and now; now only the first calls
        count, which were asked one at a time."""
        now = [1000 * each.seconds for each in self.calls[:TIMED_ROWS] if each.seconds is not None]
        return (median(each.entry.ms for each in self.calls), median(now)) if now else None

    def to_json(self) -> dict[str, object]:
        """As JSON data."""
        return {
            "function": self.function,
            "model": self.model,
            "models_before": list(self.models),
            "n": len(self.calls),
            "same": self.same,
            "agreement": self.agreement,
            "interval": list(self.interval),
            "confidence": None if self.confidence is None else _pair(self.confidence),
            "ms": None if self.ms is None else _pair(self.ms),
            "changed": [each.to_json() for each in self.changed],
        }


def recorded_calls(function: DeclaredFunction[..., Any], record: Path, limit: int) -> list[CallEntry]:
    """The newest calls of a function that had an answer and whose arguments are known, each of other
    arguments. Raises `ArgumentError` where there is no record."""
    program = function.program
    wanted = WantedCalls(function=program.name, source=program.source, answered=True)
    return [*taken(record, distinct(record, wanted)[:limit])]


@unrecorded()
def replay(
    function: DeclaredFunction[..., Any],
    model: str,
    entries: Sequence[CallEntry],
    advance: Callable[[int], None],
) -> Replay:
    """Ask recorded calls of a function again, of which there is at least one; `model` is what the function
    asks now. `advance` is told how many more are done.

    Raises `ModelError` and `EngineError`, which say nothing of a call.
    """
    calls = []
    for entry, outcome in zip(entries, _outcomes(function, entries), strict=True):
        calls.append(_replayed(function, entry, outcome))
        advance(1)
    return Replay(
        function=function.program.name,
        model=model,
        models=tuple(dict.fromkeys(entry.model for entry in entries if entry.model is not None)),
        calls=tuple(calls),
    )


def _outcomes(function: DeclaredFunction[..., Any], entries: Sequence[CallEntry]) -> Iterator[Outcome]:
    """What becomes of each, in order."""
    rows: list[dict[str, object] | ArgumentError] = []
    for entry in entries:
        try:
            rows.append(recorded_arguments(function, entry))
        except ArgumentError as error:
            rows.append(error)
    good = [row for row in rows if not isinstance(row, ArgumentError)]
    answers = chain(
        outcomes(function, good[:TIMED_ROWS], in_flight=1), outcomes(function, good[TIMED_ROWS:])
    )
    for row in rows:
        yield row if isinstance(row, ArgumentError) else next(answers)


def _replayed(function: DeclaredFunction[..., Any], entry: CallEntry, outcome: Outcome) -> ReplayedCall:
    if isinstance(outcome, MicropromptError):
        return ReplayedCall(entry=entry, value=None, confidence=None, error=outcome.message, seconds=None)
    return ReplayedCall(
        entry=entry,
        value=kind(function.program.returns).to_data(outcome.value),
        confidence=outcome.confidence,
        error=None,
        seconds=outcome.seconds,
    )


def _pair(pair: tuple[float, float]) -> dict[str, float]:
    return {"before": pair[0], "now": pair[1]}
