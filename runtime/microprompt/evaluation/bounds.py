"""Whether the answers to labelled rows measure what a program says that they must."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from .. import abi
from ..errors import ArgumentError
from .figures import Figures, share

_FOUND: Final[Mapping[str, Callable[[Figures], float | None]]] = {
    abi.ACCURACY: lambda figures: figures.accuracy,
    abi.MACRO_F1: lambda figures: figures.macro_f1,
    abi.SIMILARITY: lambda figures: None if figures.text is None else figures.text.similarity,
}

_ALL_RIGHT: Final = ((abi.ACCURACY, 1.0),)
"""What must hold where nothing is said."""

_ROUNDING: Final = 1e-9
"""What a mean of equal numbers may be off by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a measure is, and the least that it must be; the accuracy comes with its interval."""

    measure: str
    found: float
    least: float
    interval: tuple[float, float] | None

    @property
    def holds(self) -> bool:
        """Whether the measure is as high as it must be."""
        return self.found >= self.least - _ROUNDING

    def in_words(self) -> str:
        """As people read it: `accuracy 0.950 [0.764, 0.991] (at least 0.8)`."""
        found = f"{self.found:.3f}" if self.interval is None else share(self.found, self.interval)
        return f"{self.measure} {found} ({'at least' if self.holds else 'below'} {self.least:g})"

    def to_json(self) -> dict[str, object]:
        """As JSON data."""
        interval = None if self.interval is None else list(self.interval)
        return {
            "measure": self.measure,
            "found": self.found,
            "interval": interval,
            "least": self.least,
            "holds": self.holds,
        }


def judge(figures: Figures, bounds: Sequence[tuple[str, float]]) -> tuple[Judgement, ...]:
    """Hold what was measured against the least that each measure must be, by name; without bounds, all
    answers must be right.

    Raises:
        ArgumentError: a measure does not fit the rows, such as the similarity of texts where all labels are
            none.
    """
    return tuple(_judged(figures, measure, least) for measure, least in bounds or _ALL_RIGHT)


def _judged(figures: Figures, measure: str, least: float) -> Judgement:
    found = _FOUND[measure](figures)
    if found is None:
        raise ArgumentError(
            f"the rows have no {measure.replace('_', '-')}",
            help=f"bound the {abi.ACCURACY}, which all rows have",
        )
    interval = figures.interval if measure == abi.ACCURACY else None
    return Judgement(measure=measure, found=found, least=least, interval=interval)
