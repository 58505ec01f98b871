"""What a condition proves: which values are not missing where it is true, or where it is false."""

from __future__ import annotations

from .checked import Checked, IsFilled, IsNone, Logic, Not, Reached, Way


def present_if(condition: Checked, outcome: bool) -> frozenset[Way]:
    """The ways to values that are there if the condition has this outcome."""
    match condition:
        case IsNone(operand=Reached() as operand) if outcome is condition.negated:
            return frozenset({operand.way})
        case IsFilled(operand=Reached() as operand) if outcome:
            return frozenset({operand.way})
        case Not():
            return present_if(condition.operand, not outcome)
        case Logic() if outcome is (condition.word == "and"):
            return frozenset[Way]().union(*(present_if(each, outcome) for each in condition.operands))
        case _:
            return frozenset()
