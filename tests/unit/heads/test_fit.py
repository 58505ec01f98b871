"""Fitting: what the best weights are, whatever the shape of the rows."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from microprompt.heads.fit import cross_validate, fit, leave_out, log_loss
from microprompt.heads.folds import folds_of, left_out_together
from microprompt.heads.linear import Linear, Numbers

Rows = NDArray[np.float32]


def rows(n: int, n_labels: int, size: int, *, apart: float = 1.0) -> tuple[Rows, NDArray[np.intp]]:
    """Random features, a few of which tell the label."""
    random = np.random.default_rng(n + size)
    labels = np.arange(n) % n_labels
    features = random.normal(size=(n, size))
    features[:, :n_labels] += apart * np.eye(n_labels)[labels]
    return features.astype(np.float32), labels


def scales(features: Rows) -> Rows:
    """What features are multiplied by: their deviations are drawn together by ten rows, and the mean of the
    squared length is 64."""
    n, own = len(features), features.astype(np.float64).var(axis=0)
    drawn = np.sqrt((n * own + 10 * own.mean()) / (n + 10))
    scaled: Rows = np.sqrt(64 / (own / drawn**2).sum()) / drawn
    return scaled


def loss(found: Linear, features: Rows, labels: NDArray[np.intp], c: float) -> float:
    """What fitting makes least, from its definition, for three labels or more."""
    squares = ((found.weights / scales(features)) ** 2).sum()
    return c * len(labels) * log_loss(found.log_probs(features), labels) + 0.5 * float(squares)


@pytest.mark.parametrize(("n", "size"), [(12, 40), (40, 12)])
def test_no_other_weights_have_less_loss(n: int, size: int) -> None:
    features, labels = rows(n, 3, size)
    found = fit(features, labels, 3)
    least = loss(found, features, labels, 0.3)
    random = np.random.default_rng(5)
    for step in (1e-1, 1e-2, 1e-3):
        for _ in range(20):
            weights = found.weights + step * random.normal(size=found.weights.shape)
            bias = found.bias + step * random.normal(size=found.bias.shape)
            other = Linear(weights.astype(np.float32), bias.astype(np.float32))
            assert loss(other, features, labels, 0.3) > least


def test_two_labels_are_parted_by_one_logit_of_the_same_strength() -> None:
    """The loss of one logit, as scikit-learn has it, has no slope where the weights are the best."""
    features, labels = rows(40, 2, 5)
    found = fit(features, labels, 2, c=0.3)
    z = (features - features.mean(axis=0)) * scales(features)
    w = (found.weights[1] - found.weights[0]) / scales(features)
    wrong = np.exp(found.log_probs(features))[:, 1] - labels
    assert 0.3 * wrong @ z + w == pytest.approx(np.zeros(5), abs=1e-3)


def test_more_strength_says_more() -> None:
    features, labels = rows(30, 3, 20)
    losses = [log_loss(fit(features, labels, 3, c=c).log_probs(features), labels) for c in (0.01, 0.3, 10)]
    assert losses == sorted(losses, reverse=True)


def test_what_a_scale_or_an_offset_does_to_features_changes_nothing() -> None:
    features, labels = rows(20, 3, 30)
    found = fit(features, labels, 3).log_probs(features)
    moved = features * 1000 + 50
    assert fit(moved, labels, 3).log_probs(moved) == pytest.approx(found, abs=1e-2)


def test_features_that_never_move_are_left_alone() -> None:
    features, labels = rows(20, 3, 30)
    still = np.concatenate([features, np.full((20, 2), 7.3, dtype=np.float32)], axis=1)
    found = fit(still, labels, 3)
    assert not found.weights[:, 30:].any()
    assert found.log_probs(still) == pytest.approx(fit(features, labels, 3).log_probs(features), abs=1e-4)


def test_rows_without_any_difference_give_how_often_each_label_comes() -> None:
    found = fit(np.ones((4, 3)), [0, 0, 0, 1], 2)
    assert np.exp(found.log_probs(np.ones(3))) == pytest.approx([0.75, 0.25], abs=1e-4)


def test_a_label_without_rows_is_unlikely_but_possible() -> None:
    features, labels = rows(20, 2, 10)
    found = np.exp(fit(features, labels, 3).log_probs(features.mean(axis=0)))
    assert found[2] == pytest.approx(0.5 / 20.5, rel=1e-3)
    assert found.sum() == pytest.approx(1)


def test_a_row_that_counts_twice_is_two_rows() -> None:
    features, labels = rows(6, 3, 4)
    weights = np.array([2, 1, 1, 1, 1, 2])
    # The same mean and deviation of the features, so that only the counts differ.
    twice = np.concatenate([features, features])
    counted = fit(twice, [*labels, *labels], 3, row_weights=np.concatenate([weights, weights]))
    longer = fit(twice, [*labels, *labels], 3, row_weights=np.concatenate([2 * weights, 0 * weights]))
    assert counted.weights == pytest.approx(longer.weights, abs=1e-3)
    assert counted.weights != pytest.approx(fit(twice, [*labels, *labels], 3).weights, abs=1e-3)


def test_the_same_rows_give_the_same_bytes() -> None:
    features, labels = rows(30, 3, 50)
    one, other = fit(features, labels, 3), fit(features, labels, 3)
    assert one.weights.tobytes() + one.bias.tobytes() == other.weights.tobytes() + other.bias.tobytes()


def test_what_is_left_out_is_not_known() -> None:
    features, labels = rows(12, 3, 200, apart=0.0)
    known = log_loss(fit(features, labels, 3).log_probs(features), labels)
    left_out = leave_out(features, labels, 3)
    assert left_out.shape == (3, 12, 3)
    assert all(log_loss(way, labels) > known + 0.3 for way in left_out)


def test_leaving_out_is_fitting_on_the_others() -> None:
    features, labels = rows(9, 3, 20)
    groups = left_out_together(labels)[1]
    rest = groups != groups[4]
    expected = fit(features[rest], labels[rest], 3).log_probs(features[4])
    assert leave_out(features, labels, 3)[1, 4] == pytest.approx(expected)


def test_one_row_of_each_label_is_left_out_at_a_time() -> None:
    labels = np.array([0] * 6 + [1] * 6 + [2])
    ways = left_out_together(labels)
    for groups in ways:
        for group in range(6):
            assert sorted(labels[groups == group])[:2] == [0, 1]
    assert len({tuple(groups) for groups in ways}) == 3


def test_two_rows_a_label_tell_what_can_be_learnt() -> None:
    features, labels = rows(6, 3, 4, apart=9.0)
    assert np.mean([_accuracy(way, labels) for way in leave_out(features, labels, 3)]) > 0.7


@pytest.mark.parametrize("folds", [2, 5])
def test_folds_are_of_one_size_and_have_all_labels_alike(folds: int) -> None:
    labels = np.array([0] * 17 + [1] * 6 + [2] * 3)
    found = folds_of(labels, folds, seed=3)
    for some in (labels >= 0, labels == 0, labels == 1, labels == 2):
        sizes = np.bincount(found[some], minlength=folds)
        assert sizes.max() - sizes.min() <= 1
    assert (found == folds_of(labels, folds, seed=3)).all()
    assert (found != folds_of(labels, folds, seed=4)).any()


def test_cross_validation_tells_what_can_be_learnt() -> None:
    features, labels = rows(60, 3, 30, apart=4.0)
    assert _accuracy(cross_validate(features, labels, 3), labels) > 0.9
    features, labels = rows(60, 3, 30, apart=0.0)
    assert _accuracy(cross_validate(features, labels, 3), labels) < 0.6


def _accuracy(log_probs: Numbers, labels: NDArray[np.intp]) -> float:
    return float((log_probs.argmax(axis=1) == labels).mean())
