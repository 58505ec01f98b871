"""A text that may be missing: first it is decided whether there is one, then it is written.

Under a grammar alone the first token would decide, and "none" would win against a text that may begin in many
ways as soon as it is more probable than each of them. So the probability of "none" is set against that of all
other texts together.
"""

from __future__ import annotations

import numpy as np

from ...prompts.plan import Maybe
from ..decoding import Cursor, Decoding
from ..writing import begins
from .choice import ScoredLeaf
from .described import SlotPlan
from .guided import GuidedSlot
from .slot import AnyLeaf, Binding, Decided, Terms


class MaybeSlot(ScoredLeaf[Maybe]):
    """The decision. The text is a leaf of its own behind it."""

    sequences = 1

    def __init__(self, node: Maybe, binding: Binding) -> None:
        self.name = node.name
        self.values = node.kind.options() or ()
        self.outcomes = tuple(map(node.kind.outcome, self.values))
        self.some = GuidedSlot(node.some, binding)
        self._either = GuidedSlot(node.either, binding)
        self._node = node
        self._none = binding.tokenize(node.none)
        # Behind what is forced, the rest may have one token more than it has as a part of the whole.
        most = len(self._none) + 1
        self.max_tokens = most + max(most, self.some.max_tokens)
        self.expected_tokens = max(most, self.some.expected_tokens)
        self.shortest_tokens = min(len(self._none), self.some.shortest_tokens)

    def decode(self, cursor: Cursor, terms: Terms) -> Decoding[Decided]:
        guide = self.some.matcher()
        none = self._node.none.encode()
        found = yield from begins(cursor, none, self._either.matcher(), guide)
        # Nothing is certain here: a model that leaves one of the two no chance at all has rounded it away.
        log_none = min(found.log_prob, -1e-12)
        scores = np.array([np.log(-np.expm1(log_none)), log_none])
        taken = terms.sampler.at(self.name).pick(scores)
        cursor.tally.note_margin(scores)
        cursor.tally.chosen += 1
        chances = [float(each) for each in np.exp(scores)]
        decided: Decided = {self.name: self.part(taken, chances, found.coverage)}
        if taken == 1:
            cursor.pending.extend(found.tokens)
            return decided
        return decided | (yield from self.some.write(cursor, terms, guide, found))

    def key(self) -> object:
        return ["maybe", self.name, self._none, self.some.key()]

    def explain(self) -> tuple[SlotPlan, ...]:
        decision = SlotPlan(
            name=self.name,
            type=self._node.kind.describe(),
            kind="choice",
            labels=len(self.values),
            passes=1,
            max_tokens=self.max_tokens - self.some.max_tokens,
            expected_tokens=1,
        )
        return (decision, *self.some.explain())

    def leaves(self) -> tuple[AnyLeaf, ...]:
        return (self, self.some)
