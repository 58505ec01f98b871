"""What JSON Schemas are made of; schemas and regular expressions as Outlines takes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from ..notation import range_text
from .base import Schema

_CHECKED_AFTERWARDS: Final = "uniqueItems"
"""What llguidance, which generates for Outlines, cannot say in a schema."""


def closed_object(properties: Mapping[str, Schema], required: Iterable[str]) -> Schema:
    """The schema of an object with these properties and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def within(what: str, least: int, most: int | None) -> Schema:
    """The part of a schema that bounds a number: that of the `Items`, or of what it is."""
    return {f"min{what}": least, **({} if most is None else {f"max{what}": most})}


def described(schema: Schema, *lines: str | None) -> Schema:
    """A schema with lines in front of what it is described as."""
    said = [line for line in (*lines, schema.get("description")) if line]
    return {**schema, "description": "\n".join(map(str, said))} if said else schema


def meanings_of(names: Iterable[tuple[str, str | None]]) -> Iterator[str]:
    """A line for each name that has a description."""
    return (f"- {name}: {description}" for name, description in names if description)


def said_range(least: str | None, most: str | None) -> Iterator[str]:
    """A line for a range that a schema can't say, where there is one."""
    if least is not None or most is not None:
        yield range_text(least, most)


def json_schema(schema: Schema) -> Any:
    """The Outlines type of a schema. A label of a set may then be generated twice."""
    from outlines.types import JsonSchema  # not at the top: Outlines takes a second to import

    return JsonSchema(_generable(schema), ensure_ascii=False)


def regex_type(regex: str) -> Any:
    """The Outlines type of the texts that a regular expression matches."""
    from outlines.types import Regex  # not at the top: Outlines takes a second to import

    return Regex(regex)


def _generable(schema: object) -> Any:
    match schema:
        case dict():
            return {name: _generable(said) for name, said in schema.items() if name != _CHECKED_AFTERWARDS}
        case list():
            return [_generable(each) for each in schema]
        case _:
            return schema
