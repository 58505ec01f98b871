"""Python values and the text the model sees of them, both ways.

Two notations. *Plain* is for a value by itself: text without quotes, `yes` and `no`, an enum's label. *JSON*
is for records, lists and what is in them, with the labels in place of the program's names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, assert_never

from .. import abi
from ..errors import ArgumentError

# What a type without a declared limit is given, so that every answer ends. See the language reference.
DEFAULT_STR_LENGTH: Final = 200
DEFAULT_LIST_COUNT: Final = 16
INT_DIGITS: Final = 15
FLOAT_DIGITS: Final = 6


# --------------------------------------------------------------------------------------------- checking


def check(value: object, expected: abi.Type, where: str) -> None:
    """Raise `ArgumentError` unless `value` is of the declared type and inside its range."""
    match expected:
        case abi.StrType():
            _require(type(value) is str, value, expected, where)
            assert isinstance(value, str)
            _check_encodable(value, where)
            _check_length(len(value), expected.min_length, expected.max_length, "characters", where)
            if expected.pattern is not None:
                import re

                if re.fullmatch(expected.pattern, value, re.ASCII) is None:
                    raise ArgumentError(f"{where} does not match /{expected.pattern}/: {_short(value)}")
        case abi.IntType():
            _require(type(value) is int, value, expected, where)
            _check_range(value, expected.minimum, expected.maximum, where)
        case abi.FloatType():
            _require(type(value) in (int, float), value, expected, where)
            _check_range(value, expected.minimum, expected.maximum, where)
        case abi.BoolType():
            _require(type(value) is bool, value, expected, where)
        case abi.LiteralType():
            _require(value in expected.values, value, expected, where)
        case abi.EnumType():
            _require(isinstance(value, expected.python), value, expected, where)
        case abi.RecordType():
            _require(isinstance(value, expected.python), value, expected, where)
        case abi.ListType():
            _require(isinstance(value, (list, tuple)), value, expected, where)
            assert isinstance(value, (list, tuple))
            _check_length(len(value), expected.min_count, expected.max_count, "items", where)
            for index, item in enumerate(value):
                check(item, expected.item, f"{where}[{index}]")
        case abi.OptionalType():
            if value is not None:
                check(value, expected.item, where)
        case _:
            assert_never(expected)


def _require(holds: bool, value: object, expected: abi.Type, where: str) -> None:
    if not holds:
        raise ArgumentError(f"{where} must be {describe(expected)}, not {_short(value)}")


def _check_length(count: int, least: int, most: int | None, unit: str, where: str) -> None:
    if count < least or (most is not None and count > most):
        raise ArgumentError(f"{where} has {count} {unit}; {_range_text(least or None, most)} are allowed")


def _check_encodable(text: str, where: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ArgumentError(
            f"{where} has half of a surrogate pair at character {error.start}, which is no text",
            help='clean it, as in text.encode(errors="replace").decode()',
        ) from None


def _check_range(value: object, least: float | None, most: float | None, where: str) -> None:
    assert isinstance(value, (int, float))
    # Written so that a NaN and an infinity fail too.
    if not ((least is None or value >= least) and (most is None or value <= most) and value - value == 0):
        raise ArgumentError(f"{where} is {value}; {_range_text(least, most)} is allowed")


def _short(value: object) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"


def _range_text(least: object, most: object) -> str:
    return f"{'' if least is None else least}..{'' if most is None else most}"


def describe(declared: abi.Type) -> str:
    """The type in the notation of the language, e.g. `int(1..5)`."""

    def ranged(name: str, least: object, most: object) -> str:
        return name if least is None and most is None else f"{name}({_range_text(least, most)})"

    match declared:
        case abi.StrType(pattern=str(pattern)):
            return f"str(/{pattern}/)"
        case abi.StrType():
            return ranged("str", declared.min_length or None, declared.max_length)
        case abi.IntType():
            return ranged("int", declared.minimum, declared.maximum)
        case abi.FloatType():
            return ranged("float", declared.minimum, declared.maximum)
        case abi.BoolType():
            return "bool"
        case abi.LiteralType():
            return " | ".join(json.dumps(value) for value in declared.values)
        case abi.EnumType() | abi.RecordType():
            return declared.python.__name__
        case abi.ListType():
            return ranged(f"list[{describe(declared.item)}]", declared.min_count or None, declared.max_count)
        case abi.OptionalType():
            inner = describe(declared.item)
            return f"({inner})?" if " | " in inner else f"{inner}?"
        case _:
            assert_never(declared)


# ---------------------------------------------------------------------------------------- value to text


def plain(value: object, declared: abi.Type) -> str:
    """The text of a value by itself, as in a hole or after a cue."""
    match declared:
        case abi.RecordType() | abi.ListType():
            return as_json(value, declared)
        case abi.OptionalType():
            return "none" if value is None else plain(value, declared.item)
        case abi.BoolType():
            return "yes" if value else "no"
        case abi.EnumType():
            return _label(value, declared)
        case abi.FloatType():
            return number(value)
        case abi.StrType() | abi.IntType() | abi.LiteralType():
            return str(value)
        case _:
            assert_never(declared)


def as_json(value: object, declared: abi.Type) -> str:
    """The text of a value inside a record or a list."""
    match declared:
        case abi.OptionalType():
            return "null" if value is None else as_json(value, declared.item)
        case abi.RecordType():
            pairs = (
                f"{quoted(field.label)}: {as_json(getattr(value, field.name), field.type)}"
                for field in declared.fields
            )
            return "{" + ", ".join(pairs) + "}"
        case abi.ListType():
            assert isinstance(value, (list, tuple))
            return "[" + ", ".join(as_json(item, declared.item) for item in value) + "]"
        case abi.BoolType():
            return "true" if value else "false"
        case abi.EnumType() | abi.StrType() | abi.LiteralType():
            return quoted(plain(value, declared))
        case abi.IntType() | abi.FloatType():
            return plain(value, declared)
        case _:
            assert_never(declared)


def quoted(text: str) -> str:
    """`text` as a JSON string."""
    return json.dumps(text, ensure_ascii=False)


def number(value: object) -> str:
    """A decimal number without an exponent, with at most `FLOAT_DIGITS` digits after the point."""
    assert isinstance(value, (int, float))
    text = f"{value:.{FLOAT_DIGITS}f}".rstrip("0")
    text = text + "0" if text.endswith(".") else text
    return "0.0" if text == "-0.0" else text


def _label(value: object, declared: abi.EnumType) -> str:
    return next(member.label for member in declared.members if member.name == value)


# ---------------------------------------------------------------------------------------- text to value


def from_plain(text: str, declared: abi.Type) -> object:
    """The value of the text that `plain` writes. Raises `ValueError` on text outside the type."""
    match declared:
        case abi.RecordType() | abi.ListType():
            return from_json(json.loads(text), declared)
        case abi.OptionalType():
            return None if text == "none" else from_plain(text, declared.item)
        case abi.BoolType():
            return {"yes": True, "no": False}[text]
        case abi.IntType():
            return int(text)
        case abi.FloatType():
            return float(text)
        case abi.EnumType() | abi.LiteralType() | abi.StrType():
            return from_json(text, declared)
        case _:
            assert_never(declared)


def from_json(data: object, declared: abi.Type) -> object:
    """The value of decoded JSON data in the model's labels."""
    match declared:
        case abi.OptionalType():
            return None if data is None else from_json(data, declared.item)
        case abi.RecordType():
            assert isinstance(data, Mapping)
            found = {field.name: from_json(data[field.label], field.type) for field in declared.fields}
            return declared.python(**found)
        case abi.ListType():
            assert isinstance(data, list)
            return [from_json(item, declared.item) for item in data]
        case abi.EnumType():
            name = next(member.name for member in declared.members if member.label == data)
            return declared.python(name)
        case abi.FloatType():
            assert isinstance(data, (int, float))
            return float(data)
        case abi.StrType() | abi.IntType() | abi.BoolType() | abi.LiteralType():
            return data
        case _:
            assert_never(declared)


def to_json(value: object) -> object:
    """A Python value as JSON data in the program's names: enum members by name, records as objects."""
    match value:
        case StrEnum():
            return value.value
        case list() | tuple():
            return [to_json(item) for item in value]
        case None | bool() | int() | float() | str():
            return value
        case _:
            return {name: to_json(item) for name, item in vars(value).items()}
