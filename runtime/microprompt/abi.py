"""The contract between generated modules and the runtime: frozen data, standard library only.

A generated module builds these values and nothing else; the runtime reads them. Any change of shape raises
`ABI_VERSION`, and a module compiled for another version refuses to load.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias, TypeVar

from .errors import AbiError

ABI_VERSION: Final = 2

DEFAULT_STR_LENGTH: Final = 200
"""The most characters of an answer's text without a declared bound, and of what a pattern matches."""

DEFAULT_LIST_COUNT: Final = 16
"""The most items of an answer's list without a declared bound."""

INT_DIGITS: Final = 15
"""The most digits of a number before the point, where its range leaves that open."""

FLOAT_DIGITS: Final = 6
"""The most digits of an answer's number behind the point."""

E = TypeVar("E", bound=type[StrEnum])
C = TypeVar("C", bound=type[object])


# ------------------------------------------------------------------------------------------------ types


@dataclass(frozen=True, slots=True, kw_only=True)
class StrType:
    """Text of `min_length` to `max_length` characters, or text that matches `pattern` as a whole."""

    min_length: int = 0
    max_length: int | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntType:
    """An integer from `minimum` to `maximum`, both included; `None` leaves that side open."""

    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatType:
    """A decimal number from `minimum` to `maximum`, both included; `None` leaves that side open."""

    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoolType:
    """True or false."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiteralType:
    """One of a few fixed strings."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumType:
    """A member of an enum class that `members` has marked."""

    python: type[StrEnum]

    @property
    def members(self) -> tuple[Member, ...]:
        found: tuple[Member, ...] = self.python.__dict__["__mp_members__"]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordType:
    """An instance of a record class that `fields` has marked."""

    python: type[object]

    @property
    def fields(self) -> tuple[RecordField, ...]:
        found: tuple[RecordField, ...] = self.python.__dict__["__mp_fields__"]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ListType:
    """A list of `min_count` to `max_count` items."""

    item: Type
    min_count: int = 0
    max_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionalType:
    """`item`, or none."""

    item: Type


Type: TypeAlias = (
    StrType | IntType | FloatType | BoolType | LiteralType | EnumType | RecordType | ListType | OptionalType
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An enum member: its name in the program and the word the model sees (`label`)."""

    name: str
    label: str
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordField:
    """A record's field: its name in the program and the name the model sees (`label`)."""

    name: str
    label: str
    type: Type
    description: str | None = None


def members(*found: Member) -> Callable[[E], E]:
    """Mark an enum class with what the model sees of it; one `Member` for each, in order."""

    def mark(cls: E) -> E:
        type.__setattr__(cls, "__mp_members__", found)
        return cls

    return mark


def fields(*found: RecordField) -> Callable[[C], C]:
    """Mark a record class with what the model sees of it; one `RecordField` for each, in order."""

    def mark(cls: C) -> C:
        type.__setattr__(cls, "__mp_fields__", found)
        return cls

    return mark


# --------------------------------------------------------------------------------------------- programs


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """A place in the body that an argument fills: the parameter, then the record fields on the way."""

    parameter: str
    path: tuple[str, ...] = ()


Part: TypeAlias = str | Hole


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter; `required` is false when the generated `def` gives it a default."""

    name: str
    type: Type
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """Arguments in the order of the parameters, the answer, and the line of the source."""

    arguments: tuple[object, ...]
    answer: object
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model: a registered name, or the path of a `.gguf` file relative to the generated module.

    `context` is a limit in tokens for one call; `layout` is "plain" or "chat". `None` leaves both to what
    the registry knows of the model.
    """

    name: str
    context: int | None = None
    layout: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Using:
    """A prompt's settings. `timeout` is in seconds; temperature 0 takes the most probable answer."""

    model: Model | None = None
    temperature: float = 0.0
    seed: int | None = None
    timeout: float | None = None
    max_tokens: int | None = None
    independent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A prompt function, laid out: what comes before the arguments, what holds them, and the cue.

    `instruction` is the body before the paragraph of the first hole, `input` the rest, `cue` the words that
    the answer follows. `source` is the `.mp` file, relative to the project, and `line` the prompt's line.
    """

    name: str
    source: str
    line: int
    instruction: str
    input: tuple[Part, ...]
    cue: str
    parameters: tuple[Parameter, ...]
    returns: Type
    examples: tuple[Example, ...] = ()
    tests: tuple[Example, ...] = ()
    using: Using = Using()


def require(version: int, source: str) -> None:
    """Refuse to load a module that was compiled from `source` for another version of this contract."""
    if version != ABI_VERSION:
        raise AbiError(
            f"the module compiled from {source} is made for ABI {version}; "
            f"this microprompt has ABI {ABI_VERSION}",
            help="compile it again with the `mpc build` of the installed microprompt",
        )
