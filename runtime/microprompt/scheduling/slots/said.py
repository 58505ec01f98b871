"""What other evidence says of a choice before its labels are scored, or beside that.

A choice that stands alone needs no model once other evidence has decided it, and is not asked for here at
all. Inside an answer it is different: the fields behind it are written by a model that has to see it. So its
label stands in the text like one that the model took, and costs no pass, for nothing is read behind it. Or
the labels are scored as ever, and what else is known is weighed in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...answer import FieldAnswer
from ..sampling import log_sum_exp


@dataclass(frozen=True, slots=True)
class SaidAnswer:
    """It is decided: `answer` has one of the choice's values, and is given as it is."""

    answer: FieldAnswer


@dataclass(frozen=True, slots=True, eq=False)
class SaidScores:
    """It is decided together: to the labels' log-probabilities, times `weight_labels`, come `log_scores`,
    shape (K,), in the order of the labels. The scores need not be normalised; what comes out is.
    `answered_by` names all the evidence; `calibrated` is as in `Answer`.
    """

    log_scores: NDArray[np.float64]
    weight_labels: float
    answered_by: str
    calibrated: bool = False

    def weigh(self, log_probs: NDArray[np.float64]) -> NDArray[np.float64]:
        """The log-probabilities of the labels, shape (K,), from those that their tokens have."""
        scores = self.weight_labels * log_probs + self.log_scores
        return scores - log_sum_exp(scores)


Said: TypeAlias = SaidAnswer | SaidScores
