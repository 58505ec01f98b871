"""The arguments of a call, as types look into them."""

from __future__ import annotations

from collections.abc import Mapping


def parameter_of(source: str) -> str:
    """The parameter of a source such as `doc` or `doc.body`."""
    return source.partition(".")[0]


def argument_at(source: str, call: Mapping[str, object]) -> object:
    """The argument for a parameter, or what is in a field of it."""
    name, *way = source.split(".")
    found = call[name]
    for field in way:
        found = held(found, field)
    return found


def held(value: object, field: str) -> object:
    """What a record has in a field; a `TypedDict` is a record too."""
    return value[field] if isinstance(value, dict) else getattr(value, field)
