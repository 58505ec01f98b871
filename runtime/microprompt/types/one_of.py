"""`one of options`, `one of tools by name`: an item of a list that is an argument."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

from ..abi import DEFAULT_STR_LENGTH, MAX_OPTIONS
from ..errors import ArgumentError, NoAnswer
from ..notation import one_of, optional
from .annotations import Annotation
from .arguments import argument_at, held, parameter_of
from .base import AnyKind, DeclaredType, Kind, KindOf, Part, Schema, TypeOf, as_words, short, short_text
from .grammar import Expression, Terminals, one_terminal
from .punctuation import quoted
from .schemas import json_schema
from .text import StrKind, StrType
from .verdicts import Verdict

_ANY: Final = StrType(min_length=1, max_length=DEFAULT_STR_LENGTH)
"""What an option may be: words that the model answers with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOfType(DeclaredType):
    """One of the items of the list in the argument `source`: texts, or records by the text of their field
    `by`."""

    source: str
    item: DeclaredType
    by: str | None = None


class OneOfKind(Kind[OneOfType]):
    """By itself any item: which there are is known at the call. The model answers with an item's *label*: the
    item itself, or the field that records are told apart by."""

    def __init__(self, declared: OneOfType, of: KindOf) -> None:
        super().__init__(declared, of)
        self._item = of(declared.item)
        self._label = StrKind(_ANY, of)

    @classmethod
    def read_annotation(cls, annotation: Annotation, of: TypeOf) -> OneOfType | None:
        if "one of" not in annotation.limits or not annotation.has_only("one of"):
            return None
        marker = annotation.limits["one of"]
        return OneOfType(source=marker.source, by=marker.by, item=of(annotation.python))

    def describe(self) -> str:
        return one_of(self.declared.source, self.declared.by)

    def check(self, value: object, where: str) -> object:
        return self._item.check(value, where)

    def options(self) -> tuple[object, ...] | None:
        return None

    @property
    def is_choice(self) -> bool:
        return True

    def meanings(self) -> Iterator[str]:
        return iter(())

    def fields(self) -> tuple[Part, ...]:
        return ()

    def inside(self) -> tuple[AnyKind, ...]:
        return (self._item,)

    def verdicts(self, value: object, place: str) -> Iterator[Verdict]:
        return self._item.verdicts(value, place)

    def with_attributes(self, value: object) -> object:
        return self._item.with_attributes(value)

    @cached_property
    def depends_on(self) -> frozenset[str]:
        return frozenset((parameter_of(self.declared.source),))

    @cached_property
    def chooses_from(self) -> frozenset[str]:
        return self.depends_on

    def given(self, call: Mapping[str, object]) -> AnyKind:
        items = argument_at(self.declared.source, call)
        assert isinstance(items, (list, tuple))
        return GivenOneOfKind(self.declared, self._of, items)

    def label(self, value: object) -> str:
        """What the model answers with for an item."""
        return str(value if self.declared.by is None else held(value, self.declared.by))

    def outcome(self, value: object) -> Hashable:
        return self.label(value)

    def key(self, value: object) -> str:
        return value if isinstance(value, str) else self.label(value)

    def words(self, value: object) -> tuple[str, ...]:
        """The label in words, and what else the record says of itself in texts."""
        if self.declared.by is None:
            return (as_words(self.label(value)),)
        parts = {part.name: held(value, part.name) for part in self._item.fields()}
        said = (part for name, part in parts.items() if name != self.declared.by and isinstance(part, str))
        return (as_words(self.label(value)), *(text for text in said if text.strip()))

    def plain(self, value: object) -> str:
        return self.label(value)

    def json(self, value: object) -> str:
        return quoted(self.label(value))

    def grammar(self, terminals: Terminals) -> Expression:
        return self._label.grammar(terminals)

    def json_grammar(self, terminals: Terminals) -> Expression:
        return self._label.json_grammar(terminals)

    def read_plain(self, text: str) -> object:
        return self.read_json(text)

    def read_json(self, data: object) -> object:
        raise ValueError(f"{data!r} is an item that only the call knows")

    def to_data(self, value: object) -> object:
        return self._item.to_data(value)

    def read_data(self, data: object, where: str) -> object:
        return self._item.read_data(data, where)

    def read_word(self, word: str, where: str) -> object:
        return self._item.read_word(word, where)

    def schema(self, *, is_answer: bool = False) -> Schema:
        return self._item.schema(is_answer=is_answer)

    def outlines(self) -> Any:
        return self._item.outlines()


class GivenOneOfKind(OneOfKind):
    """One of items that are known: a choice."""

    def __init__(self, declared: OneOfType, of: KindOf, items: Sequence[object]) -> None:
        super().__init__(declared, of)
        self._where = f"argument `{declared.source}`"
        self._values = tuple(items)
        if not items:
            raise NoAnswer(
                f"{self._where} is empty, and the answer is one of its items",
                help=f"give it an item, or let the answer be none: `{optional(self.describe())}`",
            )
        if len(items) > MAX_OPTIONS:
            raise ArgumentError(
                f"{self._where} has {len(items):,} items; an answer is one of {MAX_OPTIONS:,} at most",
                help="choose a group first, then one of its items",
            )
        self._by_label = self._told_apart()

    def _told_apart(self) -> dict[str, object]:
        """The items by their labels. Raises `ArgumentError` for one that no model could answer with."""
        found: dict[str, object] = {}
        places: dict[str, int] = {}
        for place, value in enumerate(self._values):
            label = self.label(value)
            where = f"{self._where}[{place}]" + ("" if self.declared.by is None else f".{self.declared.by}")
            if problem := _problem(label):
                raise ArgumentError(
                    f"{where} is no word to answer with: {problem}: {short_text(label)}",
                    help="an option is one line of 1 to 200 characters, without blanks around it",
                )
            if label in found:
                raise ArgumentError(
                    f"{where} is {short_text(label)}, and so is item {places[label]}",
                    help="leave one of the two out",
                )
            found[label] = value
            places[label] = place
        return found

    @cached_property
    def depends_on(self) -> frozenset[str]:
        return frozenset()

    def check(self, value: object, where: str) -> object:
        checked = super().check(value, where)
        if not self._has(checked):
            raise ArgumentError(
                f"{where} is no item of {self._where}: {short(checked)}",
                help=f"it is one of {self._where}, such as {short_text(self.label(self._values[0]))}",
            )
        return checked

    def _has(self, value: object) -> bool:
        label = self.label(value)
        return label in self._by_label and self._by_label[label] == value

    def options(self) -> tuple[object, ...]:
        return self._values

    def grammar(self, terminals: Terminals) -> Expression:
        return one_terminal(map(self.plain, self._values), terminals)

    def json_schema(self) -> Schema:
        return {"enum": list(self._by_label)}

    def json_grammar(self, terminals: Terminals) -> Expression:
        return one_terminal(map(self.json, self._values), terminals)

    def read_json(self, data: object) -> object:
        if not isinstance(data, str) or data not in self._by_label:
            raise ValueError(f"{data!r} is no item of {self._where}")
        return self._by_label[data]

    def schema(self, *, is_answer: bool = False) -> Schema:
        return {"enum": [self.to_data(value) for value in self._values]}

    def outlines(self) -> Any:
        if self.declared.by is None:
            return Literal[tuple(self._by_label)]
        return json_schema(self.schema(is_answer=True))


def _problem(label: str) -> str | None:
    """Why a text can't be an option."""
    if not label.strip():
        return "it is empty"
    if label != label.strip():
        return "there is a blank around it"
    if len(label) > DEFAULT_STR_LENGTH:
        return f"it has {len(label)} characters"
    if not label.isprintable() and any(char < " " or char in "\x7f\x85\u2028\u2029" for char in label):
        return "it has a line end or another control character"
    return None
