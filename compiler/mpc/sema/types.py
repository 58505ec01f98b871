"""Types and values as the checker knows them: resolved, finite, and comparable.

A record's fields are part of its type, so a complete type needs no table to be understood. `origin` is the
path of the source file that declares a named type.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

DEFAULT_MAX_CHARACTERS: Final = 200
"""The length of a string without an upper bound; the runtime's `DEFAULT_STR_LENGTH`, held equal by a test."""

DEFAULT_MAX_ITEMS: Final = 16
"""The count of a list without an upper bound; the runtime's `DEFAULT_LIST_COUNT`, held equal by a test."""

MAX_DEPTH: Final = 32
"""How many named types may be inside one another; every walk over types recurses on them."""

MAX_DECIMALS: Final = 6
"""The digits of a number behind the point, the runtime's `FLOAT_DIGITS`."""

MAX_NUMBER: Final = 10**15 - 1
"""The largest bound of a number: 15 digits, the runtime's `INT_DIGITS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrType:
    low: int | None = None
    high: int | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntType:
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatType:
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class BoolType:
    pass


@dataclass(frozen=True, slots=True)
class LiteralType:
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Member:
    name: str
    label: str
    description: str | None


@dataclass(frozen=True, slots=True)
class EnumType:
    origin: str
    name: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """`default` counts only when `has_default` is true: none is a default too."""

    name: str
    label: str
    type: Type
    description: str | None
    has_default: bool = False
    default: Value = None


@dataclass(frozen=True, slots=True)
class RecordType:
    """`depth` counts the named types inside one another, itself included."""

    origin: str
    name: str
    fields: tuple[Field, ...]
    depth: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListType:
    item: Type
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class OptionalType:
    item: Type


@dataclass(frozen=True, slots=True)
class AliasType:
    """A type by the name that `type` gave it."""

    origin: str
    name: str
    target: Type
    depth: int


@dataclass(frozen=True, slots=True)
class ErrorType:
    """Stands for a type that has been reported; whatever meets it stays silent."""


NamedType: TypeAlias = EnumType | RecordType | AliasType
Type: TypeAlias = (
    StrType
    | IntType
    | FloatType
    | BoolType
    | LiteralType
    | EnumType
    | RecordType
    | ListType
    | OptionalType
    | AliasType
    | ErrorType
)


def resolved(type: Type) -> Type:
    """The type behind an alias."""
    while isinstance(type, AliasType):
        type = type.target
    return type


def depth(type: Type) -> int:
    """How many named types are inside one another in this type."""
    match type:
        case AliasType() | RecordType():
            return type.depth
        case ListType() | OptionalType():
            return depth(type.item)
        case _:
            return 0


def describe(type: Type) -> str:
    """The type as it is written in a program."""
    match type:
        case StrType(pattern=str(pattern)):
            return f"str(/{pattern}/)"
        case StrType():
            return f"str{_range(type.low, type.high)}"
        case IntType():
            return f"int{_range(type.low, type.high)}"
        case FloatType():
            return f"float{_range(type.low, type.high)}"
        case BoolType():
            return "bool"
        case LiteralType():
            return " | ".join(f'"{value}"' for value in type.values)
        case ListType():
            return f"list[{describe(type.item)}]{_range(type.low, type.high)}"
        case OptionalType(LiteralType() as item):
            return f"({describe(item)})?"
        case OptionalType():
            return f"{describe(type.item)}?"
        case EnumType() | RecordType() | AliasType():
            return type.name
        case ErrorType():
            return "?"


def _range(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return ""
    return f"({'' if low is None else low}..{'' if high is None else high})"


# ----------------------------------------------------------------------------------------------- values


@dataclass(frozen=True, slots=True)
class EnumValue:
    type: EnumType
    member: str


@dataclass(frozen=True, slots=True)
class RecordValue:
    """The fields that were written, in the order of the declaration."""

    type: RecordType
    fields: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class ListValue:
    items: tuple[Value, ...]


Value: TypeAlias = "str | int | float | bool | EnumValue | RecordValue | ListValue | None"
