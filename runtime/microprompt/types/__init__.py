"""Types: a kind for each, and the table that says which.

`kind(declared)` is the only place that asks of what class a declared type is, `type_of(annotation)` the only
one that asks what an annotation in a generated module means.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, TypeVar

from ..abi import Nesting
from ..errors import AbiError
from .annotations import Annotation
from .base import AnyKind, DeclaredType, Kind, Listed, Part, Scalar
from .boolean import BoolKind, BoolType
from .decimals import DecimalKind, DecimalType
from .dicts import DictKind, DictType
from .enums import EnumKind, EnumType
from .grammars import GrammarKind, GrammarType
from .lists import ListKind, ListType
from .literals import LiteralKind, LiteralType
from .moments import DateKind, DateTimeKind, DateTimeType, DateType, TimeKind, TimeType
from .nothing import NothingKind, NothingType
from .numbers import FloatKind, FloatType, IntKind, IntType
from .one_of import OneOfKind, OneOfType
from .optional import OptionalKind, OptionalType
from .records import RecordField, RecordKind, RecordType
from .sets import SetKind, SetType
from .spans import SpanKind, SpanType
from .text import PatternKind, PatternType, StrKind, StrType
from .unions import NameKind, NameType, UnionKind, UnionType
from .verdicts import Verdict

__all__ = [
    "KINDS",
    "AnyKind",
    "BoolType",
    "DateTimeType",
    "DateType",
    "DecimalType",
    "DeclaredType",
    "DictType",
    "EnumType",
    "FloatType",
    "GrammarType",
    "IntType",
    "Kind",
    "ListType",
    "Listed",
    "LiteralType",
    "OneOfType",
    "OptionalType",
    "Part",
    "PatternType",
    "RecordField",
    "RecordType",
    "Scalar",
    "SetType",
    "SpanType",
    "StrType",
    "TimeType",
    "UnionType",
    "Verdict",
    "kind",
    "outlines_type",
    "row",
    "type_of",
]

D = TypeVar("D", bound=DeclaredType)


def row(declared: type[D], made_by: type[Kind[D]]) -> tuple[type[DeclaredType], type[Kind[Any]]]:
    """A row of the table. Here the type checker sees that a kind is of its type and lacks no operation."""
    return declared, made_by


KINDS: Final[dict[type[DeclaredType], type[Kind[Any]]]] = dict(
    (
        row(StrType, StrKind),
        row(PatternType, PatternKind),
        row(GrammarType, GrammarKind),
        row(SpanType, SpanKind),
        row(IntType, IntKind),
        row(FloatType, FloatKind),
        row(DecimalType, DecimalKind),
        row(DateType, DateKind),
        row(TimeType, TimeKind),
        row(DateTimeType, DateTimeKind),
        row(BoolType, BoolKind),
        row(LiteralType, LiteralKind),
        row(EnumType, EnumKind),
        row(OneOfType, OneOfKind),
        row(RecordType, RecordKind),
        row(ListType, ListKind),
        row(SetType, SetKind),
        row(DictType, DictKind),
        row(OptionalType, OptionalKind),
        row(UnionType, UnionKind),
        row(NameType, NameKind),
        row(NothingType, NothingKind),
    )
)
"""The kind of each class of declared types."""


@lru_cache(maxsize=1024)
def kind(declared: DeclaredType) -> AnyKind:
    """The kind of a declared type."""
    return KINDS[type(declared)](declared, kind)


def type_of(annotation: object, constraints: Iterable[object] = ()) -> DeclaredType:
    """The type that an annotation in a generated module says. It is said nowhere else.

    `constraints` are further ones, as Pydantic keeps them of a field. Raises `AbiError` if no kind knows it.
    """
    return _Reader({})(annotation, constraints)


class _Reader:
    """Reads annotations inside records of circles, of each of which so many may still lie here."""

    def __init__(self, left: Mapping[Nesting, int]) -> None:
        self._left = left

    def __call__(self, annotation: object, constraints: Iterable[object] = ()) -> DeclaredType:
        said = Annotation.read(annotation, constraints)
        for each in KINDS.values():
            found: DeclaredType | None = each.read_annotation(said, self)
            if found is not None:
                return found
        raise AbiError(
            f"no type is annotated {said}",
            help="compile the module again with the `mpc build` of the installed microprompt",
        )

    def within(self, circle: Nesting) -> tuple[int, _Reader]:
        left = self._left.get(circle, circle.depth)
        return left, _Reader({**self._left, circle: left - 1})


def outlines_type(returns: DeclaredType, call: Mapping[str, object] | None = None) -> Any:
    """What to hand to `outlines.Generator(model, ...)` for the answers of a return type. Where it depends on
    a call, `call` has the arguments by name; without them it is the type of all that could be answered.

    The text that Outlines then gives is `Answer.to_json()["value"]`: the program's names in place of the
    labels that the model sees, and JSON for all that has parts and for optionals. Its language is finite but
    for patterns, which can't be cut to their 200 characters there; and a label of a set may come twice.
    """
    found = kind(returns) if call is None else kind(returns).given(call)
    return found.outlines()
