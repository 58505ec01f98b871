"""A choice that decides how the answer goes on: the label is taken, then its arm is decoded behind it."""

from __future__ import annotations

from ...prompts.plan import Branch
from ..decoding import Cursor, Decoding
from .choice import ChoiceSlot
from .described import SlotPlan
from .slot import AnyLeaf, Binding, Decided, Slot, Terms


class BranchSlot(Slot[Branch]):
    """Only one arm is decoded, so an answer has the leaves of that arm alone."""

    def __init__(self, node: Branch, binding: Binding) -> None:
        self.choice = ChoiceSlot(node.choice, binding)
        self.arms = tuple(binding.slot(arm, binding) for arm in node.arms)
        self.max_tokens = self.choice.max_tokens + max(arm.max_tokens for arm in self.arms)
        self.expected_tokens = self.choice.expected_tokens + max(arm.expected_tokens for arm in self.arms)
        self.shortest_tokens = self.choice.shortest_tokens + min(arm.shortest_tokens for arm in self.arms)
        self.sequences = max(slot.sequences for slot in (self.choice, *self.arms))

    def decode(self, cursor: Cursor, terms: Terms) -> Decoding[Decided]:
        label, part = yield from self.choice.decide(cursor, terms)
        parts = yield from self.arms[label].decode(cursor, terms)
        return {self.choice.name: part, **parts}

    def key(self) -> object:
        return ["branch", self.choice.key(), *(arm.key() for arm in self.arms)]

    def explain(self) -> tuple[SlotPlan, ...]:
        return (*self.choice.explain(), *(plan for arm in self.arms for plan in arm.explain()))

    def leaves(self) -> tuple[AnyLeaf, ...]:
        return (self.choice, *(leaf for arm in self.arms for leaf in arm.leaves()))
