"""What is measured of what a way to decide said."""

from __future__ import annotations

import numpy as np
import pytest

from .outcome import Outcome, answered_above, outcome_of

LABELS = np.array([0, 0, 1, 1])
FIRST = Outcome(
    probabilities=np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.55, 0.45]]), labels=LABELS, by="readout"
)


def test_only_sure_answers_are_given_above_a_threshold() -> None:
    found = answered_above(FIRST, 0.65)
    assert (found["coverage"], found["answered"], found["accuracy"]) == (0.5, 2, 1.0)


def test_a_row_without_an_answer_is_wrong() -> None:
    silent = Outcome(probabilities=np.zeros((4, 2)), labels=LABELS, by="")
    assert not silent.right.any()


def test_an_outcome_comes_back_from_its_data() -> None:
    again = outcome_of(FIRST.to_data(), LABELS)
    assert again.probabilities == pytest.approx(FIRST.probabilities)
    assert (again.ms, again.by) == (FIRST.ms, FIRST.by)
