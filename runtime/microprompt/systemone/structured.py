"""Structured text: a string, or an object or array of JSON that is laid out for reading.

The model reads text. An object becomes a line for each field, an array a line for each item, what lies inside
is indented, and strings stand as they are: as holes show records and lists of a program.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, TypeAlias, cast

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from ..types.shown import NOTHING, behind, below, lines_of

MAX_DEPTH: Final = 32
"""How deep objects and arrays may lie inside one another."""

_MAX_BITS: Final = 4096  # of a whole number; Python refuses to write numbers that are much longer


def _read(value: object) -> str | dict[str, Any] | list[Any]:
    """The value as it is. Raises `PydanticCustomError` unless it can be laid out."""
    if not isinstance(value, str | dict | list):
        raise PydanticCustomError("text_type", "Input should be a string, an object or an array")
    _require_readable(value, MAX_DEPTH)
    return value


StructuredText: TypeAlias = Annotated[
    str | dict[str, Any] | list[Any],
    PlainValidator(_read),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object"}, {"type": "array", "items": {}}]}),
]
"""Text as the wire has it."""


def require_text(text: str) -> str:
    """The text. Raises `PydanticCustomError` if it has half of a surrogate pair, which is no text."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise PydanticCustomError(
            "string_unicode",
            "Input should be text: half of a surrogate pair stands at character {at}",
            {"at": error.start},
        ) from None
    return text


def laid_out(value: str | Mapping[str, Any] | Sequence[Any]) -> str:
    """The text of a value that was read: equal values have equal texts."""
    return _text(value)


def field(label: str, value: object) -> str:
    """A field as it is laid out: its text behind its label or, where it has parts, below it."""
    write = below if isinstance(value, dict | list) and value else behind
    return write(label, _text(value))


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "\n".join(field(label, each) for label, each in value.items()) or NOTHING
    if isinstance(value, list):
        return lines_of(map(_text, value)) or NOTHING
    if isinstance(value, bool):
        return "true" if value else "false"
    return NOTHING if value is None else str(value)


def _require_readable(value: object, depth: int) -> None:
    match value:
        case str():
            require_text(value)
        case bool() | None:
            pass
        case int():
            if value.bit_length() > _MAX_BITS:
                raise PydanticCustomError("number_size", "Input should have no number of so many digits")
        case float():
            if not math.isfinite(value):
                raise PydanticCustomError("finite_number", "Input should have finite numbers only")
        case dict() | list() if not depth:
            raise PydanticCustomError(
                "too_deep", "Input should lie at most {depth} levels deep", {"depth": MAX_DEPTH}
            )
        case dict():
            for label, each in cast("dict[object, object]", value).items():
                if not isinstance(label, str):
                    raise PydanticCustomError("key_type", "Input should have strings as keys")
                require_text(label)
                _require_readable(each, depth - 1)
        case list():
            for each in cast("list[object]", value):
                _require_readable(each, depth - 1)
        case _:
            raise PydanticCustomError("json_type", "Input should hold nothing but JSON")
