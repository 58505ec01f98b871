"""A head: what turns the evidence of one call into a distribution over the labels.

Each part looks at one piece of evidence and says log-probabilities. The head adds them up, each times its
part's weight, and normalises: a product of experts (Hinton 1999), in which a part
that is unsure says little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

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
    """Parts, at least one, that all know the same K labels.

    `calibrated` says that its probabilities were held against labelled rows that it had not been fitted on.
    """

    parts: tuple[HeadPart, ...]
    calibrated: bool = False

    @property
    def n_labels(self) -> int:
        return self.parts[0].linear.n_labels

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
        said = [part.weight * part.linear.log_probs(features[part.evidence]) for part in self.parts]
        return log_softmax(np.sum(said, axis=0))
