"""What all kinds of types have in common: the operations that the rest of the runtime asks for.

A kind is a declared type with everything that can be done with it. Nothing else in the runtime asks which
class a declared type is of, so a new type is one file beside this one, which has both, and a row in the table
of `types/__init__.py`.
What stands here without a body is for every kind to say; whoever forgets one hears of it from mypy.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from ..abi import Nesting
from ..errors import ArgumentError
from ..notation import arm_word, head, range_text
from .annotations import Annotation
from .grammar import Expression, Terminals, one_of
from .shown import behind, below
from .verdicts import Verdict

D = TypeVar("D", bound="DeclaredType")

Schema: TypeAlias = dict[str, object]
AnyKind: TypeAlias = "Kind[Any]"
KindOf: TypeAlias = "Callable[[DeclaredType], AnyKind]"


class DeclaredType:
    """A type as it was declared: frozen data, and hashable. What can be done with it, its kind knows."""

    __slots__ = ()


class TypeOf(Protocol):
    """What gives the types inside a type: `type_of`."""

    def __call__(self, annotation: object, constraints: Iterable[object] = ()) -> DeclaredType: ...

    def within(self, circle: Nesting) -> tuple[int, TypeOf]:
        """How many records of a circle may still lie here inside one another, and what gives the types inside
        the next one."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a value: its name in the program, the name the model sees, and its kind."""

    name: str
    label: str
    kind: AnyKind


@dataclass(frozen=True, slots=True)
class Arm:
    """One of the types that a union is of: its name in the program, the word that the model sees (`label`)
    and what that means; and the kind of what it holds. A literal is an arm of its own: it holds nothing, and
    its `value` is the whole of it."""

    name: str
    label: str
    description: str | None
    kind: AnyKind | None
    value: object = None


@dataclass(frozen=True, slots=True)
class Way:
    """How a text may go on where that is decided first: the `name` of the way, and the kind of what is
    written then between `before` and `after`, with a blank in front of it if anything is before. Without a
    kind, `before` is the whole text of `value`."""

    name: str
    kind: AnyKind | None
    before: str
    after: str = ""
    value: object = None


@dataclass(frozen=True, slots=True)
class Several:
    """Labels of which `least` to `most` are taken: each with what it stands for."""

    labels: tuple[tuple[object, str], ...]
    least: int
    most: int


class Kind(ABC, Generic[D]):
    """One declared type. `of` gives the kinds of the types inside it.

    Two notations of a value. *Plain* is for a value by itself: text without quotes, `yes` and `no`, an enum's
    label. *JSON* is for records, lists and what is in them. Both have the labels that the model sees in place
    of the program's names. *Data* is a value for other programs: what `json.dumps` takes, with the program's
    names.
    """

    def __init__(self, declared: D, of: KindOf) -> None:
        self.declared = declared
        self._of = of

    # ------------------------------------------------------------------------------ from generated modules

    @classmethod
    @abstractmethod
    def read_annotation(cls, annotation: Annotation, of: TypeOf) -> DeclaredType | None:
        """The declared type that a Python annotation says; `None` if it is not of this kind.

        `of` gives the types inside it. Every limit counts: a kind that does not know one leaves it alone.
        """

    # ------------------------------------------------------------------------------- for people, and checks

    @abstractmethod
    def describe(self) -> str:
        """The type in the notation of the language, e.g. `int(1..5)`."""

    @abstractmethod
    def check(self, value: object, where: str) -> object:
        """The value as the function uses it. Raises `ArgumentError` unless it is of the type, in depth."""

    @abstractmethod
    def options(self) -> tuple[object, ...] | None:
        """Every value of a type that is a choice, in order of declaration; `None` for other types."""

    @abstractmethod
    def meanings(self) -> Iterator[str]:
        """A line for each label or field that has a description."""

    @abstractmethod
    def fields(self) -> tuple[Part, ...]:
        """The parts that holes and separate slots can have; none for most types."""

    # --------------------------------------------------------------------------------------- in each call

    @abstractmethod
    def inside(self) -> tuple[AnyKind, ...]:
        """The kinds of the types inside it, all of them made by the `of` that made it."""

    @cached_property
    def depends_on(self) -> frozenset[str]:
        """The parameters on whose arguments it depends what a value of the type is; none for most types."""
        return frozenset(name for kind in self.inside() for name in kind.depends_on)

    @cached_property
    def chooses_from(self) -> frozenset[str]:
        """Those of these parameters whose items a value is one of."""
        return frozenset(name for kind in self.inside() for name in kind.chooses_from)

    @property
    def is_choice(self) -> bool:
        """Whether a value is one of options, which may be known in a call only."""
        return self.options() is not None

    def given(self, call: Mapping[str, object]) -> AnyKind:
        """The same type for the answer of one call, which depends on nothing any more; `call` has the checked
        arguments by name. Itself, where it does not depend on them.

        Raises `ArgumentError` for arguments that no answer can be made of, `NoAnswer` if they only leave
        none.
        """
        if not self.depends_on:
            return self
        of = self._of
        # What is given is made anew for each call, so `of`, which keeps kinds, never hears of it.
        return type(self)(self.declared, lambda inner: of(inner).given(call))

    def spans(self, value: object) -> tuple[tuple[int, int], ...]:
        """Where the copied texts of a value stand in the arguments that they were copied from: for each its
        start and its end, in characters."""
        return ()

    def outcome(self, value: object) -> Hashable:
        """An option as a key of a distribution: itself, where it can be one."""
        return value

    # -------------------------------------------------------------------------------------- assertions

    @cached_property
    def is_asserted(self) -> bool:
        """Whether anything is asserted of a value, or of a part of it."""
        return any(kind.is_asserted for kind in self.inside())

    def verdicts(self, value: object, place: str) -> Iterator[Verdict]:
        """What the assertions say of a checked value, the innermost first; `place` is where the value is."""
        assert not self.is_asserted, f"{self.describe()} does not tell what is asserted of its parts"
        return iter(())

    # ---------------------------------------------------------------------------------------- conditions

    @cached_property
    def has_keys_for_fields(self) -> bool:
        """Whether there are `TypedDict`s in it, whose fields are keys."""
        return any(kind.has_keys_for_fields for kind in self.inside())

    def with_attributes(self, value: object) -> object:
        """The value as generated conditions read it: all fields are attributes."""
        assert not self.has_keys_for_fields, f"{self.describe()} does not tell where its records are"
        return value

    # ------------------------------------------------------------------------------------------ to the model

    @abstractmethod
    def plain(self, value: object) -> str:
        """The text of a value by itself, as in a hole or after a cue."""

    @abstractmethod
    def json(self, value: object) -> str:
        """The text of a value inside a record or a list."""

    @abstractmethod
    def grammar(self, terminals: Terminals) -> Expression:
        """What the plain text of an answer may be, on one line."""

    @abstractmethod
    def json_grammar(self, terminals: Terminals) -> Expression:
        """What its JSON text may be."""

    def json_schema(self) -> Schema:
        """What its JSON text may be, for servers that take a JSON Schema. It is that of the data unless there
        are labels in it, or the two are written in other ways."""
        return self.schema(is_answer=True)

    # --------------------------------------------------------------------- to the model, in a hole

    def shown(self, value: object) -> str:
        """The text of a value in a hole. It is for reading, and need not be read back."""
        found = self.in_lines(value)
        return self.inline(value) if found is None else found

    def labelled(self, label: str, value: object) -> str:
        """That text as a field: behind its label or, where it is in lines, below it."""
        found = self.in_lines(value)
        return behind(label, self.inline(value)) if found is None else below(label, found)

    def inline(self, value: object) -> str:
        """That text where more text follows on its line."""
        return self.plain(value)

    def in_lines(self, value: object) -> str | None:
        """That text with a line for each part of the value, so that it starts on a line of its own; `None`
        where it has no such parts."""
        return None

    def is_short(self) -> bool:
        """Whether that text is a word or a number, so that several of them stand on one line."""
        return self.options() is not None

    def item(self) -> AnyKind | None:
        """What a value holds that has items, for loops and formats; `None` for other types."""
        return None

    def items(self, value: object) -> Sequence[object]:
        """The items, in order."""
        return ()

    def part(self, name: str) -> AnyKind:
        """The field of that name, in a hole."""
        return next(part.kind for part in self.fields() if part.name == name)

    # ---------------------------------------------------------------------------------------- from the model

    @abstractmethod
    def read_plain(self, text: str) -> object:
        """The value of a plain text. Raises `ValueError` on a text outside the type."""

    @abstractmethod
    def read_json(self, data: object) -> object:
        """The value of decoded JSON in the model's labels. Raises `ValueError` on data outside the type."""

    # ------------------------------------------------------------------------------------ for other programs

    @abstractmethod
    def to_data(self, value: object) -> object:
        """The value as data."""

    @abstractmethod
    def read_data(self, data: object, where: str) -> object:
        """The value of data. Raises `ArgumentError`; ranges are for `check`."""

    @abstractmethod
    def read_word(self, word: str, where: str) -> object:
        """The value of a word of a command line. Raises `ArgumentError`; ranges are for `check`."""

    @abstractmethod
    def schema(self, *, is_answer: bool = False) -> Schema:
        """The JSON Schema of the data: of all that the type has, with what its parts mean, or (`is_answer`)
        of what a model writes, which has an end even where the type is open."""

    @abstractmethod
    def outlines(self) -> Any:
        """The Python or Outlines type whose texts are the data."""

    # --------------------------------------------------------------------- the same for nearly all kinds

    def arms(self) -> tuple[Arm, ...]:
        """What the type is among the types of a union: one arm, called as the type is without its limits."""
        name = head(self.describe())
        return (Arm(name, arm_word(name), None, self),)

    def ways(self, *, is_json: bool) -> tuple[Way, ...]:
        """The ways in which a text of the type goes on, where which one is decided first; none for most
        types.

        What was decided is called as the value, and what the way holds `dotted(name, way.name)`.
        """
        return ()

    def nested(self) -> Mapping[str, int]:
        """How many records that contain themselves lie inside one another at most, by their names."""
        return {name: depth for kind in self.inside() for name, depth in kind.nested().items()}

    def only(self, names: Container[str]) -> tuple[DeclaredType, Callable[[object], object]]:
        """A type of the fields with these names and no others, and what makes a value of it out of one of
        this type; what has no fields is its own."""
        return self.declared, lambda value: value

    def first(self) -> AnyKind:
        """The kind of what is decided first: the value itself, or which way it goes on."""
        return self

    def way_of(self, value: object) -> Way | None:
        """The way that a value takes, of a type that has `ways`."""
        return None

    def has_keys(self) -> bool:
        """Whether there are objects in its JSON whose keys the model writes: none may be there twice."""
        return any(kind.has_keys() for kind in self.inside())

    def has_grammar(self) -> bool:
        """Whether a grammar of a program is in it, which does not say how long its texts are."""
        return any(kind.has_grammar() for kind in self.inside())

    def item_spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where each item begins and ends in the JSON text of a list; what follows that text does not matter.
        Nothing for other types."""
        return iter(())

    def is_free_text(self) -> bool:
        """Whether there are many ways to say a value, so that how probable each is says little of it."""
        return False

    def is_cut(self, value: object) -> bool:
        """Whether there is text in a value that ends where its bound is, so that there may have been more."""
        return False

    def key(self, value: object) -> str:
        """A value as a key of a JSON object: a string as it is, else its JSON text."""
        data = self.to_data(value)
        return data if isinstance(data, str) else json.dumps(data)

    def words(self, value: object) -> tuple[str, ...]:
        """What an option says by itself, for who compares texts: its label, and what that means. Nothing for
        numbers, for yes and no: what they are about, only the question says."""
        return ()

    def several(self) -> Several | None:
        """What several labels are taken of at once; `None` for most types."""
        return None

    def is_one_line(self) -> bool:
        """Whether the plain text of an answer has no line ends, so that one can tell where it is complete."""
        return True

    def take_apart(self, name: str, value: object) -> Iterator[tuple[str, object]]:
        """The values of the slots that a value called `name` is decoded in, by their dotted names."""
        way = self.way_of(value)
        yield name, value if way is None else way.name
        if way is not None and way.kind is not None:
            yield from way.kind.take_apart(dotted(name, way.name), value)

    def put_together(self, name: str, found: Mapping[str, object]) -> object:
        """The value called `name`, from the values of its slots. Raises `ValueError` if they do not fit."""
        way = next((way for way in self.ways(is_json=True) if way.name == found[name]), None)
        if way is None:
            return found[name]
        return way.value if way.kind is None else way.kind.put_together(dotted(name, way.name), found)

    def mismatch(self, value: object, where: str) -> ArgumentError:
        """The error for a Python value of another type."""
        return ArgumentError(f"{where} must be {self.describe()}, not {short(value)}")

    def unreadable(self, data: object, where: str) -> ArgumentError:
        """The error for data or a word of another type."""
        return ArgumentError(f"{where} must be {self.describe()}, not {short_data(data)}")

    def decoded_word(self, word: str, where: str) -> object:
        """The data of a word that is written as JSON."""
        try:
            return json.loads(word)
        except (ValueError, RecursionError) as error:
            raise ArgumentError(f"{where} must be {self.describe()}, written as JSON: {error}") from None


class Scalar(Kind[D]):
    """A type without parts and descriptions."""

    def inside(self) -> tuple[AnyKind, ...]:
        return ()

    def meanings(self) -> Iterator[str]:
        return iter(())

    def fields(self) -> tuple[Part, ...]:
        return ()


class Listed(Scalar[D]):
    """A type whose values can be listed, so that a grammar of it is one of their texts."""

    @abstractmethod
    def options(self) -> tuple[object, ...]: ...

    def grammar(self, terminals: Terminals) -> Expression:
        return one_of(map(self.plain, self.options()))

    def json_grammar(self, terminals: Terminals) -> Expression:
        return one_of(map(self.json, self.options()))

    def read_word(self, word: str, where: str) -> object:
        return self.read_data(word, where)


def short(value: object) -> str:
    """A value and its class, for messages."""
    return f"{type(value).__name__} {cut(repr(value))}"


def short_text(text: str) -> str:
    """A text in quotes, for messages."""
    return json.dumps(cut(text), ensure_ascii=False)


def short_data(data: object) -> str:
    """Data as JSON, for messages."""
    try:
        return cut(json.dumps(data, ensure_ascii=False))
    except RecursionError:  # it was read with more room on the stack than there is here
        return "what is nested so deeply"


def cut(text: str) -> str:
    """A text for messages, without its end if it is long."""
    return text if len(text) <= 60 else f"{text[:57]}..."


def dotted(name: str, field: str) -> str:
    """The name of a part of what is called `name`; the whole answer has no name."""
    return f"{name}.{field}" if name else field


def as_words(name: str) -> str:
    """A name in words: `card_arrival` as "card arrival"."""
    return " ".join(name.replace("_", " ").split())


def require_length(count: int, least: int, most: int | None, unit: str, where: str) -> None:
    """Raise `ArgumentError` unless there are `least` to `most` of something."""
    if count < least or (most is not None and count > most):
        raise ArgumentError(f"{where} has {count} {unit}; {range_text(least or None, most)} are allowed")


def open_ended(least: int, most: int | None, default: int) -> int:
    """The upper end of a length, where that is left open."""
    return max(default, least) if most is None else most
