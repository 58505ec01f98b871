"""A return type becomes a decode plan: a tree of what is forced, chosen and written.

Nothing in a plan knows a model. Its leaves are the places that the model fills:

- a `Choice`, where the values can be listed. Nothing is generated: the labels are scored.
- a `Guided` text, where they can't. A grammar masks every token.

A record is a `Chain`: forced text, then a leaf for each field with the forced text that follows it, so that
the model spends nothing on names and punctuation; where its fields are independent they are `SideBySide`. A
`Branch` is a choice that decides how the answer goes on.

Text that follows a leaf belongs to the leaf (`after`), not to a node of its own: a tokenizer joins the last
letters of a label and the punctuation behind it into one token, and a label's end is known by what follows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from ..types import AnyKind, DeclaredType, kind
from ..types.grammar import Terminals
from ..types.punctuation import RECORD_END, SPACE, decoded, field_lead, quoted
from ..types.records import dotted

Found = Mapping[str, object]
"""The value of every leaf, by its dotted name ("" for the whole answer)."""


class Node(ABC):
    """A part of a plan."""

    @abstractmethod
    def texts(self, found: Found) -> Iterator[str]:
        """What a model writes to give these values: one text, or one for each that is side by side."""


@dataclass(frozen=True, slots=True)
class Forced(Node):
    """Text that is always there."""

    text: str

    def texts(self, found: Found) -> Iterator[str]:
        yield self.text


@dataclass(frozen=True, slots=True)
class Choice(Node):
    """A value among a few; `options` holds each value with its text, the space before it included."""

    name: str
    kind: AnyKind
    options: tuple[tuple[object, str], ...]
    after: str

    def texts(self, found: Found) -> Iterator[str]:
        yield next(text for value, text in self.options if value == found[self.name]) + self.after


@dataclass(frozen=True, slots=True)
class Guided(Node):
    """A text of a kind's grammar, after `space`: in JSON if it `is_json`, else as it is by itself."""

    name: str
    kind: AnyKind
    is_json: bool
    space: str
    after: str

    def texts(self, found: Found) -> Iterator[str]:
        write = self.kind.json if self.is_json else self.kind.plain
        yield f"{self.space}{write(found[self.name])}{self.after}"

    def value(self, text: str) -> object:
        """The value of what was written. Raises `ValueError` if it is not of the type."""
        text = text.removeprefix(self.space).removesuffix(self.after)
        return self.kind.read_json(decoded(text)) if self.is_json else self.kind.read_plain(text)

    def grammar(self) -> str:
        """The whole text as a Lark grammar."""
        terminals = Terminals()
        write = self.kind.json_grammar if self.is_json else self.kind.grammar
        start = f"start: {quoted(self.space)} {write(terminals).lark} {quoted(self.after)}"
        return "\n".join(["%llguidance {}", start, *terminals.lines(), ""])


@dataclass(frozen=True, slots=True)
class Open(Node):
    """A value of which it is known at the call what it can be. It takes the place of a `Choice` or a `Guided`
    in the plan of a program, and one of these takes its place in the plan of each call."""

    name: str
    kind: AnyKind
    is_json: bool
    space: str
    after: str

    def texts(self, found: Found) -> Iterator[str]:
        write = self.kind.json if self.is_json else self.kind.plain
        yield f"{self.space}{write(found[self.name])}{self.after}"


@dataclass(frozen=True, slots=True)
class Chain(Node):
    """Parts one after the other, each seeing those before it."""

    parts: tuple[Node, ...]

    def texts(self, found: Found) -> Iterator[str]:
        return map("".join, product(*(part.texts(found) for part in self.parts)))


@dataclass(frozen=True, slots=True)
class SideBySide(Node):
    """Parts that all begin at the same place and do not see one another."""

    parts: tuple[Node, ...]

    def texts(self, found: Found) -> Iterator[str]:
        for part in self.parts:
            yield from part.texts(found)


@dataclass(frozen=True, slots=True)
class Branch(Node):
    """A choice, and for each of its options how the answer goes on behind that option's text."""

    choice: Choice
    arms: tuple[Node, ...]

    def texts(self, found: Found) -> Iterator[str]:
        values = [value for value, _ in self.choice.options]
        arm = self.arms[values.index(found[self.choice.name])]
        return Chain((self.choice, arm)).texts(found)


@dataclass(frozen=True, slots=True)
class Plan:
    """How an answer of a kind is decoded."""

    kind: AnyKind
    root: Node

    def value(self, found: Found) -> object:
        """The answer, from the value of every leaf. Raises `ValueError` if they make none."""
        return self.kind.put_together("", found)

    def texts(self, value: object) -> tuple[str, ...]:
        """What a model writes to give a value."""
        return tuple(self.root.texts(dict(self.kind.take_apart("", value))))


def make_plan(
    returns: DeclaredType,
    *,
    call: Mapping[str, object] | None = None,
    space: str = SPACE,
    before: str = "",
    independent: bool = False,
) -> Plan:
    """The plan of a return type, for every call or for one, whose checked arguments `call` has by name.

    `space` is what separates the answer from the cue: a blank, or nothing where a chat turn begins. `before`
    is text of the prompt that is left for the answer to begin with. With `independent`, the fields of a
    record do not see one another.

    Raises `ArgumentError` for arguments that no answer can be made of.
    """
    declared = kind(returns) if call is None else kind(returns).given(call)
    if not declared.fields():
        # A text of several lines is complete where the model ends it: a line end might be another one's.
        after = "\n" if declared.is_one_line() else ""
        leaf = _leaf("", declared, space, after, is_json=False)
        return Plan(declared, Chain((Forced(before), leaf)) if before else leaf)
    leaves: list[tuple[str, AnyKind]] = []
    texts = [""]
    for piece in _pieces("", declared, f"{before}{space}"):
        if isinstance(piece, str):
            texts[-1] += piece
        else:
            leaves.append(piece)
            texts.append("")
    nodes = [
        _leaf(name, found, SPACE, after, is_json=True)
        for (name, found), after in zip(leaves, texts[1:], strict=True)
    ]
    if not independent:
        return Plan(declared, Chain((Forced(texts[0]), *nodes)))
    leads = map(Forced, _leads(declared, f"{before}{space}"))
    return Plan(declared, SideBySide(tuple(map(Chain, zip(leads, nodes, strict=True)))))


def _leaf(name: str, declared: AnyKind, space: str, after: str, *, is_json: bool) -> Choice | Guided | Open:
    if declared.depends_on:
        return Open(name, declared, is_json, space, after)
    values = declared.options()
    if values is None:
        return Guided(name, declared, is_json, space, after)
    write = declared.json if is_json else declared.plain
    return Choice(name, declared, tuple((value, space + write(value)) for value in values), after)


def _pieces(name: str, record: AnyKind, before: str) -> Iterator[str | tuple[str, AnyKind]]:
    """A record from left to right: forced text, and the name and kind of each leaf."""
    yield before
    for place, field in enumerate(record.fields()):
        yield field_lead(field.label, is_first=not place)
        inner = dotted(name, field.name)
        if field.kind.fields():
            yield from _pieces(inner, field.kind, SPACE)
        else:
            yield inner, field.kind
    yield RECORD_END


def _leads(record: AnyKind, before: str) -> Iterator[str]:
    """For each leaf of a record, the text that leads to it past all others."""
    for field in record.fields():
        lead = f"{before}{field_lead(field.label, is_first=True)}"
        if field.kind.fields():
            yield from _leads(field.kind, f"{lead}{SPACE}")
        else:
            yield lead
