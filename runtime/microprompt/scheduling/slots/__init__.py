"""Slots: for each node of a plan how it is decoded on a model, and the table that says which."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from ...prompts.plan import (
    Branch,
    Chain,
    Choice,
    Forced,
    Guided,
    Maybe,
    Node,
    Open,
    Reasoning,
    SideBySide,
    Subset,
)
from .branch import BranchSlot
from .chain import ChainSlot
from .choice import ChoiceSlot
from .forced import ForcedSlot
from .guided import GuidedSlot
from .maybe import MaybeSlot
from .open import OpenSlot
from .reasoning import ReasoningSlot
from .said import Said, SaidAnswer, SaidScores
from .side_by_side import SideBySideSlot
from .slot import AnyLeaf, AnySlot, Binding, Decided, Slot, Terms
from .subset import SubsetSlot

__all__ = [
    "SLOTS",
    "AnyLeaf",
    "AnySlot",
    "Binding",
    "ChoiceSlot",
    "Decided",
    "GuidedSlot",
    "Said",
    "SaidAnswer",
    "SaidScores",
    "Terms",
    "make_slot",
]

N = TypeVar("N", bound=Node)


def _row(node: type[N], slot: type[Slot[N]]) -> tuple[type[Any], type[AnySlot]]:
    """A row of the table. Here the type checker sees that a slot is of its node and lacks no method."""
    return node, slot


SLOTS: Final[dict[type[Any], type[AnySlot]]] = dict(
    (
        _row(Forced, ForcedSlot),
        _row(Choice, ChoiceSlot),
        _row(Subset, SubsetSlot),
        _row(Guided, GuidedSlot),
        _row(Open, OpenSlot),
        _row(Reasoning, ReasoningSlot),
        _row(Chain, ChainSlot),
        _row(SideBySide, SideBySideSlot),
        _row(Branch, BranchSlot),
        _row(Maybe, MaybeSlot),
    )
)
"""What makes the slot of each class of nodes."""


def make_slot(node: Node, binding: Binding) -> AnySlot:
    """The slot of a node."""
    return SLOTS[type(node)](node, binding)
