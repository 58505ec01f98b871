"""Lines of Python, broken the way Black breaks them: what does not fit goes one item to a line."""

from __future__ import annotations

from typing import Final, TypeAlias, assert_never

from ..spec import CallOf, Constant, DictOf, EitherOf, Expr, ListOf, OrNone, Ref, Subscript, TupleOf
from .literals import ident, lit

WIDTH: Final = 110
INDENT: Final = "    "

_Bracketed: TypeAlias = CallOf | TupleOf | ListOf | DictOf | Subscript
"""What can be broken between its brackets."""


class Writer:
    """Collects the lines of a module."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def line(self, text: str = "") -> None:
        self._lines.append(text)

    def blank(self, count: int) -> None:
        """Leave at least `count` blank lines above what follows."""
        while self._lines[-count:] != [""] * count:
            self._lines.append("")

    def expression(self, before: str, value: Expr, after: str = "", *, depth: int = 0) -> None:
        """Write `before value after`, on one line if it fits."""
        margin = INDENT * depth
        whole = f"{margin}{before}{inline(value)}{after}"
        if len(whole) <= WIDTH or not isinstance(value, _Bracketed) or not _items(value):
            self.line(whole)
            return
        opening, closing = _brackets(value)
        self.line(f"{margin}{before}{opening}")
        for name, item in _items(value):
            self.expression(name, item, ",", depth=depth + 1)
        self.line(f"{margin}{closing}{after}")

    def text(self) -> str:
        return "\n".join(self._lines).rstrip("\n") + "\n"


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
        case _:
            assert_never(value)


def _brackets(value: _Bracketed) -> tuple[str, str]:
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


def _items(value: _Bracketed) -> list[tuple[str, Expr]]:
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
