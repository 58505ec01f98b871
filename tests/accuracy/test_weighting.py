"""Rows of which a cue does not tell the label."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from microprompt.evaluation.rows import LabelledRows

from .weighting import even, thinned

CUE = (True, True, True, False, False, False, False)
ROWS = LabelledRows(
    source="rows",
    lines=tuple(range(7)),
    arguments=tuple({"text": str(at)} for at in range(7)),
    labels=("new", "new", "old", "new", "old", "old", "old"),
    warnings=(),
)


def test_thinned_rows_have_all_labels_equally_often_with_and_without_a_cue() -> None:
    found = thinned(ROWS, CUE)
    pairs = Counter((CUE[line], label) for line, label in zip(found.lines, found.labels, strict=True))
    assert set(pairs.values()) == {1}
    assert len(pairs) == 4


def test_what_is_kept_of_a_row_belongs_together() -> None:
    found = thinned(ROWS, CUE)
    assert [row["text"] for row in found.arguments] == [str(line) for line in found.lines]


def test_with_even_counts_all_labels_weigh_the_same() -> None:
    labels = np.array([0, 0, 0, 1])
    counts = even(labels)
    assert counts[labels == 0].sum() == pytest.approx(2)
    assert counts[labels == 1].sum() == pytest.approx(2)
