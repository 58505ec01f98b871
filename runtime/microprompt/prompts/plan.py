"""A return type becomes a decode plan: a row of slots, each decided or written by the model.

A record is a chain of slots with forced text between them, so the model spends nothing on field names and
punctuation, or, where its fields are independent, slots side by side; any other type is one slot. A slot is
a *choice* where the values can be listed (nothing is generated: the labels are scored), else *guided* (a
grammar masks every token).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

from .. import abi
from ..types.numerals import float_regex, int_regex, numeral_width
from ..types.values import (
    DEFAULT_LIST_COUNT,
    DEFAULT_STR_LENGTH,
    as_json,
    from_json,
    from_plain,
    plain,
    quoted,
)

MAX_LISTED_INTS: Final = 256
"""An integer range up to this many values is a choice."""

_JSON_CHAR = r'([^"\\\x00-\x1F]|\\["\\bfnrt])'
_LINE_CHAR = r"[^\x00-\x1F\x7F]"
_UTF8_BYTES = 4


@dataclass(frozen=True, slots=True)
class Choice:
    """A value among a few; `options` holds each value with its text, the space before it included."""

    options: tuple[tuple[object, str], ...]


@dataclass(frozen=True, slots=True)
class Guided:
    """A text that a grammar allows: a Lark expression and the terminals it names, after `space`.

    `max_bytes` bounds the text, and so the tokens: every token has at least one byte.
    """

    space: str
    expression: str
    terminals: tuple[str, ...]
    max_bytes: int
    type: abi.Type
    json: bool

    def value(self, text: str) -> object:
        """The value of a text of the grammar."""
        text = text.removeprefix(self.space)
        return from_json(json.loads(text), self.type) if self.json else from_plain(text, self.type)


Shape: TypeAlias = Choice | Guided


@dataclass(frozen=True, slots=True)
class Slot:
    """A place that the model fills: `name` is the dotted field ("" for the whole answer), `after` the text
    that must follow, up to the next slot."""

    name: str
    type: abi.Type
    shape: Shape
    after: str


@dataclass(frozen=True, slots=True)
class Plan:
    """How an answer of type `returns` is decoded: forced text `lead`, then the slots.

    With `leads`, one for each slot, each slot is decoded by itself after its own lead, in place of `lead` and
    the slots before it.
    """

    returns: abi.Type
    lead: str
    slots: tuple[Slot, ...]
    leads: tuple[str, ...] = ()

    def value(self, found: Mapping[str, object]) -> object:
        """The answer, from the value of every slot by name."""
        if isinstance(self.returns, abi.RecordType):
            return _record_value(self.returns, "", found)
        return found[""]


def make_plan(returns: abi.Type, space: str = " ", *, independent: bool = False) -> Plan:
    """The plan of a return type. `space` is what separates the answer from the cue: a blank, or nothing where
    a chat turn begins. With `independent`, the fields of a record do not see one another."""
    if not isinstance(returns, abi.RecordType):
        return Plan(returns, "", (Slot("", returns, _shape(returns, space, json=False), "\n"),))
    fields: list[tuple[str, abi.Type]] = []
    texts = [""]
    for piece in _pieces(returns, "", space):
        if isinstance(piece, str):
            texts[-1] += piece
        else:
            fields.append(piece)
            texts.append("")
    slots = tuple(
        Slot(name, declared, _shape(declared, " ", json=True), after)
        for (name, declared), after in zip(fields, texts[1:], strict=True)
    )
    return Plan(returns, texts[0], slots, tuple(_leads(returns, space)) if independent else ())


def _leads(record: abi.RecordType, opening: str) -> Iterator[str]:
    """For each field, the text that leads to it past all others."""
    for field in record.fields:
        lead = f"{opening}{{{quoted(field.label)}:"
        if isinstance(field.type, abi.RecordType):
            yield from _leads(field.type, f"{lead} ")
        else:
            yield lead


def _pieces(record: abi.RecordType, prefix: str, space: str) -> Iterator[str | tuple[str, abi.Type]]:
    opening = space + "{"
    for field in record.fields:
        yield f"{opening}{quoted(field.label)}:"
        name = f"{prefix}{field.name}"
        if isinstance(field.type, abi.RecordType):
            yield from _pieces(field.type, f"{name}.", " ")
        else:
            yield name, field.type
        opening = ", "
    yield "}"


def _record_value(record: abi.RecordType, prefix: str, found: Mapping[str, object]) -> object:
    values = {
        field.name: _record_value(field.type, f"{prefix}{field.name}.", found)
        if isinstance(field.type, abi.RecordType)
        else found[f"{prefix}{field.name}"]
        for field in record.fields
    }
    return record.python(**values)


def _shape(declared: abi.Type, space: str, *, json: bool) -> Shape:
    values = listed(declared)
    if values is not None:
        write = as_json if json else plain
        return Choice(tuple((value, space + write(value, declared)) for value in values))
    grammar = _Grammar()
    if json or isinstance(declared, abi.ListType):
        expression, size = grammar.json(declared)
    else:
        expression, size = grammar.plain(declared)
    return Guided(space, expression, tuple(grammar.terminals), size + len(space), declared, json)


def listed(declared: abi.Type) -> list[object] | None:
    """Every value of a type that is a choice, in order of declaration; `None` for other types."""
    match declared:
        case abi.EnumType():
            return [declared.python(member.name) for member in declared.members]
        case abi.LiteralType():
            return list(declared.values)
        case abi.BoolType():
            return [True, False]
        case abi.IntType(minimum=int(least), maximum=int(most)) if most - least < MAX_LISTED_INTS:
            return list(range(least, most + 1))
        case abi.OptionalType():
            values = listed(declared.item)
            return None if values is None else [*values, None]
        case _:
            return None


class _Grammar:
    """Collects the terminals of one guided slot; each method returns an expression and its bytes at most."""

    def __init__(self) -> None:
        self.terminals: list[str] = []

    def terminal(self, pattern: str) -> str:
        """The name of a terminal for a Lark pattern; the same pattern has one name."""
        for index, known in enumerate(self.terminals):
            if known.partition(": ")[2] == pattern:
                return f"T{index}"
        self.terminals.append(f"T{len(self.terminals)}: {pattern}")
        return f"T{len(self.terminals) - 1}"

    def plain(self, declared: abi.Type) -> tuple[str, int]:
        """A value by itself, on one line."""
        match declared:
            case abi.OptionalType():
                item, size = self.plain(declared.item)
                return f'("none" | {item})', max(size, len("none"))
            case abi.StrType(pattern=str(pattern)):
                return self._pattern(pattern, r"(?s:.)")
            case abi.StrType():
                least, most = declared.min_length, _length(declared)
                if most == 0:
                    return '""', 0
                line = self.terminal(rf"/[^\s\x00-\x1F\x7F]{_LINE_CHAR}{{{max(0, least - 1)},{most - 1}}}/")
                return (line if least else f"{line}?"), most * _UTF8_BYTES
            case abi.IntType() | abi.FloatType():
                return self._number(declared)
            case _:
                return self.json(declared)

    def json(self, declared: abi.Type) -> tuple[str, int]:
        """A value as JSON, without white space but one blank after `,` and `:`."""
        match declared:
            case abi.StrType(pattern=str(pattern)):
                text, size = self._pattern(pattern, r'[^"\\\x00-\x1F]')
                return rf'"\"" {text} "\""', size + 2
            case abi.StrType():
                least, most = declared.min_length, _length(declared)
                if most == 0:
                    return r'"\"\""', 2
                chars = self.terminal(rf"/{_JSON_CHAR}{{{max(1, least)},{most}}}/")
                return rf'"\"" {chars if least else chars + "?"} "\""', most * _UTF8_BYTES + 2
            case abi.IntType() | abi.FloatType():
                return self._number(declared)
            case abi.EnumType() | abi.LiteralType() | abi.BoolType():
                texts = [as_json(value, declared) for value in listed(declared) or ()]
                return f"({' | '.join(map(quoted, texts))})", max(len(text.encode()) for text in texts)
            case abi.OptionalType():
                item, size = self.json(declared.item)
                return f'("null" | {item})', max(size, len("null"))
            case abi.ListType():
                return self._list(declared)
            case abi.RecordType():
                parts, total = [], 1
                for field, opening in zip(
                    declared.fields, ["{", *[", "] * len(declared.fields)], strict=False
                ):
                    lead = f"{opening}{quoted(field.label)}: "
                    item, size = self.json(field.type)
                    parts.append(f"{quoted(lead)} {item}")
                    total += len(lead.encode()) + size
                return f'({" ".join(parts)} "}}")', total
            case _:
                assert_never(declared)

    def _list(self, declared: abi.ListType) -> tuple[str, int]:
        least = declared.min_count
        most = max(DEFAULT_LIST_COUNT, least) if declared.max_count is None else declared.max_count
        if most == 0:
            return '"[]"', 2
        item, size = self.json(declared.item)
        more = f'(", " {item}){{{max(0, least - 1)},{most - 1}}}' if most > 1 else ""
        items = f"{item} {more}"
        return f'("[" {items if least else f"({items})?"} "]")', most * (size + 2)

    def _number(self, declared: abi.IntType | abi.FloatType) -> tuple[str, int]:
        whole = isinstance(declared, abi.IntType)
        regex = (int_regex if isinstance(declared, abi.IntType) else float_regex)(
            declared.minimum,  # type: ignore[arg-type]  # an int type has int limits
            declared.maximum,  # type: ignore[arg-type]
        )
        width = numeral_width(declared.minimum, declared.maximum, decimals=not whole)
        return self.terminal(f"/{regex}/"), width

    def _pattern(self, pattern: str, char: str) -> tuple[str, int]:
        from llguidance import regex_to_lark

        limit = DEFAULT_STR_LENGTH
        # A pattern may be unbounded; the intersection ends it, and keeps it apart from what follows.
        name = self.terminal(f"/{regex_to_lark(_ascii(pattern))}/ & /{char}{{0,{limit}}}/")
        return name, limit * _UTF8_BYTES


def _ascii(pattern: str) -> str:
    """The pattern with its classes spelt out: the guide's own follow another version of Unicode than those of
    Python, and another idea of what a letter is."""
    return re.sub(r"\\(.)", lambda found: _CLASSES.get(found[1], found[0]), pattern, flags=re.DOTALL)


# A class in brackets may stand inside another one in the guide's notation.
_CLASSES = {
    "d": "[0-9]",
    "D": "[^0-9]",
    "w": "[0-9A-Za-z_]",
    "W": "[^0-9A-Za-z_]",
    "s": r"[ \t\n\r\f\x0B]",
    "S": r"[^ \t\n\r\f\x0B]",
}


def _length(declared: abi.StrType) -> int:
    return (
        max(DEFAULT_STR_LENGTH, declared.min_length) if declared.max_length is None else declared.max_length
    )
