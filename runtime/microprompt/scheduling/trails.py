"""Where a decoding could have gone another way: what the model decided, and what it would have said instead.

A label and a token are decided by a sampler, whatever the plan is. One that leaves a trail writes down each
decision with the next best ones; the same decoding can then be led along the beginning of a trail, and made
to leave it at a place. Nothing else in a decoding knows of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .. import abi
from ..types import AnyKind
from .sampling import Piece, Sampler, log_sum_exp, sampler_of

MAX_OTHERS: Final = 8
"""How many of the tokens that the model did not take are remembered: most of them begin the same text."""

Other: TypeAlias = tuple[int, float, bytes | None]
"""What else could have been decided: its index, its log-probability, and the bytes of a token in a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailDecision:
    """A label or a token that was taken in a leaf, with its log-probability, and the others, best first.

    In a text, `place` is how many bytes were written before; it is `None` for a label.
    """

    leaf: str
    taken: int
    log_prob: float
    others: tuple[Other, ...]
    place: int | None = None


@dataclass(slots=True, eq=False, kw_only=True)
class Trail:
    """The decisions of one decoding, in their order, and the texts that its leaves have.

    The decoding takes the decisions of `forced` first. The next one is none of the labels in `refused`, or
    begins none of the texts there.
    """

    forced: tuple[int, ...] = ()
    refused: tuple[int | bytes, ...] = ()
    decisions: list[TrailDecision] = field(default_factory=list)
    texts: dict[str, tuple[bytes, AnyKind]] = field(default_factory=dict)

    def begin(self) -> None:
        """The decoding begins, perhaps once more."""
        self.decisions.clear()
        self.texts.clear()


@dataclass(frozen=True, slots=True)
class TrailingSampler(Sampler):
    """A sampler that writes its decisions into a trail, and is led by it."""

    trail: Trail
    leaf: str = ""

    def at(self, leaf: str) -> Sampler:
        return replace(self, leaf=leaf)

    def pick(self, log_probs: NDArray[np.float64]) -> int:
        refused = [each for each in self._refused() if isinstance(each, int)]
        allowed = log_probs.copy()
        allowed[refused] = -np.inf
        if (led := self._led(len(log_probs))) is not None:
            taken = led
        elif np.isfinite(allowed).any():
            taken = Sampler.pick(self, allowed)
        else:
            taken = Sampler.pick(self, log_probs)
        order = [int(each) for each in np.argsort(-allowed, kind="stable") if np.isfinite(allowed[each])]
        others = tuple((each, float(log_probs[each]), None) for each in order if each != taken)
        self._note(taken, float(log_probs[taken]), others[:MAX_OTHERS], None)
        return taken

    def write(self, logits: NDArray[np.float32], piece: Piece) -> tuple[int, float]:
        if (led := self._led(len(logits))) is not None and np.isfinite(logits[led]):
            return led, float(logits[led]) - log_sum_exp(logits)
        refused = [each for each in self._refused() if isinstance(each, bytes)]
        left = logits.copy()
        taken, _ = self.take(left)
        while any(begins(piece(taken), text) for text in refused):
            left[taken] = -np.inf
            if not np.isfinite(left).any():
                return self.take(logits)  # there is no other way: the same answer comes out
            taken, _ = self.take(left)
        # How sure the model was, it was before anything was refused.
        return taken, float(logits[taken]) - log_sum_exp(logits)

    def keep(self, token: int, logits: NDArray[np.float32], place: int, piece: Piece) -> None:
        total = log_sum_exp(logits)
        count = min(MAX_OTHERS + 1, len(logits))
        near = np.argpartition(-logits, count - 1)[:count]
        order = sorted(map(int, near), key=lambda each: (-float(logits[each]), each))
        others = tuple(
            (each, float(logits[each]) - total, piece(each))
            for each in order
            if each != token and np.isfinite(logits[each])
        )
        self._note(token, float(logits[token]) - total, others, place)

    def wrote(self, text: bytes, kind: AnyKind) -> None:
        self.trail.texts[self.leaf] = (text, kind)

    def _led(self, count: int) -> int | None:
        place = len(self.trail.decisions)
        forced = self.trail.forced
        return forced[place] if place < len(forced) and forced[place] < count else None

    def _refused(self) -> tuple[int | bytes, ...]:
        """What the decision that comes next may not be."""
        is_turn = len(self.trail.decisions) == len(self.trail.forced)
        return self.trail.refused if is_turn else ()

    def _note(self, taken: int, log_prob: float, others: tuple[Other, ...], place: int | None) -> None:
        self.trail.decisions.append(
            TrailDecision(leaf=self.leaf, taken=taken, log_prob=log_prob, others=others, place=place)
        )


def begins(piece: bytes | None, text: bytes) -> bool:
    """Whether a token may begin a text, or goes on from it: what it begins can still become that text. The
    end of an answer has no bytes (`None`), and is the whole of an empty text."""
    if piece is None:
        return not text
    return text.startswith(piece) or (bool(text) and piece.startswith(text))


def sampler_along(trail: Trail, using: abi.Using) -> Sampler:
    """The sampler of a prompt with these settings that is led by a trail, and continues it."""
    plain = sampler_of(using)
    return TrailingSampler(plain.temperature, plain.random, trail)
