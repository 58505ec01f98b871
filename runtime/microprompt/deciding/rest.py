"""The rest: what heads leave of a record for the model to write.

Fields that do not see one another are each answered from the input alone. So where heads decide some of them,
the model is asked for a record that has only the others, and its examples show only these: an answer then
begins as they do, and takes fewer tokens. Fields that see those before them need all of the record.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from ..program import Program
from ..types import kind
from ..types.base import dotted
from .choices import places


def rest_of(program: Program, decided: Set[str]) -> Program:
    """The program of the fields of which something is not `decided`, by dotted names; the program itself,
    where that are all or none, or where they see one another. Where a record asserts something, another
    answer may be asked for, of which nothing is decided."""
    whole = kind(program.returns)
    if not program.using.independent or whole.is_asserted:
        return program
    left = places(program.returns) - decided
    names = [field.name for field in whole.fields() if any(_is_in(place, field.name) for place in left)]
    if len(names) in (0, len(whole.fields())):
        return program
    returns, part = whole.only(names)
    examples = tuple(replace(each, answer=part(each.answer)) for each in program.examples)
    return replace(program, returns=returns, examples=examples)


def _is_in(place: str, field: str) -> bool:
    return place == field or place.startswith(dotted(field, ""))
