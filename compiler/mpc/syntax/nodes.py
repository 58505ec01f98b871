"""The syntax tree. Nouns, frozen, spans into the source; nothing here knows what a name means."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from ..source import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What every node has: the place it came from, which does not count when nodes are compared."""

    span: Span = field(compare=False, repr=False)


# ------------------------------------------------------------------------------------------------ words


@dataclass(frozen=True, slots=True, kw_only=True)
class Name(Node):
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Path(Node):
    """`a.b.c`; at least one name."""

    names: tuple[Name, ...]

    @property
    def text(self) -> str:
        return ".".join(name.text for name in self.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class StringValue(Node):
    """A string; `text` has its escapes resolved."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberValue(Node):
    """A number as it is written; the checker reads it, for it knows which kind is wanted."""

    text: str


# ------------------------------------------------------------------------------------------------ types


@dataclass(frozen=True, slots=True, kw_only=True)
class Range(Node):
    """`(low..high)`, either side may be open."""

    low: NumberValue | None
    high: NumberValue | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern(Node):
    """`(/regex/)`; `text` is the regular expression without its slashes."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedType(Node):
    """`int(1..5)`, `list[str]`, `Act`, `q.Act`."""

    path: Path
    arguments: tuple[TypeNode, ...]
    constraint: Range | Pattern | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiteralType(Node):
    value: StringValue


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionalType(Node):
    item: TypeNode


@dataclass(frozen=True, slots=True, kw_only=True)
class UnionType(Node):
    items: tuple[TypeNode, ...]


TypeNode: TypeAlias = NamedType | LiteralType | OptionalType | UnionType


# ----------------------------------------------------------------------------------------------- values


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference(Node):
    """A bare or qualified name: a member, `true`, `false`, `none`, a model."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument(Node):
    """`value` or `name=value`."""

    name: Name | None
    value: ValueNode


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordValue(Node):
    path: Path
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListValue(Node):
    items: tuple[ValueNode, ...]


ValueNode: TypeAlias = StringValue | NumberValue | Reference | RecordValue | ListValue


# ------------------------------------------------------------------------------------------- templates


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Node):
    """Literal text of a body, dedented, with `{{` and `}}` resolved."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole(Node):
    """`{name}` or `{name.field}`."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Template(Node):
    """A prompt's body. `english` is its text as written, dedented; `parts` alternate text and holes.

    `complete` is false when a hole could not be read and is missing from the parts.
    """

    english: str
    complete: bool
    parts: tuple[Text | Hole, ...]


# --------------------------------------------------------------------------------------- declarations


@dataclass(frozen=True, slots=True, kw_only=True)
class Docstring(Node):
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportModule(Node):
    path: Path
    alias: Name | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportNames(Node):
    path: Path
    names: tuple[Name, ...]


Import: TypeAlias = ImportModule | ImportNames


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting(Node):
    name: Name
    value: ValueNode


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDecl(Node):
    name: Name
    location: StringValue
    options: tuple[Setting, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeDecl(Node):
    name: Name
    type: TypeNode


@dataclass(frozen=True, slots=True, kw_only=True)
class Member(Node):
    name: Name
    label: StringValue | None
    description: StringValue | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumDecl(Node):
    name: Name
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field(Node):
    name: Name
    type: TypeNode
    default: ValueNode | None
    label: StringValue | None
    description: StringValue | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDecl(Node):
    name: Name
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter(Node):
    name: Name
    type: TypeNode
    default: ValueNode | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case(Node):
    """A line of `examples:` or `tests:`: the arguments of a call and the answer."""

    arguments: tuple[Argument, ...]
    answer: ValueNode


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples(Node):
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tests(Node):
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Using(Node):
    settings: tuple[Setting, ...]


Clause: TypeAlias = Examples | Tests | Using


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptDecl(Node):
    """A prompt. The parser attaches the clauses that follow it; each kind is there at most once."""

    name: Name
    parameters: tuple[Parameter, ...]
    returns: TypeNode
    body: Template
    clauses: tuple[Clause, ...] = ()


Declaration: TypeAlias = ModelDecl | TypeDecl | EnumDecl | RecordDecl | PromptDecl
Item: TypeAlias = Docstring | Import | Declaration | Clause


@dataclass(frozen=True, slots=True, kw_only=True)
class Module(Node):
    """A file. `broken` holds the names of declarations that could not be read, so that what uses them stays
    silent."""

    docstring: Docstring | None
    imports: tuple[Import, ...]
    declarations: tuple[Declaration, ...]
    broken: frozenset[str]
