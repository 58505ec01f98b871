"""Linear maps from features to the log-probabilities of labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """`weights`, shape (K, D), and `bias`, shape (K,), both float32: logits of K labels from D features."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    @property
    def n_labels(self) -> int:
        return len(self.bias)

    @property
    def n_features(self) -> int:
        return int(self.weights.shape[1])

    def log_probs(self, features: ArrayLike) -> Numbers:
        """Log-probabilities, shape (..., K), of features of shape (..., D). Computed in float64."""
        x = np.asarray(features, dtype=np.float64)
        return log_softmax(x @ self.weights.astype(np.float64).T + self.bias)


def log_softmax(logits: Numbers) -> Numbers:
    """Log-probabilities over the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    normal: Numbers = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return normal
