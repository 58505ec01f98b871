"""Measures against values that are known, and against other people's implementations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as oracle

from microprompt.evaluation import metrics


@pytest.mark.parametrize(("right", "n"), [(0, 1), (1, 1), (7, 10), (129, 200), (50, 50), (999, 1000)])
def test_wilsons_interval(right: int, n: int) -> None:
    known = stats.binomtest(right, n).proportion_ci(method="wilson")
    assert metrics.wilson(right, n) == pytest.approx((known.low, known.high), abs=1e-12)


def test_wilsons_interval_of_nothing_is_everything() -> None:
    assert metrics.wilson(0, 0) == (0.0, 1.0)


labels = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40)


@given(labels)
def test_macro_f1_and_confusion(pairs: list[tuple[int, int]]) -> None:
    expected, answered = (np.array(each) for each in zip(*pairs, strict=True))
    known = oracle.f1_score(expected, answered, average="macro")
    assert metrics.macro_f1(expected, answered, 4) == pytest.approx(known)
    counts = oracle.confusion_matrix(expected, answered, labels=range(4))
    assert np.array_equal(metrics.confusion(expected, answered, 4), counts)


def test_a_row_without_an_answer_counts_against_its_label() -> None:
    expected, answered = np.array([0, 0, 1]), np.array([0, -1, 1])
    assert metrics.macro_f1(expected, answered, 3) == pytest.approx((2 / 3 + 1) / 2)
    assert metrics.confusion(expected, answered, 2).tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(("first", "second"), [(0, 1), (3, 3), (10, 2), (0, 8), (40, 21)])
def test_mcnemars_exact_test(first: int, second: int) -> None:
    ones = np.array([True] * first + [False] * second + [True, False])
    others = np.array([False] * first + [True] * second + [True, False])
    known = stats.binomtest(first, first + second).pvalue
    found = metrics.mcnemar(ones, others)
    assert (found.only_first, found.only_second) == (first, second)
    assert found.p == pytest.approx(known)


def test_variants_that_never_differ_are_not_told_apart() -> None:
    assert metrics.mcnemar(np.array([True, False]), np.array([True, False])).p == 1


def test_calibration_error_of_two_bins() -> None:
    confidence = np.array([0.9, 0.9, 0.9, 0.9, 0.5, 0.5])
    right = np.array([True, True, True, False, True, False])
    bins = metrics.reliability(confidence, right)
    assert [(each.n, each.accuracy) for each in bins] == [(2, 0.5), (4, 0.75)]
    assert metrics.calibration_error(bins) == pytest.approx(4 / 6 * 0.15)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_calibration_error_is_that_of_fifteen_bins_of_equal_width(rows: list[tuple[float, bool]]) -> None:
    confidence, right = (np.array(each) for each in zip(*rows, strict=True))
    bins = metrics.reliability(confidence, right)
    assert sum(each.n for each in bins) == len(rows)
    # As in Guo et al.: the mean of each bin, (low, high], taken one by one.
    error = 0.0
    for low in range(15):
        held = (confidence > low / 15) & (confidence <= (low + 1) / 15) | (low == 0) & (confidence == 0)
        if held.any():
            error += held.mean() * abs(right[held].mean() - confidence[held].mean())
    assert metrics.calibration_error(bins) == pytest.approx(error, abs=1e-6)


def test_brier_sums_over_the_labels() -> None:
    probabilities = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.25, 0.25]])
    expected = np.array([0, 0, 0])
    assert metrics.brier(probabilities, expected) == pytest.approx((0 + 2 + 0.375) / 3)


def test_brier_of_two_labels_is_twice_that_of_one() -> None:
    chance = np.random.default_rng(0).uniform(size=50)
    expected = (np.random.default_rng(1).uniform(size=50) < chance).astype(int)
    known = oracle.brier_score_loss(expected, chance)
    assert metrics.brier(np.stack([1 - chance, chance], axis=1), expected) == pytest.approx(2 * known)


def test_risk_grows_with_coverage() -> None:
    confidence = np.array([0.9, 0.4, 0.8, 0.6])
    right = np.array([True, False, True, False])
    found = metrics.risk_coverage(confidence, right)
    assert found.coverage.tolist() == [0.25, 0.5, 0.75, 1]
    assert found.risk.tolist() == pytest.approx([0, 0, 1 / 3, 1 / 2])
    assert found.area == pytest.approx((1 / 3 + 1 / 2) / 4)
    assert (found.at(0.5), found.at(0.51), found.at(1)) == pytest.approx((0, 1 / 3, 1 / 2))
    assert found.at(0.01) == 0


@given(st.permutations([(0.7, True), (0.7, False), (0.9, True), (0.7, False)]))
def test_the_order_of_rows_does_not_change_the_risk(rows: list[tuple[float, bool]]) -> None:
    confidence, right = (np.array(each) for each in zip(*rows, strict=True))
    assert metrics.risk_coverage(confidence, right).risk == pytest.approx([0, 1 / 3, 4 / 9, 1 / 2])


@pytest.mark.parametrize(
    ("labels", "near"), [([1, 5], 1), ([0, 1000], 50), ([0.0, 1.0], 0.05), ([2.5], 0), ([3], 1)]
)
def test_what_is_near_a_number(labels: list[float], near: float) -> None:
    assert metrics.tolerance(labels) == pytest.approx(near)


@pytest.mark.parametrize(
    ("left", "right", "distance"),
    [("kitten", "sitting", 3), ("", "abc", 3), ("flaw", "lawn", 2), ("same", "same", 0), ("a", "\xfc", 1)],
)
def test_similarity_of_known_pairs(left: str, right: str, distance: int) -> None:
    known = 1 - distance / max(len(left), len(right))
    assert metrics.similarity(left, right) == pytest.approx(known)


def test_two_empty_texts_are_alike() -> None:
    assert metrics.similarity("", "") == 1


def slow_distance(left: str, right: str) -> int:
    row = list(range(len(right) + 1))
    for count, letter in enumerate(left, start=1):
        before, row[0] = row[0], count
        for place, other in enumerate(right, start=1):
            least = min(row[place] + 1, row[place - 1] + 1, before + (letter != other))
            before, row[place] = row[place], least
    return row[-1]


@given(st.text("ab\xfc", max_size=12), st.text("ab\xfc", max_size=12))
def test_similarity_is_of_the_edit_distance(left: str, right: str) -> None:
    longest = max(len(left), len(right), 1)
    assert metrics.similarity(left, right) == pytest.approx(1 - slow_distance(left, right) / longest)
