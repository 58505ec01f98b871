"""Slots one after the other, each seeing those before it."""

from __future__ import annotations

from itertools import takewhile

from ...prompts.plan import Chain
from ..decoding import Cursor, Decoding
from .described import SlotPlan
from .slot import AnyLeaf, Binding, Decided, Slot, Terms


class ChainSlot(Slot[Chain]):
    def __init__(self, node: Chain, binding: Binding) -> None:
        self.slots = tuple(binding.slot(part, binding) for part in node.parts)
        self.max_tokens = sum(slot.max_tokens for slot in self.slots)
        self.expected_tokens = sum(slot.expected_tokens for slot in self.slots)
        self.shortest_tokens = sum(slot.shortest_tokens for slot in self.slots)
        self.sequences = max(slot.sequences for slot in self.slots)
        forced = takewhile(lambda slot: not slot.leaves(), self.slots)
        self.lead_tokens = sum(slot.lead_tokens for slot in forced)

    def decode(self, cursor: Cursor, terms: Terms) -> Decoding[Decided]:
        parts: Decided = {}
        for slot in self.slots:
            parts |= yield from slot.decode(cursor, terms)
        return parts

    def key(self) -> object:
        return ["chain", *(slot.key() for slot in self.slots)]

    def explain(self) -> tuple[SlotPlan, ...]:
        return tuple(plan for slot in self.slots for plan in slot.explain())

    def waves(self) -> tuple[tuple[str, ...], ...]:
        return tuple(wave for slot in self.slots for wave in slot.waves())

    def leaves(self) -> tuple[AnyLeaf, ...]:
        return tuple(leaf for slot in self.slots for leaf in slot.leaves())
