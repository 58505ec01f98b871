"""The checked tree: what a file means, with every name resolved. Complete only when no error was reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ..source import Source
from .types import AliasType, EnumType, NamedType, RecordType, Type, Value


@dataclass(frozen=True, slots=True)
class Model:
    """A model; `location` is a registered name or a path relative to the folder of `origin`."""

    origin: str
    name: str
    location: str
    context: int | None = None
    layout: str | None = None


@dataclass(frozen=True, slots=True)
class PromptName:
    """A prompt, as far as other files see it."""

    name: str


@dataclass(frozen=True, slots=True)
class Broken:
    """Stands for a declaration that has been reported; whatever uses it stays silent."""


Symbol: TypeAlias = EnumType | RecordType | AliasType | Model | PromptName | Broken


@dataclass(frozen=True, slots=True)
class CheckedImport:
    """`import path [as alias]`, or `from path import names` when there are any.

    `python` is the Python module that the imported file becomes; where files lie is not for the checker to
    know, so it is told afterwards.
    """

    path: str
    alias: str | None
    names: tuple[str, ...]
    module: CheckedModule | None
    python: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    type: Type
    has_default: bool
    default: Value


@dataclass(frozen=True, slots=True)
class Hole:
    """The parameter that fills the hole, then the record fields on the way."""

    parameter: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """The arguments in the order of the parameters, defaults filled in."""

    arguments: tuple[Value, ...]
    answer: Value
    line: int


@dataclass(frozen=True, slots=True)
class Using:
    model: Model | None = None
    temperature: float | None = None
    seed: int | None = None
    timeout: float | None = None
    max_tokens: int | None = None
    independent: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt; `english` is its body as written, `parts` the same with its holes told apart."""

    name: str
    line: int
    english: str
    parts: tuple[str | Hole, ...]
    parameters: tuple[Parameter, ...]
    returns: Type
    examples: tuple[Case, ...]
    tests: tuple[Case, ...]
    using: Using


@dataclass(frozen=True, slots=True)
class CheckedModule:
    """A file. `types` are its own, each after those it needs; `exports` is what other files may import."""

    source: Source
    docstring: str | None
    imports: tuple[CheckedImport, ...]
    models: tuple[Model, ...]
    types: tuple[NamedType, ...]
    prompts: tuple[Prompt, ...]
    exports: Mapping[str, Symbol]
