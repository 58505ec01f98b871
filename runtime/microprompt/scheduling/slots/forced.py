"""Text that is always there: its tokens wait for the next pass, so they cost none of their own."""

from __future__ import annotations

from ...prompts.plan import Forced
from ..decoding import Cursor, Decoding
from .described import SlotPlan
from .slot import AnyLeaf, Binding, Decided, Slot, Terms


class ForcedSlot(Slot[Forced]):
    sequences = 0

    def __init__(self, node: Forced, binding: Binding) -> None:
        self._tokens = binding.tokenize(node.text)
        count = len(self._tokens)
        self.max_tokens = self.expected_tokens = self.shortest_tokens = self.lead_tokens = count

    def decode(self, cursor: Cursor, terms: Terms) -> Decoding[Decided]:
        cursor.pending.extend(self._tokens)
        return {}
        yield  # what makes it a generator

    def key(self) -> object:
        return ["forced", self._tokens]

    def explain(self) -> tuple[SlotPlan, ...]:
        return ()

    def leaves(self) -> tuple[AnyLeaf, ...]:
        return ()
