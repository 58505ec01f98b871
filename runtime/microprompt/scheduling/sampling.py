"""How one of many is taken from logits, and how sure the model was of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .. import abi
from ..types import AnyKind

NEAR_TIE: Final = 0.1
"""Log-probabilities that are closer may change places with the shape of a batch (decisions/0005)."""

Piece: TypeAlias = Callable[[int], bytes | None]
"""From a token to its bytes; `None` for one that ends an answer."""


@dataclass(frozen=True, slots=True)
class Sampler:
    """How a token or a label is taken from its probabilities: the best one, or by chance at a temperature."""

    temperature: float
    random: np.random.Generator | None

    def at(self, leaf: str) -> Sampler:
        """The sampler for a leaf of the plan."""
        return self

    def write(self, logits: NDArray[np.float32], piece: Piece) -> tuple[int, float]:
        """A token in a text, and its log-probability."""
        return self.take(logits)

    def keep(self, token: int, logits: NDArray[np.float32], place: int, piece: Piece) -> None:
        """A token is taken, behind so many bytes of a text."""

    def wrote(self, text: bytes, kind: AnyKind) -> None:
        """The text of a leaf is complete, which is of that kind."""

    def pick(self, log_probs: NDArray[np.float64]) -> int:
        """An index into normalised log-probabilities."""
        if self.temperature == 0 or self.random is None:
            return int(np.argmax(log_probs))
        scaled = log_probs / self.temperature
        weights = np.exp(scaled - scaled.max())
        return int(self.random.choice(len(weights), p=weights / weights.sum()))

    def take(self, logits: NDArray[np.float32]) -> tuple[int, float]:
        """An index into logits, and its log-probability among them."""
        if self.temperature == 0:
            best = int(logits.argmax())
            return best, float(logits[best]) - log_sum_exp(logits)
        log_probs = logits.astype(np.float64) - log_sum_exp(logits)
        which = self.pick(log_probs)
        return which, float(log_probs[which])


def is_near_tie(log_probs: NDArray[np.float64], using: abi.Using) -> bool:
    """Whether the best label beats the next one by so little that the same call may give that one."""
    if using.temperature or len(log_probs) < 2:
        return False
    best, second = np.sort(log_probs)[:-3:-1]
    return bool(best - second < NEAR_TIE)


def sampler_of(using: abi.Using) -> Sampler:
    """How a call of a prompt with these settings takes its tokens and labels."""
    random = np.random.default_rng(using.seed) if using.temperature else None
    return Sampler(using.temperature, random)


Weigh: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""From labels' normalised log-probabilities to those that other evidence makes of them."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Labels' log-probabilities before any constraint, in the order of the labels, and that of all labels."""

    log_probs: NDArray[np.float64]
    total: float

    def coverage(self) -> float:
        """The probability that the model would have said one of the labels."""
        return float(np.exp(min(0.0, self.total)))

    def normalised(self) -> NDArray[np.float64]:
        """Each label's log-probability, given that it is one of them."""
        return self.log_probs - self.total

    def weighed(self, weigh: Weigh) -> Scores:
        """The same labels with other shares in the probability that they have together."""
        return Scores(weigh(self.normalised()) + self.total, self.total)


def log_sum_exp(values: NDArray[np.float32] | NDArray[np.float64]) -> float:
    """The logarithm of the sum of the exponentials, computed so that it can't overflow."""
    top = values.max()
    # Logits stay float32 here, for which NumPy has vector instructions; their sum does not.
    return float(top) + float(np.log(np.exp(values - top).sum(dtype=np.float64)))
