"""Fitting a linear map: softmax regression, the same to the last bit each time on one machine.

Features are standardised one by one (see `_scale`), then all scaled so that the mean of |z|^2 is 64, or in
blocks, each so that it is what the block is worth: so one strength of regularisation means the same for 384
features and for 1,152. The loss is that of scikit-learn's
`LogisticRegression(C=c)`: c times the sum of the rows' log-losses, and half the sum of the squared weights;
for two labels the weights are those of the one logit that parts them. What was done to the features is folded
into the weights and the bias, so a call pays for one product.

There are often far fewer rows than features. The best weights are then a combination of the rows, so the
regression is done in the space that these span (its basis by QR), with as many unknowns as there are rows:
fifteen examples left out in turn take milliseconds.

Who imports this loads SciPy, which takes a while: only those who fit do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from .folds import Targets, folds_of, left_out_together
from .linear import Linear, Numbers, log_softmax

C: Final = 0.3
"""The strength of regularisation that served every task, measured at 10 to 150 rows of 1,152 features."""

SQUARED_LENGTH: Final = 64.0
"""What the mean of |z|^2 is scaled to."""

Blocks: TypeAlias = Sequence[tuple[int, float]]
"""Features that are scaled apart: how many each block has, and what the mean of its |z|^2 becomes."""

_USUAL_ROWS: Final = 10  # rows that count as much as what the features have in common
_CONSTANT: Final = 1e-6  # of a feature's size: what moves less is rounding
_UNSEEN: Final = 0.5  # rows that a label is taken to have been seen in when it was seen in none
_STEPS: Final = 1000
_TOLERANCE: Final = 1e-5


def fit(
    features: ArrayLike,
    labels: Targets,
    n_labels: int,
    *,
    c: float = C,
    row_weights: ArrayLike | None = None,
    blocks: Blocks | None = None,
) -> Linear:
    """The map from features, shape (n, D), to `n_labels` labels that explains `labels`, shape (n,), best.

    A label that no row has gets no weights, and the probability of one seen in half a row. `row_weights`,
    shape (n,), say how often a row counts. `blocks` say which features are scaled together, and how far.
    """
    with _one_thread():
        return _fit(*_arrays(features, labels, row_weights), n_labels, c, blocks)


def _scale(x: Numbers, squared_length: float) -> Numbers:
    """What each feature of a block is multiplied by, shape (D,), so that the mean of |z|^2 becomes
    `squared_length`; 0 for one that never moves.

    Of a few rows some features happen to be nearly equal; divided by their own deviation, they would speak
    loudest. Their variances are drawn towards the mean one, as by ten more rows: with two examples a label,
    that gains three points.
    """
    own = x.var(axis=0)
    moves = np.sqrt(own) > _CONSTANT * np.abs(x).max(axis=0)
    found: Numbers = np.zeros_like(own)
    if moves.any():
        drawn = (len(x) * own[moves] + _USUAL_ROWS * own[moves].mean()) / (len(x) + _USUAL_ROWS)
        found[moves] = np.sqrt(squared_length / (own[moves] / drawn).sum() / drawn)
    return found


def leave_out(features: ArrayLike, labels: Targets, n_labels: int, *, c: float = C) -> Numbers:
    """What is said of each row by maps that are fitted without it: log-probabilities, shape (R, n, K), from
    the R ways of leaving rows out that `left_out_together` gives."""
    ways = left_out_together(labels)
    return np.stack([_out_of_fold(features, labels, n_labels, way, c=c) for way in ways])


def cross_validate(
    features: ArrayLike,
    labels: Targets,
    n_labels: int,
    *,
    c: float = C,
    folds: int = 5,
    seed: int = 0,
    row_weights: ArrayLike | None = None,
    blocks: Blocks | None = None,
) -> Numbers:
    """What is said of each row by the map that is fitted on the other folds: log-probabilities, shape
    (n, K). Folds are as `folds_of` makes them."""
    parts = folds_of(labels, folds, seed)
    return _out_of_fold(features, labels, n_labels, parts, c=c, row_weights=row_weights, blocks=blocks)


def log_loss(log_probs: Numbers, labels: Targets) -> float:
    """The mean of -log p of what was right, in nats."""
    y = np.asarray(labels, dtype=np.intp)
    return float(-log_probs[np.arange(len(y)), y].mean())


def _fit(
    x: Numbers,
    y: NDArray[np.intp],
    counts: Numbers,
    n_labels: int,
    c: float,
    blocks: Blocks | None = None,
) -> Linear:
    mean = x.mean(axis=0)
    scale = np.empty(x.shape[1])
    start = 0
    for width, squared_length in blocks or ((x.shape[1], SQUARED_LENGTH),):
        scale[start : start + width] = _scale(x[:, start : start + width], squared_length)
        start += width
    seen, found = np.unique(y, return_inverse=True)
    inner, intercept = _softmax_regression((x - mean) * scale, found, len(seen), c, counts)
    weights = np.zeros((n_labels, x.shape[1]))
    bias = np.full(n_labels, np.log(_UNSEEN / len(y)))
    weights[seen] = inner * scale
    # At the mean of the rows, where all of z is 0, the labels that were seen share what is left.
    bias[seen] = intercept - np.log(np.exp(intercept - intercept.max()).sum()) - intercept.max()
    bias -= weights @ mean
    return Linear(weights.astype(np.float32), bias.astype(np.float32))


def _out_of_fold(
    features: ArrayLike,
    labels: Targets,
    n_labels: int,
    parts: NDArray[np.intp],
    *,
    c: float,
    row_weights: ArrayLike | None = None,
    blocks: Blocks | None = None,
) -> Numbers:
    x, y, counts = _arrays(features, labels, row_weights)
    # What nothing is known of is told by guessing.
    said = np.full((len(y), n_labels), -np.log(n_labels))
    with _one_thread():
        for part in np.unique(parts):
            rest, out = parts != part, parts == part
            if rest.any():
                said[out] = _fit(x[rest], y[rest], counts[rest], n_labels, c, blocks).log_probs(x[out])
    return said


def _arrays(
    features: ArrayLike, labels: Targets, row_weights: ArrayLike | None
) -> tuple[Numbers, NDArray[np.intp], Numbers]:
    x = np.asarray(features, dtype=np.float64)
    y = np.asarray(labels, dtype=np.intp)
    counts = np.ones(len(y)) if row_weights is None else np.asarray(row_weights, dtype=np.float64)
    return x, y, counts


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute on one thread in the block: matrices as small as these gain nothing from more, lose a hundred
    times as much on a busy machine, and come out differently with another number of threads."""
    with threadpool_limits(1, user_api="blas"):
        yield


def _softmax_regression(
    z: Numbers, labels: NDArray[np.intp], n_labels: int, c: float, counts: Numbers
) -> tuple[Numbers, Numbers]:
    """Weights, shape (K, D), and intercepts, shape (K,), of the least loss; all K labels are there."""
    n, size = z.shape
    # One logit that parts two labels is the difference of two, with half the weights in each.
    c = c / 2 if n_labels == 2 else c
    basis = None
    if n < size:
        # z = r.T @ basis.T: weights @ basis.T has the length of `weights`, and says the same of the rows.
        basis, r = np.linalg.qr(z.T)
        z = r.T
    weights, intercepts = _minimum(z, labels, n_labels, c, counts)
    return weights if basis is None else weights @ basis.T, intercepts


def _minimum(
    z: Numbers, labels: NDArray[np.intp], n_labels: int, c: float, counts: Numbers
) -> tuple[Numbers, Numbers]:
    """Weights, shape (K, D), and intercepts, shape (K,)."""
    n, size = z.shape
    rows = np.arange(n)
    # Along some directions the loss curves a thousand times as much as along others, and L-BFGS would take as
    # many steps. So it seeks u with weights @ lower = u, in which the loss curves alike everywhere, as long
    # as all labels are equally likely: for then its curvature in the weights is lower @ lower.T (and never
    # more for two labels).
    share = c / n_labels
    curvature = share * ((z.T * counts) @ z)
    curvature[np.diag_indices(size)] += 1.0
    lower = cholesky(curvature, lower=True, overwrite_a=True, check_finite=False)
    of_intercept = np.sqrt(share * counts.sum())

    def parameters(u: Numbers) -> tuple[Numbers, Numbers]:
        u = u.reshape(n_labels, size + 1)
        weights = solve_triangular(lower, u[:, :size].T, trans=1, lower=True, check_finite=False).T
        return weights, u[:, size] / of_intercept

    def loss(u: Numbers) -> tuple[float, Numbers]:
        weights, intercepts = parameters(u)
        log_probs = log_softmax(z @ weights.T + intercepts)
        wrong = np.exp(log_probs)
        wrong[rows, labels] -= 1.0
        wrong *= (c * counts)[:, np.newaxis]
        slope = np.empty((n_labels, size + 1))
        slope[:, :size] = solve_triangular(lower, z.T @ wrong + weights.T, lower=True, check_finite=False).T
        slope[:, size] = wrong.sum(axis=0) / of_intercept
        value = -c * float(counts @ log_probs[rows, labels]) + 0.5 * float((weights * weights).sum())
        return value, slope.ravel()

    start = np.zeros(n_labels * (size + 1))
    options = {"maxiter": _STEPS, "gtol": _TOLERANCE, "ftol": 1e-12}
    return parameters(minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x)
