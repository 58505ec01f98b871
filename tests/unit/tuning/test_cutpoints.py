"""Cut-points: what they promise, and when they are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from microprompt.errors import ArgumentError
from microprompt.tuning.cutpoints import to_abstain, to_escalate

RNG = np.random.default_rng(7)


def calibrated(n: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Confidences from 0.5 to 1, and answers that are right that often."""
    confidence = RNG.uniform(0.5, 1.0, n)
    return confidence, RNG.uniform(size=n) < confidence


def test_answers_above_the_threshold_reach_what_was_asked_for() -> None:
    confidence, right = calibrated(400)

    found = to_abstain(confidence, right, 0.9)

    answered = confidence >= found.threshold
    assert right[answered].mean() == found.accuracy >= 0.9
    assert answered.mean() == found.coverage > 0.2


def test_what_is_promised_holds_on_other_rows() -> None:
    shares = []
    for _ in range(200):
        found = to_abstain(*calibrated(150), 0.85)
        confidence, right = calibrated(2000)
        shares.append(right[confidence >= found.threshold].mean())

    assert np.mean(shares) == pytest.approx(0.85, abs=0.05)
    assert np.mean(shares) > 0.845


def test_all_right_needs_no_threshold() -> None:
    found = to_abstain(np.linspace(0.5, 1, 60), np.ones(60, dtype=bool), 0.95)

    assert (found.threshold, found.coverage, found.accuracy) == (0.0, 1.0, 1.0)
    assert found.interval[0] == pytest.approx(0.9404, abs=1e-4)


def test_rows_of_one_confidence_fall_on_one_side() -> None:
    confidence = np.array([0.9] * 40 + [0.6] * 40)
    right = np.array([True] * 40 + [True] * 20 + [False] * 20)

    found = to_abstain(confidence, right, 0.9)

    assert (found.threshold, found.coverage) == (0.75, 0.5)


def test_few_rows_are_refused_and_some_are_provisional() -> None:
    with pytest.raises(ArgumentError, match=r"49 rows; it takes 50"):
        to_abstain(*calibrated(49), 0.9)

    right = np.ones(199, dtype=bool)
    assert to_abstain(np.ones(199), right, 0.9).provisional
    assert not to_abstain(np.ones(200), np.ones(200, dtype=bool), 0.9).provisional


def test_what_no_threshold_reaches_is_refused_with_the_best_there_is() -> None:
    with pytest.raises(ArgumentError, match=r"no threshold gets 95% .* the best gets 50%"):
        to_abstain(np.full(60, 0.7), np.arange(60) % 2 == 0, 0.95)


def test_twenty_right_answers_do_not_bear_out_99_percent() -> None:
    confidence = np.concatenate([np.full(20, 0.99), np.full(60, 0.6)])
    right = np.concatenate([np.ones(20, dtype=bool), np.arange(60) % 2 == 0])

    with pytest.raises(ArgumentError, match="on too few answers to rely on"):
        to_abstain(confidence, right, 0.99)


def test_a_larger_model_answers_what_is_below_the_threshold() -> None:
    confidence = np.linspace(0.5, 1, 100)
    right = confidence >= 0.7

    found = to_escalate(confidence, right, np.ones(100, dtype=bool), 0.95)

    own = confidence >= found.threshold
    # Four errors are let through: one more is counted than there is.
    assert (own & ~right).sum() == 4
    assert found.accuracy == 0.96


def test_a_larger_model_that_is_no_better_is_refused() -> None:
    confidence = np.linspace(0.5, 1, 100)
    right = np.arange(100) % 2 == 0

    with pytest.raises(ArgumentError, match="the best gets"):
        to_escalate(confidence, right, right, 0.9)
