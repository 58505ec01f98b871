"""Expressions with their types, as the checker leaves them. Nothing is implicit any more.

What a value counts as in a condition, how a calculated number is rounded before it is compared, and over
which list a function goes is all in the tree, so that Python and the evaluation of known values cannot differ
in it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import TypeAlias, assert_never

from ..source import Span
from ..types import Type, Value
from .signatures import Signature

Way: TypeAlias = tuple[str, ...]
"""The names that lead to a value, from the scope's on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedExpression:
    """What every node has: the type of its value."""

    type: Type


@dataclass(frozen=True, slots=True, kw_only=True)
class Known(CheckedExpression):
    """A value that is written in the program."""

    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached(CheckedExpression):
    """What a way leads to. Where the way goes through a list, an `Each` around says that each item is meant.

    The way to the list of such an `Each` leads to the item, unless the list `is_whole`.
    """

    way: Way
    is_whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Each(CheckedExpression):
    """The value of `item` for each item of the last of the lists, which are inside one another."""

    item: Checked
    lists: tuple[Way, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calculation(CheckedExpression):
    """`left sign right`; the sign is one of `+ - * / %`."""

    sign: str
    left: Checked
    right: Checked


@dataclass(frozen=True, slots=True, kw_only=True)
class Negative(CheckedExpression):
    operand: Checked


@dataclass(frozen=True, slots=True, kw_only=True)
class Called(CheckedExpression):
    """A function of the language, which Python has by the same name: `sum`, `round`."""

    function: str
    arguments: tuple[Checked, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(CheckedExpression):
    """`first sign operand ...`, a chain as in Python."""

    first: Checked
    rest: tuple[tuple[str, Checked], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership(CheckedExpression):
    item: Checked
    whole: Checked
    negated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IsNone(CheckedExpression):
    operand: Checked
    negated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IsFilled(CheckedExpression):
    """Whether there is a text or a list, and something in it."""

    operand: Checked


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches(CheckedExpression):
    text: Checked
    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Logic(CheckedExpression):
    """`a and b and c`; `word` is "and" or "or"."""

    word: str
    operands: tuple[Checked, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Not(CheckedExpression):
    operand: Checked


# ------------------------------------------------------------------------------------- in flows alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoked(CheckedExpression):
    """A call of a prompt, a flow or a function of Python.

    The arguments are in the order in which they are written, by the parameters' names; the first `positional`
    of them were written without. What has a default may be left out. One that `wants_confidence` gives an
    answer with its confidence, whose value has the `type`.
    """

    callee: Signature
    arguments: tuple[tuple[str, Checked], ...]
    positional: int
    wants_confidence: bool
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence(CheckedExpression):
    """How sure an answer is, from 0 to 1: of a call that wants it, or of the name that its answer has."""

    of: Invoked | Reached


@dataclass(frozen=True, slots=True, kw_only=True)
class Constructed(CheckedExpression):
    """A record of the `type`; fields that have a default may be left out."""

    fields: tuple[tuple[str, Checked], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled(CheckedExpression):
    """A list of values of which not all are written in the program, or an empty one."""

    items: tuple[Checked, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOf(CheckedExpression):
    """A field of what has no name of its own: `classify(text).topic`."""

    operand: Checked
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IsOfType(CheckedExpression):
    """Whether a value of a union is of one of its types, `way`."""

    operand: Checked
    way: Type
    negated: bool


Checked: TypeAlias = (
    Known
    | Reached
    | Each
    | Calculation
    | Negative
    | Called
    | Comparison
    | Membership
    | IsNone
    | IsFilled
    | Matches
    | Logic
    | Not
    | Invoked
    | Confidence
    | Constructed
    | Assembled
    | FieldOf
    | IsOfType
)


def item_on(way: Way, items: Collection[Way], *, is_whole: bool) -> Way | None:
    """The innermost of the lists on a way whose items are at hand, for the way goes on from its item; `None`
    where it goes on from the scope. A list that `is_whole` is not in an item of itself."""
    inwards = (way[:length] for length in range(len(way) - is_whole, 0, -1))
    return next((each for each in inwards if each in items), None)


def fields_of(expression: Checked) -> frozenset[Way]:
    """The ways in an expression."""
    if isinstance(expression, Reached):
        return frozenset({expression.way})
    return frozenset[Way]().union(*map(fields_of, children(expression)))


def children(expression: Checked) -> tuple[Checked, ...]:
    """The expressions that one is made of, from left to right."""
    match expression:
        case Known() | Reached():
            return ()
        case Each():
            return (expression.item,)
        case Calculation():
            return (expression.left, expression.right)
        case Negative() | IsNone() | IsFilled() | Not() | FieldOf() | IsOfType():
            return (expression.operand,)
        case Called():
            return expression.arguments
        case Comparison():
            return (expression.first, *(operand for _, operand in expression.rest))
        case Membership():
            return (expression.item, expression.whole)
        case Matches():
            return (expression.text,)
        case Logic():
            return expression.operands
        case Invoked():
            return tuple(argument for _, argument in expression.arguments)
        case Constructed():
            return tuple(value for _, value in expression.fields)
        case Assembled():
            return expression.items
        case Confidence():
            return (expression.of,)
        case _:
            assert_never(expression)


def with_children(expression: Checked, made: Callable[[Checked], Checked]) -> Checked:
    """The expression with what is `made` of each that it consists of in its place."""
    match expression:
        case Known() | Reached():
            return expression
        case Each():
            return replace(expression, item=made(expression.item))
        case Calculation():
            return replace(expression, left=made(expression.left), right=made(expression.right))
        case Negative() | IsNone() | IsFilled() | Not() | FieldOf() | IsOfType():
            return replace(expression, operand=made(expression.operand))
        case Called():
            return replace(expression, arguments=tuple(map(made, expression.arguments)))
        case Comparison():
            rest = tuple((sign, made(operand)) for sign, operand in expression.rest)
            return replace(expression, first=made(expression.first), rest=rest)
        case Membership():
            return replace(expression, item=made(expression.item), whole=made(expression.whole))
        case Matches():
            return replace(expression, text=made(expression.text))
        case Logic():
            return replace(expression, operands=tuple(map(made, expression.operands)))
        case Invoked():
            return replace(expression, arguments=_each_made(expression.arguments, made))
        case Constructed():
            return replace(expression, fields=_each_made(expression.fields, made))
        case Assembled():
            return replace(expression, items=tuple(map(made, expression.items)))
        case Confidence():
            of = made(expression.of)
            assert isinstance(of, Invoked | Reached), "what stands for an answer is one, or its name"
            return replace(expression, of=of)
        case _:
            assert_never(expression)


def _each_made(
    named: tuple[tuple[str, Checked], ...], made: Callable[[Checked], Checked]
) -> tuple[tuple[str, Checked], ...]:
    return tuple((name, made(value)) for name, value in named)
