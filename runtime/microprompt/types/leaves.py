"""The parts of an answer that every value of its type has: the fields of records, however deep, else the
answer."""

from __future__ import annotations

from collections.abc import Iterator

from .arguments import held
from .base import AnyKind, dotted


def leaves(declared: AnyKind, name: str = "") -> Iterator[tuple[str, AnyKind]]:
    """The dotted name and the kind of each leaf of a type; one that has no fields is a leaf called ""."""
    if not declared.fields():
        yield name, declared
    for field in declared.fields():
        yield from leaves(field.kind, dotted(name, field.name))


def leaf_values(declared: AnyKind, value: object, name: str = "") -> Iterator[tuple[str, object]]:
    """The dotted name and the value of each leaf of a value."""
    if not declared.fields():
        yield name, value
    for field in declared.fields():
        yield from leaf_values(field.kind, held(value, field.name), dotted(name, field.name))
