"""What one way to decide says of the rows of a data set, and what is measured of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from microprompt.evaluation import metrics


@dataclass(frozen=True, slots=False, kw_only=True)
class Outcome:
    """The probabilities of the labels for each row, shape (n, K), and the numbers of the right labels, shape
    (n,).

    `ms` is the median of calls that were made one at a time, `None` where none was made so. `by` says what
    answered. A row without an answer has no probability at all, and is wrong.
    """

    probabilities: NDArray[np.float64]
    labels: NDArray[np.intp]
    by: str
    ms: float | None = None

    @property
    def n(self) -> int:
        return len(self.labels)

    @cached_property
    def said(self) -> NDArray[np.intp]:
        """The number of the label that each row got; -1 where it got none."""
        answered = self.probabilities.max(axis=1) > 0
        return np.where(answered, self.probabilities.argmax(axis=1), -1)

    @property
    def right(self) -> metrics.Truths:
        found: metrics.Truths = self.said == self.labels
        return found

    @property
    def confidence(self) -> NDArray[np.float64]:
        found: NDArray[np.float64] = self.probabilities.max(axis=1)
        return found

    def figures(self) -> dict[str, object]:
        """What the page says, as JSON data."""
        right = int(self.right.sum())
        n_labels = self.probabilities.shape[1]
        return {
            "n": self.n,
            "accuracy": right / self.n,
            "interval": list(metrics.wilson(right, self.n)),
            "macro_f1": metrics.macro_f1(self.labels, self.said, n_labels),
            "ece": metrics.calibration_error(metrics.reliability(self.confidence, self.right)),
            "ms": self.ms,
            "by": self.by,
        }

    def to_data(self) -> dict[str, object]:
        """As JSON data, which `outcome_of` reads."""
        return {
            "probabilities": [[round(each, 6) for each in row] for row in self.probabilities.tolist()],
            "ms": self.ms,
            "by": self.by,
        }


def outcome_of(data: Any, labels: NDArray[np.intp]) -> Outcome:
    """What `to_data` gave, with the labels of the rows."""
    return Outcome(probabilities=np.array(data["probabilities"]), labels=labels, by=data["by"], ms=data["ms"])


def with_interval(figures: Mapping[str, Any]) -> str:
    """An accuracy with its interval, as the page shows them."""
    low, high = figures["interval"]
    return f"{figures['accuracy']:.3f} [{low:.2f}, {high:.2f}]"


def answered_above(first: Outcome, threshold: float) -> dict[str, object]:
    """What abstaining under a threshold does: the share of rows that are answered, and how many of these are
    right."""
    answered = first.confidence >= threshold
    right = int(first.right[answered].sum())
    count = int(answered.sum())
    return {
        "threshold": threshold,
        "coverage": count / first.n,
        "answered": count,
        "accuracy": right / count if count else None,
        "interval": list(metrics.wilson(right, count)),
    }
