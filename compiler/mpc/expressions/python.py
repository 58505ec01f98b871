"""Expressions in Python, as a person would write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never

from ..diagnostics import InternalError
from ..spec import (
    Attribute,
    CallOf,
    Compared,
    Comprehension,
    Connected,
    Constant,
    Expr,
    Infix,
    Prefixed,
    Ref,
)
from ..types.base import Naming
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


def in_python(expression: Checked, roots: Mapping[str, Ref], naming: Naming) -> Expr:
    """The expression, where `roots` says how Python calls the values of the scope.

    What counts as true is true in Python, though it need not be a `bool`.
    """
    names = frozenset(ref.path[0] for ref in roots.values())
    return _Writing(naming, names, roots).of(expression)


@dataclass(frozen=True, slots=True)
class _Writing:
    """`roots` says how Python calls the values of the scope, `items` those of the lists that loops are in.

    The variables of loops get no name that is `taken`.
    """

    naming: Naming
    taken: frozenset[str]
    roots: Mapping[str, Ref]
    items: Mapping[Way, str] = field(default_factory=dict)

    def of(self, expression: Checked) -> Expr:
        match expression:
            case Known():
                return expression.type.value(expression.value, self.naming)
            case Reached():
                return self._reached(expression.way, is_whole=expression.is_whole)
            case Each():
                return self._comprehension(expression, in_brackets=True)
            case Calculation():
                return Infix(expression.sign, self.of(expression.left), self.of(expression.right))
            case Negative():
                return _negative(self.of(expression.operand))
            case Called():
                return self._call(expression)
            case Comparison():
                rest = tuple((sign, self.of(operand)) for sign, operand in expression.rest)
                return Compared(self.of(expression.first), rest)
            case Membership():
                sign = "not in" if expression.negated else "in"
                return Compared(self.of(expression.item), ((sign, self.of(expression.whole)),))
            case IsNone():
                sign = "is not" if expression.negated else "is"
                return Compared(self.of(expression.operand), ((sign, Constant(None)),))
            case IsFilled():
                return self.of(expression.operand)
            case Matches():
                pattern = CallOf(Ref(("Pattern",)), (Constant(expression.pattern),))
                return CallOf(Attribute(pattern, "matches"), (self.of(expression.text),))
            case Logic():
                return Connected(expression.word, tuple(map(self.of, expression.operands)))
            case Not():
                return Prefixed("not", self.of(expression.operand))
            case Invoked() | Confidence() | Constructed() | Assembled() | FieldOf() | IsOfType():
                raise InternalError("lower", "an expression that stands in flows alone")
            case _:
                assert_never(expression)

    def _call(self, call: Called) -> Expr:
        function = self.naming.builtin(call.function)
        first, *more = call.arguments
        if isinstance(first, Each) and not more:
            return CallOf(function, (self._comprehension(first, in_brackets=False),))
        return CallOf(function, tuple(map(self.of, call.arguments)))

    def _comprehension(self, each: Each, *, in_brackets: bool) -> Expr:
        """`item.amount for item in invoice.items`; the list itself where its items are meant as they are."""
        first, *more = each.lists
        if each.item == Reached(way=first, type=each.item.type) and not more:
            return self._reached(first, is_whole=True)
        inside = self
        loops: list[tuple[str, Expr]] = []
        for way in each.lists:
            variable = inside._variable(way[-1])
            loops.append((variable, inside._reached(way, is_whole=True)))
            inside = replace(
                inside, taken=inside.taken | {variable}, items={**inside.items, way: variable}
            )
        return Comprehension(inside.of(each.item), tuple(loops), in_brackets=in_brackets)

    def _reached(self, way: Way, *, is_whole: bool) -> Ref:
        loop = item_on(way, self.items, is_whole=is_whole)
        if loop is None:
            return Ref((*self.roots[way[0]].path, *way[1:]))
        return Ref((self.items[loop], *way[len(loop) :]))

    def _variable(self, name: str) -> str:
        """The name for an item of a list that is called `name`."""
        singular = _singular(name)
        while singular in self.taken or self.naming.is_taken(singular):
            singular += "_"
        return singular


def _singular(name: str) -> str:
    """`items` as `item`; a word that is no plural to see as `each`."""
    if name.endswith("ies") and len(name) > 4:
        return f"{name[:-3]}y"
    return name[:-1] if name.endswith("s") and not name.endswith("ss") and len(name) > 2 else "each"


def _negative(operand: Expr) -> Expr:
    if isinstance(operand, Constant) and isinstance(operand.value, int | float):
        return Constant(-operand.value)
    return Prefixed("-", operand)
