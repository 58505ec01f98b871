"""Measures, from arrays to numbers. Nothing here knows a program or a model.

`n` rows, `k` labels. A label is its place among the labels, from 0; an answer may be -1: there was none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Places: TypeAlias = NDArray[np.intp]
Truths: TypeAlias = NDArray[np.bool_]
Floats: TypeAlias = NDArray[np.float64]

BINS: Final = 15
"""Bins of equal width for calibration, as Guo et al. 2017 have it."""

_Z95: Final = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""


# ------------------------------------------------------------------------------------------- right and wrong


def wilson(right: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share, `right` of `n`: Wilson's score interval (1927). (0, 1) of no rows."""
    if n == 0:
        return 0.0, 1.0
    share, z2 = right / n, _Z95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def confusion(expected: Places, answered: Places, k: int) -> NDArray[np.intp]:
    """How often each label (row) was answered with each (column), shape (k, k). Rows without answer miss."""
    told = answered >= 0
    counts = np.zeros((k, k), dtype=np.intp)
    np.add.at(counts, (expected[told], answered[told]), 1)
    return counts


def macro_f1(expected: Places, answered: Places, k: int) -> float:
    """The mean of the labels' F1, over those that occur as a label or as an answer.

    A row without an answer counts against its label. As scikit-learn's `f1_score(average="macro")`.
    """
    wanted = np.bincount(expected, minlength=k)
    said = np.bincount(answered[answered >= 0], minlength=k)
    hits = np.bincount(expected[expected == answered], minlength=k)
    occurs = wanted + said > 0
    return float(np.mean(2 * hits[occurs] / (wanted + said)[occurs]))


@dataclass(frozen=True, slots=True)
class Paired:
    """Two variants on the same rows: how many only the one, only the other got right, and McNemar's exact p.

    `p` is the chance of a split at least as uneven if both were equally good: a two-sided sign test on the
    rows where they differ. It is 1 where they never do.
    """

    only_first: int
    only_second: int
    p: float


def mcnemar(first: Truths, second: Truths) -> Paired:
    """Compare two variants that were right on the rows `first` and `second` of the same n."""
    only_first = int(np.sum(first & ~second))
    only_second = int(np.sum(second & ~first))
    differing = only_first + only_second
    as_uneven = 2 * sum(math.comb(differing, fewer) for fewer in range(min(only_first, only_second) + 1))
    return Paired(only_first, only_second, min(1.0, as_uneven / 2**differing))


# ---------------------------------------------------------------------------------------------- confidence


@dataclass(frozen=True, slots=True)
class Bin:
    """The answers whose confidence is above `low` and at most `high`: how many, and their two means."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


def reliability(confidence: Floats, right: Truths) -> tuple[Bin, ...]:
    """Confidence against accuracy, in those of the `BINS` bins that hold answers."""
    place = np.clip(np.ceil(confidence * BINS).astype(np.intp) - 1, 0, BINS - 1)
    return tuple(
        Bin(
            low=each / BINS,
            high=(each + 1) / BINS,
            n=int(np.sum(place == each)),
            confidence=float(np.mean(confidence[place == each])),
            accuracy=float(np.mean(right[place == each])),
        )
        for each in np.unique(place).tolist()
    )


def calibration_error(bins: Sequence[Bin]) -> float:
    """ECE: how far confidence and accuracy are apart in a bin, in the mean over the answers. 0 is best."""
    n = sum(each.n for each in bins)
    return sum(each.n * abs(each.confidence - each.accuracy) for each in bins) / n


def brier(probabilities: Floats, expected: Places) -> float:
    """The squared error of a distribution, summed over the labels, in the mean over the rows.

    0 is best; a certain wrong answer has 2 (Brier 1950). `probabilities` has the shape (n, k).
    """
    truth = np.zeros_like(probabilities)
    truth[np.arange(len(expected)), expected] = 1
    return float(np.mean(np.sum((probabilities - truth) ** 2, axis=1)))


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """The share of wrong answers (`risk`) among the most confident share (`coverage`); shape (n,) each."""

    coverage: Floats
    risk: Floats

    @property
    def area(self) -> float:
        """AURC, the mean risk over all coverages (Geifman et al. 2019). 0 is best."""
        return float(np.mean(self.risk))

    def at(self, coverage: float) -> float:
        """The risk of the most confident answers that make up this share, rounded up to a whole answer."""
        n = len(self.risk)
        return float(self.risk[max(1, math.ceil(coverage * n - 1e-9)) - 1])


def risk_coverage(confidence: Floats, right: Truths) -> RiskCoverage:
    """What is gained by answering only when sure.

    Answers of one confidence can't be told apart: each counts as wrong as they are in the mean, so that the
    order of the rows does not matter.
    """
    _, group = np.unique(-confidence, return_inverse=True)
    wrong = np.bincount(group, weights=~right) / np.bincount(group)
    n = np.arange(1, len(confidence) + 1)
    return RiskCoverage(n / len(n), np.cumsum(wrong[np.sort(group)]) / n)


# ---------------------------------------------------------------------------------------- numbers and texts


def tolerance(expected: Sequence[float]) -> float:
    """How far off a number may be and be near: 5 % of the labels' span, and at least 1 for whole ones."""
    near = 0.05 * (max(expected) - min(expected))
    return max(1.0, near) if all(isinstance(each, int) for each in expected) else near


def similarity(expected: str, answered: str) -> float:
    """How alike two texts are: 1 - their Levenshtein distance / the length of the longer one."""
    longest = max(len(expected), len(answered))
    return 1 - _distance(expected, answered) / longest if longest else 1.0


def _distance(left: str, right: str) -> int:
    """The least number of characters to insert, delete or replace.

    A row of the table at a time. What an insertion costs depends on the cell before; since each adds 1, the
    row's least value of (cost - place) so far says it.
    """
    if len(left) > len(right):
        left, right = right, left
    letters = np.array([ord(each) for each in right], dtype=np.int64)
    places = np.arange(len(right) + 1)
    row = places.copy()
    for count, letter in enumerate(left, start=1):
        replaced = row[:-1] + (letters != ord(letter))
        best = np.concatenate(([count], np.minimum(replaced, row[1:] + 1)))
        row = np.minimum.accumulate(best - places) + places
    return int(row[-1])
