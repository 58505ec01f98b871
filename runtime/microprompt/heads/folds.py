"""Which labelled rows are left out at a time, for who is to be judged by rows that he has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Targets: TypeAlias = Sequence[int] | NDArray[np.intp]
"""A label's number for each row."""


def folds_of(labels: Targets, folds: int, seed: int = 0) -> NDArray[np.intp]:
    """The fold of each row, shape (n,): each has as many rows of each label as another, or one less."""
    y = np.asarray(labels, dtype=np.intp)
    order = np.random.default_rng(seed).permutation(len(y))
    by_label = order[np.argsort(y[order], kind="stable")]
    found = np.empty(len(y), dtype=np.intp)
    # Dealt out like cards, from label to label on, so that the folds are of one size too.
    found[by_label] = np.arange(len(y)) % folds
    return found


def left_out_together(labels: Targets, ways: int = 3) -> NDArray[np.intp]:
    """Which rows are left out at a time, in several ways: the group of each row, shape (ways, n).

    A group has one row of each label, as far as there are any left. To leave out a single row would leave its
    label one row short: with two rows a label, what is fitted then leans so much to the others that it is
    worse than chance on the row that was left out (.11 where the truth was .72).
    """
    y = np.asarray(labels, dtype=np.intp)
    found = np.empty((ways, len(y)), dtype=np.intp)
    for way in range(ways):
        random = np.random.default_rng(way)
        for label in np.unique(y):
            (rows,) = np.nonzero(y == label)
            found[way, random.permutation(rows)] = np.arange(len(rows))
    return found
