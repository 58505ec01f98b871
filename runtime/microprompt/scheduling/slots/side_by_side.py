"""Slots that begin at the same place and do not see one another, decoded in the same batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Protocol, TypeVar

from ...prompts.plan import SideBySide
from ..decoding import Cursor, Decoding, side_by_side
from ..trie_search import MAX_PATHS
from .described import SlotPlan
from .slot import AnyLeaf, Binding, Decided, Slot, Terms


class SideBySideSlot(Slot[SideBySide]):
    """Its slots go in waves, each in as many sequences as one token may belong to.

    All of them share the tokens of the prompt in the cache, so each of these belongs to every sequence of a
    wave; how many sequences that may be is bounded by what llama.cpp's batch holds for a token.
    """

    def __init__(self, node: SideBySide, binding: Binding) -> None:
        self.slots = tuple(binding.slot(part, binding) for part in node.parts)
        self.max_tokens = sum(slot.max_tokens for slot in self.slots)
        self.expected_tokens = sum(slot.expected_tokens for slot in self.slots)
        self.shortest_tokens = sum(slot.shortest_tokens for slot in self.slots)
        self.lead_tokens = sum(slot.lead_tokens for slot in self.slots)
        self._waves = tuple(waves(self.slots, MAX_PATHS + 1))
        self.sequences = max(map(together, self._waves))

    def decode(self, cursor: Cursor, terms: Terms) -> Decoding[Decided]:
        parts: Decided = {}
        for wave in self._waves:
            branches = [((), partial(slot.decode, terms=terms)) for slot in wave]
            for found in (yield from side_by_side(cursor, branches)):
                parts |= found
        return parts

    def key(self) -> object:
        return ["side by side", *(slot.key() for slot in self.slots)]

    def explain(self) -> tuple[SlotPlan, ...]:
        return tuple(plan for slot in self.slots for plan in slot.explain())

    def leaves(self) -> tuple[AnyLeaf, ...]:
        return tuple(leaf for slot in self.slots for leaf in slot.leaves())

    def waves(self) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(leaf.name for slot in wave for leaf in slot.leaves()) for wave in self._waves)


class Beside(Protocol):
    """What takes so many `sequences` beside its cursor's own."""

    sequences: int


B = TypeVar("B", bound=Beside)


def waves(parts: Sequence[B], room: int) -> Iterator[tuple[B, ...]]:
    """The parts in their order, as many at a time as have room in so many sequences."""
    wave: list[B] = []
    for part in parts:
        if wave and together([*wave, part]) > room:
            yield tuple(wave)
            wave = []
        wave.append(part)
    yield tuple(wave)


def together(wave: Sequence[Beside]) -> int:
    """The sequences that they take side by side, those of their cursors among them."""
    return sum(1 + part.sequences for part in wave)
