"""The value of an expression over values that the compiler knows: those of examples and tests."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, assert_never

from microprompt.patterns import Pattern

from ..diagnostics import InternalError
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
    item_on,
)
from .functions import FUNCTIONS

_SIGNS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def evaluate(expression: Checked, scope: Mapping[str, object]) -> Any:
    """The value, where `scope` holds the values that `Type.unfold` makes of those in the program.

    Raises `ArithmeticError` for what has no result, and `ValueError` for the least of no items, as Python
    does.
    """
    return _Values(scope).of(expression)


@dataclass(frozen=True, slots=True)
class _Values:
    """The values of the scope, and the items that functions over lists are at."""

    scope: Mapping[str, object]
    items: Mapping[Way, object] = field(default_factory=dict)

    def of(self, expression: Checked) -> Any:
        match expression:
            case Known():
                return expression.type.unfold(expression.value)
            case Reached():
                return self._reached(expression.way, is_whole=expression.is_whole)
            case Each():
                return [each.of(expression.item) for each in self._each(expression.lists)]
            case Calculation():
                return _SIGNS[expression.sign](self.of(expression.left), self.of(expression.right))
            case Negative():
                return -self.of(expression.operand)
            case Called():
                return FUNCTIONS[expression.function].python(*map(self.of, expression.arguments))
            case Comparison():
                return self._compared(expression)
            case Membership():
                return (self.of(expression.item) in self.of(expression.whole)) is not expression.negated
            case IsNone():
                return (self.of(expression.operand) is None) is not expression.negated
            case IsFilled():
                return bool(self.of(expression.operand))
            case Matches():
                return Pattern(expression.pattern).matches(self.of(expression.text))
            case Logic():
                test = all if expression.word == "and" else any
                return test(self.of(operand) for operand in expression.operands)
            case Not():
                return not self.of(expression.operand)
            case Invoked() | Confidence() | Constructed() | Assembled() | FieldOf() | IsOfType():
                raise InternalError("evaluation", "what stands in flows is known when they run")
            case _:
                assert_never(expression)

    def _compared(self, expression: Comparison) -> bool:
        left = self.of(expression.first)
        for sign, operand in expression.rest:
            right = self.of(operand)
            if not _SIGNS[sign](left, right):
                return False
            left = right
        return True

    def _reached(self, way: Way, *, is_whole: bool) -> Any:
        loop = item_on(way, self.items, is_whole=is_whole)
        if loop is None:
            return _inside(self.scope[way[0]], way[1:])
        return _inside(self.items[loop], way[len(loop) :])

    def _each(self, lists: Sequence[Way]) -> Iterator[_Values]:
        """The values at each item of the last list."""
        if not lists:
            yield self
            return
        first, *rest = lists
        for item in self._reached(first, is_whole=True):
            yield from _Values(self.scope, {**self.items, first: item})._each(rest)


def _inside(value: Any, names: Sequence[str]) -> Any:
    for name in names:
        value = value[name]
    return value
