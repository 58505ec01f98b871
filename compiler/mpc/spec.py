"""What a generated module says, as plain data: Python expressions and the declarations made of them.

Nothing here is Python text yet; `mpc.codegen` writes it down.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
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
    function: Ref | Attribute
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


class Operation(ABC):
    """What conditions are made of, beside values and calls."""

    __slots__ = ()

    @property
    @abstractmethod
    def operands(self) -> tuple[Expr, ...]:
        """The expressions that it is made of, in the order of the text."""

    @property
    @abstractmethod
    def words(self) -> tuple[str, ...]:
        """The signs and names that it is made of beside them."""


@dataclass(frozen=True, slots=True)
class Attribute(Operation):
    """`of.name`, for what is no dotted name."""

    of: Expr
    name: str

    @property
    def operands(self) -> tuple[Expr, ...]:
        return (self.of,)

    @property
    def words(self) -> tuple[str, ...]:
        return (".", self.name)


@dataclass(frozen=True, slots=True)
class Infix(Operation):
    """`left sign right`, of numbers."""

    sign: str
    left: Expr
    right: Expr

    @property
    def operands(self) -> tuple[Expr, ...]:
        return (self.left, self.right)

    @property
    def words(self) -> tuple[str, ...]:
        return (self.sign,)


@dataclass(frozen=True, slots=True)
class Prefixed(Operation):
    """`-item` or `not item`."""

    sign: str
    item: Expr

    @property
    def operands(self) -> tuple[Expr, ...]:
        return (self.item,)

    @property
    def words(self) -> tuple[str, ...]:
        return (self.sign,)


@dataclass(frozen=True, slots=True)
class Compared(Operation):
    """`first < item <= item`, `first in item`, `first is not None`."""

    first: Expr
    rest: tuple[tuple[str, Expr], ...]

    @property
    def operands(self) -> tuple[Expr, ...]:
        return (self.first, *(item for _, item in self.rest))

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(sign for sign, _ in self.rest)


@dataclass(frozen=True, slots=True)
class Connected(Operation):
    """`a and b and c`, or with `or`."""

    word: str
    items: tuple[Expr, ...]

    @property
    def operands(self) -> tuple[Expr, ...]:
        return self.items

    @property
    def words(self) -> tuple[str, ...]:
        return (self.word,)


Targets: TypeAlias = tuple[str, ...]
"""What is assigned to: a name, or several that take what is in a tuple."""


@dataclass(frozen=True, slots=True)
class Comprehension(Operation):
    """`item for name in source for ...`: a list in brackets, or the one argument of a call."""

    item: Expr
    loops: tuple[tuple[Targets, Expr], ...]
    in_brackets: bool

    @property
    def operands(self) -> tuple[Expr, ...]:
        return (self.item, *(source for _, source in self.loops))

    @property
    def words(self) -> tuple[str, ...]:
        return ("for", *(name for names, _ in self.loops for name in names))


@dataclass(frozen=True, slots=True)
class Lambda(Operation):
    parameters: tuple[str, ...]
    value: Expr

    @property
    def operands(self) -> tuple[Expr, ...]:
        return (self.value,)

    @property
    def words(self) -> tuple[str, ...]:
        return ("lambda", *self.parameters)


@dataclass(frozen=True, slots=True)
class Awaited(Operation):
    """`await item`."""

    item: Expr

    @property
    def operands(self) -> tuple[Expr, ...]:
        return (self.item,)

    @property
    def words(self) -> tuple[str, ...]:
        return ("await",)


@dataclass(frozen=True, slots=True)
class Unpacked(Operation):
    """`*item`, among the arguments of a call."""

    item: Expr

    @property
    def operands(self) -> tuple[Expr, ...]:
        return (self.item,)

    @property
    def words(self) -> tuple[str, ...]:
        return ("*",)


_Operations: TypeAlias = (
    Attribute | Infix | Prefixed | Compared | Connected | Comprehension | Lambda | Awaited | Unpacked
)

Expr: TypeAlias = (
    Constant | Ref | CallOf | TupleOf | ListOf | DictOf | Subscript | OrNone | EitherOf | _Operations
)


# ------------------------------------------------------------------------------------------- statements


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignSpec:
    """`target: annotation = value`. Without a value it is the annotation alone; several targets have none.

    Where the arguments of a call are from several lines of the source, `parts` are those, and each argument
    stands on a line of its own.
    """

    targets: Targets
    annotation: Expr | None = None
    value: Expr | None
    line: int
    parts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DoSpec:
    """An expression by itself."""

    value: Expr
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmSpec:
    condition: Expr
    statements: tuple[StatementSpec, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IfSpec:
    """`if ...: elif ...: else:`; without statements in `otherwise` there is no `else`."""

    arms: tuple[ArmSpec, ...]
    otherwise: tuple[StatementSpec, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForSpec:
    targets: Targets
    each: Expr
    statements: tuple[StatementSpec, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WhileSpec:
    condition: Expr
    statements: tuple[StatementSpec, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnSpec:
    value: Expr
    line: int


StatementSpec: TypeAlias = AssignSpec | DoSpec | IfSpec | ForSpec | WhileSpec | ReturnSpec
"""A statement; `line` is the source's."""


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
    """A record: what it is, its fields, the words of itself and of those that have any, and what is asserted
    of it."""

    name: str
    description: str | None
    fields: tuple[FieldSpec, ...]
    own_words: Expr | None
    words: WordsSpec
    assertions: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class CircleSpec:
    """Records that contain themselves, and how many of them lie inside one another at most."""

    records: tuple[str, ...]
    depth: int


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
class ToolSpec:
    """A function of Python, and what is made of it."""

    name: str
    value: Expr


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSpec:
    """A flow: its signature, what it does in a thread and in tasks, and the table of all else."""

    name: str
    parameters: tuple[ParameterSpec, ...]
    returns: Expr
    docstring: str | None
    decorator: Ref
    statements: tuple[StatementSpec, ...]
    in_tasks: tuple[StatementSpec, ...]
    table: CallOf


@dataclass(frozen=True, slots=True)
class ModuleSpec:
    """A module. `types` stand in an order in which each can be executed; `digests` are of the classes
    and functions that users have written, by their names here. `runtime` are the names of `microprompt` that
    its expressions mean by themselves."""

    source: str
    docstring: str | None
    imports: tuple[ImportSpec, ...]
    exports: tuple[str, ...]
    digests: tuple[tuple[str, str], ...]
    models: tuple[ModelSpec, ...]
    types: tuple[TypeSpec, ...]
    circles: tuple[CircleSpec, ...]
    prompts: tuple[PromptSpec, ...]
    tools: tuple[ToolSpec, ...]
    flows: tuple[FlowSpec, ...]
    runtime: tuple[str, ...] = ()
