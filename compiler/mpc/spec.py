"""What a generated module says, as plain data: Python expressions and the declarations made of them.

Nothing here is Python text yet; `mpc.codegen` writes it down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

# ------------------------------------------------------------------------------------------ expressions


@dataclass(frozen=True, slots=True)
class Constant:
    """A string, a number, `True`, `False` or `None`."""

    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Ref:
    """A dotted name."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallOf:
    function: Ref
    arguments: tuple[Expr, ...] = ()
    keywords: tuple[tuple[str, Expr], ...] = ()


@dataclass(frozen=True, slots=True)
class TupleOf:
    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Subscript:
    """`list[str]`, `Annotated[int, Field(ge=1)]`."""

    of: Ref
    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class OrNone:
    """`item | None`."""

    item: Expr


@dataclass(frozen=True, slots=True)
class EitherOf:
    """`Weather | Mail`; at least two."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class DictOf:
    """`{"a": 1}`."""

    entries: tuple[tuple[str, Expr], ...]


Expr: TypeAlias = Constant | Ref | CallOf | TupleOf | ListOf | DictOf | Subscript | OrNone | EitherOf


# ----------------------------------------------------------------------------------------- declarations


@dataclass(frozen=True, slots=True)
class ImportSpec:
    """`from module import name [as alias], ...`; `import module [as alias]` when there are no names."""

    module: tuple[str, ...]
    names: tuple[tuple[str, str | None], ...] = ()
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class ModelSpec:
    constant: str
    value: Expr


@dataclass(frozen=True, slots=True)
class AliasSpec:
    name: str
    annotation: Expr


WordsSpec: TypeAlias = tuple[tuple[str, Expr], ...]
"""What the model is told of members or fields beside their names, by these."""


@dataclass(frozen=True, slots=True)
class EnumSpec:
    """An enum: what it is, its members with their descriptions, and the words of itself and of those that
    have any."""

    name: str
    description: str | None
    members: tuple[tuple[str, str | None], ...]
    own_words: Expr | None
    words: WordsSpec


@dataclass(frozen=True, slots=True)
class FieldSpec:
    name: str
    annotation: Expr
    default: Expr | None
    description: str | None


@dataclass(frozen=True, slots=True)
class RecordSpec:
    """A record: what it is, its fields, and the words of itself and of those that have any."""

    name: str
    description: str | None
    fields: tuple[FieldSpec, ...]
    own_words: Expr | None
    words: WordsSpec


TypeSpec: TypeAlias = AliasSpec | EnumSpec | RecordSpec


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    name: str
    annotation: Expr
    default: Expr | None


@dataclass(frozen=True, slots=True)
class PromptSpec:
    """A prompt: its signature, its text for people, and how the model is asked."""

    name: str
    parameters: tuple[ParameterSpec, ...]
    returns: Expr
    english: str
    body: Expr


@dataclass(frozen=True, slots=True)
class ModuleSpec:
    """A module. `types` stand in an order in which each can be executed."""

    source: str
    docstring: str | None
    imports: tuple[ImportSpec, ...]
    exports: tuple[str, ...]
    models: tuple[ModelSpec, ...]
    types: tuple[TypeSpec, ...]
    prompts: tuple[PromptSpec, ...]
