"""What every kind of type can do, and what the kinds are given to do it with.

A kind is a class in a file of its own. `Type` lists the operations; a class that lacks one cannot be
instantiated, and mypy refuses it. Nothing else in the compiler asks which kind a type is of.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final, Protocol, TypeAlias, TypeVar, assert_never

from microprompt.notation import arm_word, head

from ..diagnostics import InternalError, Reporter
from ..source import Span
from ..spec import Expr, Ref, TypeSpec
from ..syntax import nodes
from .operands import Numeric, Sort

T = TypeVar("T")

Value: TypeAlias = object
"""A value that was checked. Each kind has its own form of it, which `read` makes and `value` takes apart.

`None` is the missing value of an optional type, and stands for what has been reported: a program with errors
goes no further, so nobody looks at that.
"""

WORDS: Final = ("true", "false", "none")
"""The values that are written as bare words."""


NUMBERS: Final = "numbers"
"""The family of all whose values Python and JSON take for one another: 1 is 1.0."""


@dataclass(frozen=True, slots=True)
class Dependence:
    """An argument that an answer depends on: `way` is the parameter, then the record fields on the way, as in
    `doc.body`. The answer is a part of its text or, where `is_list`, one of its items: a text, or a record of
    the type `record`, which is called `named`."""

    way: str
    is_list: bool = False
    named: str | None = None
    record: NamedType | None = field(default=None, compare=False, repr=False)


class Naming(Protocol):
    """How the module that is being generated calls what it did not define itself."""

    def named(self, type: NamedType) -> Ref:
        """A type with a name; it is imported if need be."""
        ...

    def function(self, origin: str, name: str) -> Ref:
        """What is called, of the file or Python module `origin`; it is imported if need be."""
        ...

    def imported(self, module: str, name: str) -> Ref:
        """A name of Python's standard library that no program can declare; it is imported."""
        ...

    def library(self, module: str, alias: str) -> Ref:
        """A module of Python's standard library under an alias that no program declares; it is imported."""
        ...

    def is_taken(self, name: str) -> bool:
        """Whether the module means something by a name, so that no variable should have it."""
        ...

    def builtin(self, name: str) -> Ref:
        """A function of Python that needs no import, unless the program means something else by its name."""
        ...

    def runtime(self, name: str) -> Ref:
        """A name of `microprompt`; it is imported, under another where the program has one like it."""
        ...


class Type(ABC):
    """A type, resolved and finite."""

    __slots__ = ()

    # ------------------------------------------------------------------------------------- in messages

    @abstractmethod
    def describe(self) -> str:
        """The type as it is written in a program."""

    @abstractmethod
    def hint(self) -> str:
        """How a value of the type is written, for somebody who wrote something else."""

    # ------------------------------------------------------------------------------------- in programs

    @abstractmethod
    def read(self, node: nodes.ValueAst, reading: Reading) -> Value:
        """The value that is written there; reported, and `None`, where it is none of this type."""

    @property
    @abstractmethod
    def depth(self) -> int:
        """How many types with names are inside one another in this one."""

    @abstractmethod
    def allows_none(self, mark: nodes.OptionalTypeAst, called: str, reporter: Reporter) -> bool:
        """Whether `?` makes another type of this one; a `?` that cannot stand there is reported."""

    @property
    @abstractmethod
    def operand(self) -> Operand:
        """What the values are in expressions."""

    @property
    @abstractmethod
    def is_asserted(self) -> bool:
        """Whether something must hold of a value, or of a part of it."""

    @abstractmethod
    def unfold(self, value: Value) -> object:
        """A value for expressions: fields by name, defaults included; items in a tuple; else as it is."""

    @property
    @abstractmethod
    def has_fields(self) -> bool:
        """Whether an answer is a row of fields, which may be answered independently of one another."""

    @abstractmethod
    def field(self, name: nodes.Name, way: str, called: str, reporter: Reporter) -> Type:
        """The type of a field, in a hole that has come as far as `way`.

        Reported, and the error type, where there is no such field. `called` is how the program calls this
        type.
        """

    def part(self, value: Value, name: str) -> tuple[Type, Value] | None:
        """A field of a value with its type; `None` where there is none, or where it has been reported."""
        return None

    @property
    def is_text(self) -> bool:
        """Whether a value is text, which another can be copied from."""
        return False

    @property
    def stands_alone(self) -> bool:
        """Whether an answer can only be a value of the type by itself, not inside a record or a list."""
        return False

    @property
    def item_type(self) -> Type | None:
        """Of what type the items of a value are, which another can be one of; `None` for what is no list."""
        return None

    @property
    def fixed(self) -> frozenset[str | int] | None:
        """The values themselves, of literals; `None` for other types."""
        return None

    @property
    def made_of(self) -> tuple[tuple[str, Type, bool], ...] | None:
        """What a value is made of where a program calls its type: names, types, and whether there is a
        default. `None` for what is not made so."""
        return None

    # ---------------------------------------------------------------------------------------- in unions

    @property
    def alternatives(self) -> tuple[Type, ...]:
        """The types that a union is of; any other type is of itself alone."""
        return (self,)

    @property
    def family(self) -> str:
        """What its values are in Python and in JSON: of two types of one family nothing tells of which of
        them a value is."""
        return head(self.describe())

    @property
    def strings(self) -> frozenset[str] | None:
        """The strings that its values are in JSON; `None` for any."""
        return frozenset()

    @property
    def is_string(self) -> bool:
        """Whether values are strings in JSON, such as a listed one or one of some form."""
        return self.strings != frozenset()

    @property
    def keys(self) -> tuple[frozenset[str], frozenset[str]] | None:
        """The keys that its data has and those that it may have, if it is an object."""
        return None

    @property
    def labels(self) -> tuple[str, ...]:
        """The words under which the model sees it among the types of a union."""
        return (arm_word(head(self.describe())),)

    # --------------------------------------------------------------------------------------- the answer

    @property
    @abstractmethod
    def depends_on(self) -> frozenset[Dependence]:
        """The arguments on which it depends what an answer of the type is."""

    @property
    @abstractmethod
    def options(self) -> int | None:
        """How many values a choice is made among; `None` for a type whose values are not listed."""

    @property
    @abstractmethod
    def has_choices(self) -> bool:
        """Whether the type, or something inside it, is a choice."""

    @property
    @abstractmethod
    def may_be_none(self) -> bool:
        """Whether none is among the values."""

    def free_texts(self, value: Value, name: str = "") -> Iterator[tuple[str, str]]:
        """The texts in an answer that the model may write as it likes, by dotted names below `name`."""
        return iter(())

    @property
    def ends(self) -> bool:
        """Whether there is a value, of records that contain themselves: one that ends within their depth."""
        return True

    @property
    @abstractmethod
    def longest(self) -> int:
        """The most characters of an answer."""

    @property
    def likely_longest(self) -> int:
        """The most characters that an argument is taken to have: the default bounds of answers are none of
        its."""
        return self.longest

    @property
    def most_items(self) -> int | None:
        """How many items a value may have; `None` for any number, and for what has none."""
        return None

    @abstractmethod
    def within(self, limit: int) -> str | None:
        """How to bound the type so that an answer has at most `limit` characters; `None` where no bound can.

        A piece of a sentence: "write `str(..100)`".
        """

    # ------------------------------------------------------------------------------- in generated Python

    @abstractmethod
    def annotation(self, naming: Naming) -> Expr:
        """The type as type checkers, Pydantic and the runtime read it. It is said nowhere else."""

    @abstractmethod
    def value(self, value: Value, naming: Naming) -> Expr:
        """A value that `read` has given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """What the values of a type are in expressions.

    `type` is the type without its bounds, which literals beside the value are read as. `item` is the type of
    what a list holds. `can_be_empty` is true for what counts as nothing when nothing is in it, `may_be_none`
    where the value may be missing.
    """

    type: Type
    sort: Sort
    is_ordered: bool = False
    numeric: Numeric | None = None
    item: Type | None = None
    can_be_empty: bool = False
    may_be_none: bool = False

    @property
    def is_collection(self) -> bool:
        return self.item is not None and self.sort is not Sort.UNKNOWN

    def compares_with(self, other: Operand) -> bool:
        """Whether equality of the two means anything."""
        if Sort.UNKNOWN in (self.sort, other.sort):
            return True
        if self.sort is not other.sort or self.sort is Sort.RECORD:
            return False
        if self.sort in (Sort.MEMBER, Sort.MOMENT):
            return self.type == other.type
        if self.item is not None and other.item is not None:
            return self.item.operand.compares_with(other.item.operand)
        return not self.mixes_with(other)

    def mixes_with(self, other: Operand) -> bool:
        """Whether one is exact and the other is not: a decimal and a float."""
        return {self.numeric, other.numeric} == {Numeric.DECIMAL, Numeric.FLOAT}


class Simple(Type):
    """A kind whose values are not made of other values."""

    __slots__ = ()

    @property
    def depends_on(self) -> frozenset[Dependence]:
        return frozenset()

    @property
    def depth(self) -> int:
        return 0

    def allows_none(self, mark: nodes.OptionalTypeAst, called: str, reporter: Reporter) -> bool:
        return True

    @property
    def is_asserted(self) -> bool:
        return False

    def unfold(self, value: Value) -> object:
        return value

    @property
    def has_fields(self) -> bool:
        return False

    def field(self, name: nodes.Name, way: str, called: str, reporter: Reporter) -> Type:
        return no_field(name, way, called, reporter)

    @property
    def has_choices(self) -> bool:
        return self.options is not None

    @property
    def may_be_none(self) -> bool:
        return False

    def within(self, limit: int) -> str | None:
        return None


class BuiltinType(Type):
    """A kind that programs call by a word of the language: `str(..80)`, `list[Act](1..3)`."""

    __slots__ = ()

    takes_source: ClassVar[bool] = False
    """Whether a parameter may stand behind the word, as in `span(text)`."""

    @classmethod
    @abstractmethod
    def written(cls, node: nodes.NamedTypeAst, items: tuple[Type, ...], reporter: Reporter) -> Type:
        """The type that a notation means; `items` are its type arguments. What is wrong is reported."""


PYTHON: Final = "python "
"""How the origin of a type begins that Python declares: behind it is the module, and after a colon the class
that it is inside. The path of a source ends in another way."""


@dataclass(frozen=True, slots=True)
class NamedType(Type):
    """A type that a declaration gives its name; `origin` is the path of the source file that has it."""

    origin: str
    name: str
    span: Span = field(compare=False, repr=False, kw_only=True)

    @abstractmethod
    def definition(self, naming: Naming) -> TypeSpec:
        """The declaration in the generated module."""

    def constrained(self, node: nodes.NamedTypeAst, reporter: Reporter) -> Type | None:
        """The type with what stands behind its name; `None` for one behind whose name nothing may stand."""
        return None

    def instead_of_constraint(self, called: str) -> str:
        """What to do about a range or pattern behind the name."""
        return "leave the parentheses out"

    @property
    def in_circle(self) -> Circle | None:
        """The circle of records that it is in, if it is one of those that contain themselves."""
        return None

    @property
    def resolved(self) -> Type:
        """The type behind the name, where that is only a name."""
        return self


class Circle:
    """The records of a circle, which come in as they are read, and its depth.

    What depends on the depth is asked of a record in a walk through its fields: each record of the circle on
    the way takes one level, and what lies behind the last is as if it were not there.
    """

    def __init__(self, names: frozenset[str], depth: int) -> None:
        self.names = names
        self.depth = depth
        self.records: dict[str, NamedType] = {}
        self.depends_on: frozenset[Dependence] = frozenset()
        self.has_choices = False
        self._left = depth
        self._known: dict[tuple[str, str, int], object] = {}

    def add(self, record: NamedType, depends_on: frozenset[Dependence], *, has_choices: bool) -> None:
        """A record of the circle, with what it says of itself but for the others."""
        self.records[record.name] = record
        self.depends_on |= depends_on
        self.has_choices |= has_choices

    def walk(self, question: str, record: NamedType, ask: Callable[[], T], behind: T) -> T:
        """What is asked of a record where the walk is; `behind` is the answer behind the last level."""
        if self._left == 0:
            return behind
        key = (question, record.name, self._left)
        if key not in self._known:
            self._left -= 1
            try:
                self._known[key] = ask()
            finally:
                self._left += 1
        return self._known[key]  # type: ignore[return-value]  # each question has answers of one type


@dataclass(frozen=True, slots=True)
class ErrorType(Type):
    """Stands for a type that has been reported; whatever meets it stays silent."""

    def describe(self) -> str:
        return "?"

    def hint(self) -> str:
        return "mend the type first"

    def read(self, node: nodes.ValueAst, reading: Reading) -> Value:
        return None

    @property
    def depth(self) -> int:
        return 0

    def allows_none(self, mark: nodes.OptionalTypeAst, called: str, reporter: Reporter) -> bool:
        return False

    @property
    def operand(self) -> Operand:
        return Operand(type=self, sort=Sort.UNKNOWN, item=self, can_be_empty=True)

    @property
    def is_asserted(self) -> bool:
        return True  # it may have been meant to be

    def unfold(self, value: Value) -> object:
        return value

    @property
    def has_fields(self) -> bool:
        return True  # it may have been meant to

    def field(self, name: nodes.Name, way: str, called: str, reporter: Reporter) -> Type:
        return self

    @property
    def options(self) -> int | None:
        return 0  # a choice that may be none, for it may have been meant to be

    @property
    def depends_on(self) -> frozenset[Dependence]:
        return frozenset()

    @property
    def is_text(self) -> bool:
        return True

    @property
    def item_type(self) -> Type | None:
        return self

    @property
    def has_choices(self) -> bool:
        return True

    @property
    def may_be_none(self) -> bool:
        return True

    @property
    def longest(self) -> int:
        return 0

    def within(self, limit: int) -> str | None:
        return None

    def annotation(self, naming: Naming) -> Expr:
        raise _unlowered()

    def value(self, value: Value, naming: Naming) -> Expr:
        raise _unlowered()


def _unlowered() -> InternalError:
    return InternalError("lower", "a type with an error")


def no_field(name: nodes.Name, way: str, called: str, reporter: Reporter, *, because: str = "") -> ErrorType:
    """Report a hole that asks for a field of something without fields."""
    reporter.report(
        "MP0403",
        name.span,
        f"`{way}` has no fields",
        label=f"it is `{called}`, not a record",
        help=f"{because}write `{{{way}}}` for the whole value",
    )
    return ErrorType()


# ---------------------------------------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True)
class Broken:
    """Stands for a declaration that has been reported; whatever uses it stays silent."""


class Names(Protocol):
    """Where the names in values are looked up."""

    def lookup(self, path: nodes.Path) -> object | None:
        """What is declared there: a type, `Broken`, or something that is no type; `None` for nothing."""
        ...

    def type_names(self) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A place where a value of the type `wanted` is written.

    `call` has the arguments of an example, with their types, where its answer stands; `None` elsewhere.

    `is_answer` is true for what the model would have to produce, where the default bounds hold too. It would
    produce it as plain text when it `stands_alone`, outside records and lists; and the word "none" is taken
    when it `may_be_none`.
    """

    names: Names
    reporter: Reporter
    wanted: Type
    is_answer: bool = False
    stands_alone: bool = True
    may_be_none: bool = False
    call: Mapping[str, tuple[Type, Value]] | None = None

    def read(self, node: nodes.ValueAst) -> Value:
        return self.wanted.read(node, self)

    def of(self, wanted: Type) -> Reading:
        """The same place for another type: what is optional here."""
        return replace(self, wanted=wanted, may_be_none=True)

    def inside(self, wanted: Type) -> Reading:
        """A place inside the value: a field or an item."""
        return replace(self, wanted=wanted, stands_alone=False, may_be_none=False)

    # -------------------------------------------------------------------------------------- refusing

    def mismatch(self, node: nodes.ValueAst) -> Value:
        """Report a value of another kind than is wanted here; what stands for the value."""
        if isinstance(node, nodes.ReferenceAst) and node.path.text not in WORDS:
            found = self.names.lookup(node.path)
            qualifier = node.path.qualifier
            if isinstance(found, Broken):
                return None
            if found is None and (qualifier is None or self.names.lookup(qualifier) is None):
                return self.unknown_name(node.path)
        return self.other_kind(node)

    def other_kind(self, node: nodes.ValueAst) -> Value:
        """The same, whatever a name in it means."""
        self.reporter.report(
            "MP0503",
            node.span,
            f"expected `{self.wanted.describe()}`, found {_kind(node)}",
            label=f"this is {_kind(node)}",
            help=self.wanted.hint(),
        )
        return None

    def unknown_name(self, path: nodes.Path) -> Value:
        """Report a name that nothing has; what stands for the value."""
        self.reporter.report(
            "MP0506",
            path.span,
            f"unknown name `{path.text}`",
            label="nothing with this name is in scope",
            help=self.reporter.suggestion(path.text, (*self.names.type_names(), *WORDS))
            or f'write a string in quotes: `"{path.text}"`',
        )
        return None

    def outside(self, span: Span, problem: str, help: str) -> Value:
        """Report a value of the right kind that the type does not allow; what stands for the value."""
        self.reporter.report(
            "MP0504", span, "the value is outside its range", label=f"this {problem}", help=help
        )
        return None

    def check_size(
        self, span: Span, size: int, low: int | None, high: int | None, default: int, unit: str
    ) -> None:
        """Report a size out of bounds; `default` is the upper bound that an answer has in any case."""
        if high is None and self.is_answer:
            high = max(default, low or 0)
        if low is not None and size < low:
            self.outside(span, f"has {size} {unit}", f"write at least {low}")
        elif high is not None and size > high:
            self.outside(span, f"has {size} {unit}", f"write at most {high}")


def _kind(node: nodes.ValueAst) -> str:
    match node:
        case nodes.StringAst():
            return "a string"
        case nodes.NumberAst():
            return "a whole number" if node.text.lstrip("+-").isdigit() else "a number with a fraction"
        case nodes.ReferenceAst():
            return f"`{node.path.text}`"
        case nodes.RecordAst():
            return f"a `{node.path.text}`"
        case nodes.MomentAst():
            return "a date with a time" if "T" in node.text else f"a {'time' if ':' in node.text else 'date'}"
        case nodes.ListAst():
            return "a list"
        case nodes.SetAst():
            return "a set"
        case nodes.DictAst():
            return "a dict" if node.entries else "empty braces"
        case _:
            assert_never(node)
