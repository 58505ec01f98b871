"""What a condition proves where it is true, or where it is false: which values are not missing, and of which
type of a union they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from ..types import Type
from ..types.fitting import without
from .checked import (
    Assembled,
    Calculation,
    Called,
    Checked,
    Comparison,
    Confidence,
    Constructed,
    Each,
    FieldOf,
    Invoked,
    IsFilled,
    IsNone,
    IsOfType,
    Known,
    Logic,
    Matches,
    Membership,
    Negative,
    Not,
    Reached,
    Way,
)


def present_if(condition: Checked, outcome: bool) -> frozenset[Way]:
    """The ways to values that are there if the condition has this outcome."""
    match condition:
        case IsNone():
            return _way_to(condition.operand) if outcome is condition.negated else frozenset()
        case IsFilled():
            return _way_to(condition.operand) if outcome else frozenset()
        case Comparison(first=one, rest=(("==", other),)) if outcome:
            # What is equal to a value of the program is there.
            return (_way_to(one) if _is_value(other) else frozenset()) | (
                _way_to(other) if _is_value(one) else frozenset()
            )
        case IsOfType():
            return _way_to(condition.operand) if outcome is not condition.negated else frozenset()
        case Not():
            return present_if(condition.operand, not outcome)
        case Logic():
            if outcome is not (condition.word == "and"):
                return frozenset()  # one operand was enough, and any may have been it
            return frozenset[Way]().union(*(present_if(each, outcome) for each in condition.operands))
        case (
            Known() | Reached() | Each() | Calculation() | Negative() | Called()
            | Comparison() | Membership() | Matches()
            | Invoked() | Confidence() | Constructed() | Assembled() | FieldOf()
        ):
            return frozenset()
        case _:
            assert_never(condition)


def told_if(condition: Checked, outcome: bool) -> Mapping[Way, Type]:
    """The types of the values of unions of which is known more if the condition has this outcome."""
    match condition:
        case IsOfType(operand=Reached(way=way, type=type)):
            is_it = outcome is not condition.negated
            return {way: condition.way if is_it else without(type, condition.way)}
        case Not():
            return told_if(condition.operand, not outcome)
        case Logic() if outcome is (condition.word == "and"):
            found: dict[Way, Type] = {}
            for each in condition.operands:
                found.update(told_if(each, outcome))
            return found
        case (
            Known() | Reached() | Each() | Calculation() | Negative() | Called() | Comparison() | Membership()
            | IsNone() | IsFilled() | Matches() | Logic() | Invoked() | Confidence() | Constructed()
            | Assembled() | FieldOf() | IsOfType()
        ):
            return {}
        case _:
            assert_never(condition)


def is_impossible(condition: Checked, outcome: bool) -> bool:
    """Whether the condition can't have this outcome: of a union's types all but one were asked for before."""
    match condition:
        case IsOfType(operand=operand):
            is_last = len(operand.type.alternatives) == 1 and not operand.type.may_be_none
            return is_last and outcome is condition.negated
        case Not():
            return is_impossible(condition.operand, not outcome)
        case Logic():
            test = any if outcome is (condition.word == "and") else all
            return test(is_impossible(each, outcome) for each in condition.operands)
        case (
            Known() | Reached() | Each() | Calculation() | Negative() | Called() | Comparison() | Membership()
            | IsNone() | IsFilled() | Matches() | Invoked() | Confidence() | Constructed() | Assembled()
            | FieldOf()
        ):
            return False
        case _:
            assert_never(condition)


def _is_value(operand: Checked) -> bool:
    return isinstance(operand, Known) and operand.value is not None


def _way_to(operand: Checked) -> frozenset[Way]:
    return frozenset({operand.way}) if isinstance(operand, Reached) else frozenset()
