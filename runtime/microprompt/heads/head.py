"""A head: what turns the evidence of one call into a distribution over the labels.

Each part looks at one piece of evidence and says log-probabilities. The head adds them up, each times its
part's weight, then a bias for each label, and normalises: a product of experts (Hinton 1999), in which a part
that is unsure says little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .evidence import NAMES, Evidence
from .linear import Linear, Numbers, log_softmax


@dataclass(frozen=True, slots=True, eq=False)
class HeadPart:
    """A piece of evidence, what is made of its features, and how much that weighs (above 0)."""

    evidence: Evidence
    weight: float
    linear: Linear


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Head:
    """Parts, and a bias for each of the K labels, shape (K,), float32.

    `calibrated` says that its probabilities were held against labelled rows that it had not been fitted on.
    """

    parts: tuple[HeadPart, ...]
    bias: NDArray[np.float32]
    calibrated: bool = False

    @property
    def n_labels(self) -> int:
        return len(self.bias)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What it has to be given the features of."""
        return tuple(part.evidence for part in self.parts)

    @property
    def answered_by(self) -> str:
        """The names of its evidence, as in "readout+embedder"."""
        used = {evidence.name for evidence in self.evidence}
        return "+".join(name for name in NAMES if name in used)

    def log_probs(self, features: Mapping[Evidence, ArrayLike]) -> Numbers:
        """Log-probabilities of the labels, shape (..., K), from features of shape (..., D) for each piece of
        evidence. Raises `KeyError` where one is missing."""
        total = self.bias.astype(np.float64)
        for part in self.parts:
            total = total + part.weight * part.linear.log_probs(features[part.evidence])
        return log_softmax(total)
