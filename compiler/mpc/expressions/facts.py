"""What a condition proves: which values are not missing where it is true, or where it is false."""

from __future__ import annotations

from typing import assert_never

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
        case Not():
            return present_if(condition.operand, not outcome)
        case Logic():
            if outcome is not (condition.word == "and"):
                return frozenset()  # one operand was enough, and any may have been it
            return frozenset[Way]().union(*(present_if(each, outcome) for each in condition.operands))
        case (
            Known() | Reached() | Each() | Calculation() | Negative() | Called()
            | Comparison() | Membership() | Matches()
            | Invoked() | Confidence() | Constructed() | Assembled() | FieldOf() | IsOfType()
        ):
            return frozenset()
        case _:
            assert_never(condition)


def _way_to(operand: Checked) -> frozenset[Way]:
    return frozenset({operand.way}) if isinstance(operand, Reached) else frozenset()
