"""The parts of an answer with values of their own: the fields of records, however deep, else the answer."""

from __future__ import annotations

from collections.abc import Iterator

from .base import AnyKind
from .records import dotted


def leaves(declared: AnyKind, name: str = "") -> Iterator[tuple[str, AnyKind]]:
    """The dotted name and the kind of each leaf of a type; one that has no fields is a leaf called ""."""
    if not declared.fields():
        yield name, declared
    for field in declared.fields():
        yield from leaves(field.kind, dotted(name, field.name))
