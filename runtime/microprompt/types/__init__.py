"""Types: a kind for each, and the table that says which.

`kind(declared)` is the only place that asks of what class an abi type is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, TypeAlias, TypeVar

from .. import abi
from .base import AnyKind, Kind, KindOf, Listed, Part, Scalar
from .boolean import BoolKind
from .enums import EnumKind
from .lists import ListKind
from .literals import LiteralKind
from .numbers import FloatKind, IntKind
from .optional import OptionalKind
from .records import RecordKind
from .text import text_kind

__all__ = ["KINDS", "AnyKind", "Kind", "Listed", "Part", "Scalar", "kind", "outlines_type", "row"]

D = TypeVar("D")
Maker: TypeAlias = Callable[[Any, KindOf], AnyKind]


def row(declared: type[D], made_by: type[Kind[D]]) -> tuple[type[Any], Maker]:
    """A row of the table. Here the type checker sees that a kind is of its type and lacks no operation."""
    return declared, made_by


KINDS: Final[dict[type[Any], Maker]] = dict(
    (
        (abi.StrType, text_kind),
        row(abi.IntType, IntKind),
        row(abi.FloatType, FloatKind),
        row(abi.BoolType, BoolKind),
        row(abi.LiteralType, LiteralKind),
        row(abi.EnumType, EnumKind),
        row(abi.RecordType, RecordKind),
        row(abi.ListType, ListKind),
        row(abi.OptionalType, OptionalKind),
    )
)
"""What makes the kind of each class of abi types."""


@lru_cache(maxsize=1024)
def kind(declared: abi.Type) -> AnyKind:
    """The kind of a declared type."""
    return KINDS[type(declared)](declared, kind)


def outlines_type(returns: abi.Type) -> Any:
    """What to hand to `outlines.Generator(model, ...)` for the answers of a return type.

    The text that Outlines then gives is `Answer.to_json()["value"]`: the program's names in place of the
    labels that the model sees, and JSON for records, lists and optionals. Its language is finite but for
    patterns, which can't be cut to their 200 characters there.
    """
    return kind(returns).outlines()
