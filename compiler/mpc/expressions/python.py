"""Expressions in Python, as a person would write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from ..diagnostics import InternalError
from ..spec import (
    Attribute,
    Awaited,
    CallOf,
    Compared,
    Comprehension,
    Connected,
    Constant,
    Expr,
    Infix,
    ListOf,
    Prefixed,
    Ref,
    Subscript,
    Targets,
)
from ..types import Type
from ..types.base import NamedType, Naming
from ..types.operands import Sort
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

_INT: Final = Ref(("int",))
_STR: Final = Ref(("str",))


def in_python(
    expression: Checked, roots: Mapping[str, Ref], naming: Naming, *, in_tasks: bool = False
) -> Expr:
    """The expression, where `roots` says how Python calls the values of the scope.

    What counts as true is true in Python, though it need not be a `bool`. What is called answers at once, or
    `in_tasks`, when it is awaited.
    """
    return _writing(roots, naming, in_tasks).of(expression)


def later_in_python(
    call: Invoked, roots: Mapping[str, Ref], naming: Naming, *, in_tasks: bool = False
) -> CallOf:
    """A call that has not begun, as an argument of `gather`."""
    return _writing(roots, naming, in_tasks).call(call, "later_detail" if call.wants_confidence else "later")


def _writing(roots: Mapping[str, Ref], naming: Naming, in_tasks: bool) -> _Writing:
    return _Writing(naming, frozenset(ref.path[0] for ref in roots.values()), roots, in_tasks)


@dataclass(frozen=True, slots=True)
class _Writing:
    """`roots` says how Python calls the values of the scope, `items` those of the lists that loops are in.

    The variables of loops get no name that is `taken`.
    """

    naming: Naming
    taken: frozenset[str]
    roots: Mapping[str, Ref]
    in_tasks: bool
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
            case Invoked():
                return self._answer(expression)
            case Confidence():
                return self._confidence(expression)
            case Constructed():
                record = expression.type.annotation(self.naming)
                assert isinstance(record, Ref), "records have names"
                # Those that Pydantic makes take fields by their names alone.
                return CallOf(record, (), self._named(expression.fields))
            case Assembled():
                return ListOf(tuple(map(self.of, expression.items)))
            case FieldOf():
                return Attribute(self.of(expression.operand), expression.name)
            case IsOfType():
                return self._is_of_type(expression)
            case _:
                assert_never(expression)

    def call(self, call: Invoked, method: str | None) -> CallOf:
        """A call of what is called itself, or of a method of it."""
        function = self.naming.function(call.callee.origin, call.callee.name)
        given = tuple(self.of(argument) for _, argument in call.arguments[: call.positional])
        return CallOf(
            function if method is None else Ref((*function.path, method)),
            given,
            self._named(call.arguments[call.positional :]),
        )

    def _answer(self, call: Invoked) -> Expr:
        if self.in_tasks:
            return Awaited(self.call(call, "adetail" if call.wants_confidence else "acall"))
        return self.call(call, "detail" if call.wants_confidence else None)

    def _confidence(self, confidence: Confidence) -> Expr:
        if isinstance(confidence.of, Invoked):
            return Attribute(self.of(confidence.of), "confidence")
        # The name's answer is asked for its value everywhere else.
        return Ref((*self.roots[confidence.of.way[0]].path[:-1], "confidence"))

    def _named(self, found: Sequence[tuple[str, Checked]]) -> tuple[tuple[str, Expr], ...]:
        return tuple((name, self.of(value)) for name, value in found)

    def _is_of_type(self, test: IsOfType) -> Expr:
        operand = self.of(test.operand)
        meant = self._class_of(test.way)
        found: Expr = self._is_instance(operand, meant)
        # In Python truth values are numbers, and members of enums are text.
        below = {_INT: (Sort.TRUTH,), _STR: (Sort.MEMBER,)}.get(meant, ())
        others = (arm for arm in test.operand.type.alternatives if arm.operand.sort in below)
        apart = {other: None for arm in others if (other := self._class_of(arm)) not in (_INT, _STR)}
        if apart and not isinstance(test.operand, Reached):
            # Asked twice, a call would be made twice.
            found = Compared(CallOf(self.naming.builtin("type"), (operand,)), (("is", meant),))
        elif apart:
            found = Connected(
                "and", (found, *(Prefixed("not", self._is_instance(operand, other)) for other in apart))
            )
        return Prefixed("not", found) if test.negated else found

    def _is_instance(self, value: Expr, cls: Ref) -> Expr:
        return CallOf(self.naming.builtin("isinstance"), (value, cls))

    def _class_of(self, type: Type) -> Ref:
        resolved = type.resolved if isinstance(type, NamedType) else type
        return class_of(resolved.annotation(self.naming))

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
        loops: list[tuple[Targets, Expr]] = []
        for way in each.lists:
            variable = inside._variable(way[-1])
            loops.append(((variable,), inside._reached(way, is_whole=True)))
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


def class_of(annotation: Expr) -> Ref:
    """The class that the values of an annotation are of."""
    if isinstance(annotation, Subscript):
        (first, *_) = annotation.items
        if annotation.of == Ref(("Annotated",)):
            return class_of(first)
        if isinstance(first, Constant):  # of `Literal`
            return _INT if isinstance(first.value, int) else _STR
        return annotation.of
    if not isinstance(annotation, Ref):
        raise InternalError("lower", "values of a type that are of no class of their own")
    return annotation


def _singular(name: str) -> str:
    """`items` as `item`; a word that is no plural to see as `each`."""
    if name.endswith("ies") and len(name) > 4:
        return f"{name[:-3]}y"
    return name[:-1] if name.endswith("s") and not name.endswith("ss") and len(name) > 2 else "each"


def _negative(operand: Expr) -> Expr:
    if isinstance(operand, Constant) and isinstance(operand.value, int | float):
        return Constant(-operand.value)
    return Prefixed("-", operand)
