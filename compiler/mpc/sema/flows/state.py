"""What is known at a place of a flow: which names have a value, and what is known of their values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...expressions import Checked
from ...expressions.checked import Known, Way
from ...expressions.facts import is_impossible, present_if, told_if
from ...types import Type


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowState:
    """`assigned` has the names that every way which leads here assigns, `partly` those of some of the ways.

    `present` and `told` are as in `expressions`: the ways to values that are not missing, and the types of
    those of unions. Where a `return` is above, or no value is left, the place `is_over`: nothing leads there.
    """

    assigned: frozenset[str] = frozenset()
    partly: frozenset[str] = frozenset()
    present: frozenset[Way] = frozenset()
    told: Mapping[Way, Type] = field(default_factory=dict)
    is_over: bool = False

    def assigning(self, name: str, type: Type, value: Checked) -> FlowState:
        """What is known behind `name = value`, where the name has this type."""
        found = self.forgetting({name})
        way = (name,)
        is_there = not value.type.may_be_none or (isinstance(value, Known) and value.value is not None)
        is_one_of = len(type.alternatives) > len(value.type.alternatives) and not value.type.may_be_none
        return replace(
            found,
            assigned=found.assigned | {name},
            present=found.present | {way} if type.may_be_none and is_there else found.present,
            told={**found.told, way: value.type} if is_one_of else found.told,
        )

    def forgetting(self, names: Collection[str]) -> FlowState:
        """The same where other values may have been assigned to some names."""
        return replace(
            self,
            present=frozenset(way for way in self.present if way[0] not in names),
            told={way: type for way, type in self.told.items() if way[0] not in names},
        )

    def knowing(self, condition: Checked, outcome: bool) -> FlowState:
        """What is known where a condition is true, or false."""
        return replace(
            self,
            present=self.present | present_if(condition, outcome),
            told={**self.told, **told_if(condition, outcome)},
            is_over=is_impossible(condition, outcome),
        )

    def leaving(self, names: Collection[str]) -> FlowState:
        """What is known behind a loop of whose names nothing is left."""
        gone = frozenset(names)
        found = self.forgetting(names)
        return replace(found, assigned=found.assigned - gone, partly=found.partly - gone)


def merged(states: Sequence[FlowState]) -> FlowState:
    """What is known where several ways come together; those that have returned do not."""
    coming = [state for state in states if not state.is_over]
    if not coming:
        return replace(states[0], is_over=True)
    first, *others = coming
    assigned = first.assigned.intersection(*(state.assigned for state in others))
    every = frozenset[str]().union(*(state.assigned | state.partly for state in coming))
    return FlowState(
        assigned=assigned,
        partly=every - assigned,
        present=first.present.intersection(*(state.present for state in others)),
        told={
            way: type
            for way, type in first.told.items()
            if all(state.told.get(way) == type for state in others)
        },
    )
