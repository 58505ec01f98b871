"""Counts with which a cue does not tell the label."""

from __future__ import annotations

import numpy as np
import pytest

from .weighting import even

LABELS = np.array([0, 0, 0, 1, 0, 1, 1, 1, 1])
CUE = np.array([True, True, True, True, False, False, False, False, False])


@pytest.mark.parametrize("value", [True, False])
def test_among_the_rows_with_a_cue_the_labels_weigh_the_same(value: bool) -> None:
    counts = even(LABELS, CUE)
    weights = [counts[(value == CUE) & (label == LABELS)].sum() for label in (0, 1)]
    assert weights[0] == pytest.approx(weights[1])


def test_the_rows_with_a_cue_weigh_as_much_as_they_are_many() -> None:
    counts = even(LABELS, CUE)
    assert [counts[CUE].sum(), counts[~CUE].sum()] == pytest.approx([4, 5])
