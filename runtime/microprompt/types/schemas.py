"""JSON Schemas and regular expressions as Outlines takes them."""

from __future__ import annotations

from typing import Any, Final

from .base import Schema

_CHECKED_AFTERWARDS: Final = "uniqueItems"
"""What llguidance, which generates for Outlines, cannot say in a schema."""


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
