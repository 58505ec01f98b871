"""Lines of Python, broken the way Black breaks them: what does not fit goes one item to a line."""

from __future__ import annotations

from typing import Final, TypeAlias, assert_never

from ..spec import (
    Attribute,
    Awaited,
    CallOf,
    Compared,
    Comprehension,
    Connected,
    Constant,
    DictOf,
    EitherOf,
    Expr,
    Infix,
    Lambda,
    ListOf,
    OrNone,
    Prefixed,
    Ref,
    Subscript,
    Targets,
    TupleOf,
    Unpacked,
)
from .literals import ident, lit

WIDTH: Final = 110
INDENT: Final = "    "

Bracketed: TypeAlias = CallOf | TupleOf | ListOf | DictOf | Subscript
"""What can be broken between its brackets."""


class Writer:
    """Collects the lines of a module."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def line(self, text: str = "") -> None:
        """Write a line, or those of a docstring."""
        self._lines.extend(text.split("\n"))

    def blank(self, count: int) -> None:
        """Leave at least `count` blank lines above what follows."""
        while self._lines[-count:] != [""] * count:
            self._lines.append("")

    def expression(self, before: str, value: Expr, after: str = "", *, depth: int = 0) -> None:
        """Write `before value after`, on one line if it fits."""
        margin = INDENT * depth
        whole = f"{margin}{before}{inline(value)}{after}"
        if len(whole) <= WIDTH:
            self.line(whole)
            return
        if isinstance(value, Awaited):
            self.expression(f"{before}await ", value.item, after, depth=depth)
            return
        if isinstance(value, Lambda):
            self.line(f"{margin}{before}lambda {', '.join(map(ident, value.parameters))}: (")
            self._operation(value.value, depth + 1)
            self.line(f"{margin}){after}")
            return
        # A generator that is a call's one argument stands without brackets, and no comma may follow it.
        if not isinstance(value, Bracketed) or not _items(value) or _is_over_each(value):
            self.line(whole)
            return
        self.broken(before, value, after, depth=depth)

    def broken(self, before: str, value: Bracketed, after: str = "", *, depth: int = 0) -> list[int]:
        """Write `before value after` with each item on a line of its own; the numbers of these lines."""
        margin = INDENT * depth
        opening, closing = _brackets(value)
        self.line(f"{margin}{before}{opening}")
        starts: list[int] = []
        for name, item in _items(value):
            starts.append(self.next_line)
            self.expression(name, item, ",", depth=depth + 1)
        self.line(f"{margin}{closing}{after}")
        return starts

    def condition(self, word: str, value: Expr, *, depth: int) -> None:
        """Write `word value:`, in brackets if it does not fit on one line."""
        margin = INDENT * depth
        whole = f"{margin}{word} {inline(value)}:"
        if len(whole) <= WIDTH:
            self.line(whole)
            return
        self.line(f"{margin}{word} (")
        self._operation(value, depth + 1)
        self.line(f"{margin}):")

    def _operation(self, value: Expr, depth: int) -> None:
        """Write what a pair of brackets is around, a condition of several on a line for each."""
        margin = INDENT * depth
        if not isinstance(value, Connected) or len(margin) + len(inline(value)) <= WIDTH:
            self.expression("", value, depth=depth)
            return
        for place, item in enumerate(value.items):
            word = f"{value.word} " if place else ""
            self.line(f"{margin}{word}{_at_level(item, _NOT)}")

    @property
    def next_line(self) -> int:
        """The number, from 1, of the line that is written next."""
        return len(self._lines) + 1

    def text(self) -> str:
        return "\n".join(self._lines).rstrip("\n") + "\n"


def targets(names: Targets) -> str:
    """What is assigned to."""
    return ", ".join(map(ident, names))


def inline(value: Expr) -> str:
    """An expression on one line."""
    match value:
        case Constant():
            return lit(value.value)
        case Ref():
            return ".".join(ident(name) for name in value.path)
        case OrNone():
            return f"{inline(value.item)} | None"
        case EitherOf():
            return " | ".join(map(inline, value.items))
        case TupleOf(items=(only,)):
            return f"({inline(only)},)"
        case CallOf() | TupleOf() | ListOf() | DictOf() | Subscript():
            opening, closing = _brackets(value)
            return f"{opening}{', '.join(f'{name}{inline(item)}' for name, item in _items(value))}{closing}"
        case Attribute():
            return f"{_at_level(value.of, _ATOM)}.{ident(value.name)}"
        case Infix() | Compared() | Connected() | Prefixed() | Awaited() | Unpacked():
            return _operation(value)
        case Lambda() | Comprehension():
            return _operation(value)
        case _:
            assert_never(value)


# Python's levels of binding, from the loosest on: what binds looser than its place goes into brackets.
_LAMBDA, _OR, _AND, _NOT, _COMPARED, _EITHER, _SUM, _PRODUCT, _SIGNED, _AWAITED, _ATOM = range(11)


def _level(value: Expr) -> int:
    match value:
        case Unpacked():
            return _LAMBDA
        case Awaited():
            return _AWAITED
        case Lambda() | Comprehension(in_brackets=False):
            return _LAMBDA
        case Connected():
            return _OR if value.word == "or" else _AND
        case Prefixed():
            return _NOT if value.sign == "not" else _SIGNED
        case Compared():
            return _COMPARED
        case Infix():
            return _SUM if value.sign in "+-" else _PRODUCT
        case OrNone() | EitherOf():
            return _EITHER
        case Constant() | Ref() | Attribute() | CallOf() | Subscript():
            return _ATOM
        case TupleOf() | ListOf() | DictOf() | Comprehension():
            return _ATOM
        case _:
            assert_never(value)


def _at_level(value: Expr, level: int) -> str:
    """An expression where only what binds as tightly as `level` stands without brackets."""
    return inline(value) if _level(value) >= level else f"({inline(value)})"


def _operation(
    value: Infix | Compared | Connected | Prefixed | Lambda | Comprehension | Awaited | Unpacked,
) -> str:
    level = _level(value)
    match value:
        case Awaited():
            return f"await {_at_level(value.item, _ATOM)}"
        case Unpacked():
            return f"*{_at_level(value.item, _OR)}"
        case Infix():
            return f"{_at_level(value.left, level)} {value.sign} {_at_level(value.right, level + 1)}"
        case Compared():
            rest = "".join(f" {sign} {_at_level(item, level + 1)}" for sign, item in value.rest)
            return f"{_at_level(value.first, level + 1)}{rest}"
        case Connected():
            # Python needs no brackets around `and` inside of `or`; people do.
            return f" {value.word} ".join(_at_level(item, _NOT) for item in value.items)
        case Prefixed():
            space = " " if value.sign == "not" else ""
            return f"{value.sign}{space}{_at_level(value.item, level)}"
        case Lambda():
            return f"lambda {', '.join(map(ident, value.parameters))}: {inline(value.value)}"
        case Comprehension():
            loops = "".join(
                f" for {targets(names)} in {_at_level(source, _OR)}" for names, source in value.loops
            )
            made = f"{_at_level(value.item, _OR)}{loops}"
            return f"[{made}]" if value.in_brackets else made
        case _:
            assert_never(value)


def _is_over_each(value: Bracketed) -> bool:
    return isinstance(value, CallOf) and any(
        isinstance(item, Comprehension) and not item.in_brackets for item in value.arguments
    )


def _brackets(value: Bracketed) -> tuple[str, str]:
    match value:
        case CallOf():
            return f"{inline(value.function)}(", ")"
        case Subscript():
            return f"{inline(value.of)}[", "]"
        case ListOf():
            return "[", "]"
        case DictOf():
            return "{", "}"
        case TupleOf():
            return "(", ")"
        case _:
            assert_never(value)


def _items(value: Bracketed) -> list[tuple[str, Expr]]:
    """What can go on lines of its own, each with its `name=`."""
    match value:
        case CallOf():
            positional = [("", item) for item in value.arguments]
            return positional + [(f"{ident(name)}=", item) for name, item in value.keywords]
        case DictOf():
            return [(f"{lit(key)}: ", item) for key, item in value.entries]
        case TupleOf() | ListOf() | Subscript():
            return [("", item) for item in value.items]
        case _:
            assert_never(value)
