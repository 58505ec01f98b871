"""Cut-points: the confidence from which on answers are as often right as was asked for.

What a cut-point promises has to hold for rows that nobody has seen. So it is found on answers to rows that
the head was not fitted on, and one more error is counted than there was: with (errors + 1) / (answers + 1)
at most what is allowed, the expected share of errors is too (conformal risk control, Angelopoulos et al.
2022). Beside it stands what the rows alone bear out, as the exact interval of Clopper and Pearson (1934).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArgumentError

LEAST_ROWS: Final = 50
"""Fewer say nothing of a cut-point."""

FIRM_ROWS: Final = 200
"""With fewer, a cut-point is marked as provisional."""

_ROUNDING: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class CutPoint:
    """A confidence to compare with, and what was found above it.

    Of `rows`, the share `coverage` was answered by the model itself; `accuracy` is that of all answers that
    the threshold lets through (for escalation: of both models together), within `interval` (95 %). It is
    `provisional` on fewer than 200 rows.
    """

    threshold: float
    reach: float
    accuracy: float
    interval: tuple[float, float]
    coverage: float
    rows: int

    @property
    def provisional(self) -> bool:
        return self.rows < FIRM_ROWS

    def to_data(self) -> dict[str, object]:
        """As JSON data."""
        return {
            "threshold": self.threshold,
            "reach": self.reach,
            "accuracy": round(self.accuracy, 4),
            "interval": [round(end, 4) for end in self.interval],
            "coverage": round(self.coverage, 4),
            "rows": self.rows,
            "provisional": self.provisional,
        }


def to_abstain(confidence: ArrayLike, right: ArrayLike, reach: float) -> CutPoint:
    """The lowest confidence above which answers are right with the probability `reach`.

    `confidence`, shape (n,), and `right`, shape (n,) of booleans, are of rows that were left out of the fit.

    Raises:
        ArgumentError: there are fewer than 50 rows, or no confidence is high enough.
    """
    return _lowest(confidence, right, None, reach)


def to_escalate(confidence: ArrayLike, right: ArrayLike, larger_right: ArrayLike, reach: float) -> CutPoint:
    """The lowest confidence above which the model's own answers, together with the larger model's to all
    other rows, are right with the probability `reach`; arguments as in `to_abstain`, `larger_right` for the
    larger model.

    Raises:
        ArgumentError: there are fewer than 50 rows, or both models together do not get there.
    """
    return _lowest(confidence, right, larger_right, reach)


def _lowest(
    confidence: ArrayLike, right: ArrayLike, larger_right: ArrayLike | None, reach: float
) -> CutPoint:
    sure = np.asarray(confidence, dtype=np.float64)
    n = len(sure)
    if n < LEAST_ROWS:
        raise _too_few(n)
    order = np.argsort(-sure, kind="stable")
    ranked = sure[order]
    # errors[k] and answers[k] are those where the k surest rows are answered by the model itself.
    errors = _counted(~np.asarray(right, dtype=bool)[order])
    answers = np.arange(n + 1)
    if larger_right is not None:
        lost = _counted(~np.asarray(larger_right, dtype=bool)[order])
        errors, answers = errors + lost[-1] - lost, np.full(n + 1, n)
    # Rows of equal confidence fall on the same side, and an answer to nothing is right about nothing.
    parts = np.concatenate([[True], ranked[:-1] > ranked[1:], [True]]) & (answers > 0)
    held = np.flatnonzero(parts & ((errors + 1) / (answers + 1) <= 1 - reach + _ROUNDING))
    if len(held) == 0:
        best = float((1 - errors[parts] / answers[parts]).max())
        few = ", on too few answers to rely on" if best >= reach else ""
        raise ArgumentError(
            f"no threshold gets {reach:.0%} of the answers right on these {n} rows; the best gets "
            f"{best:.0%}{few}",
            help="ask for less, or give more rows",
        )
    k = int(held[-1])
    # Halfway between the last row that is in and the first that is not.
    edges = np.concatenate([[1.0], ranked, [0.0]])
    right_ones = int(answers[k] - errors[k])
    return CutPoint(
        threshold=float((edges[k] + edges[k + 1]) / 2) if k < n else 0.0,
        reach=reach,
        accuracy=right_ones / int(answers[k]),
        interval=_clopper_pearson(right_ones, int(answers[k])),
        coverage=k / n,
        rows=n,
    )


def _too_few(n: int) -> ArgumentError:
    """What is said where `n` rows are too few."""
    return ArgumentError(
        f"a cut-point can't be found on {n} rows; it takes {LEAST_ROWS}, better {FIRM_ROWS}",
        help="give more labelled rows, or write the confidence itself, as in `abstain below 0.7`",
    )


def _counted(wrong: NDArray[np.bool_]) -> NDArray[np.intp]:
    """How many of the first k are wrong, for each k from 0."""
    return np.concatenate([[0], np.cumsum(wrong)])


def _clopper_pearson(right: int, answers: int) -> tuple[float, float]:
    from scipy.stats import binomtest  # not at the top: SciPy takes a while, and only tuning needs it

    interval = binomtest(right, answers).proportion_ci(0.95, method="exact")
    return float(interval.low), float(interval.high)
