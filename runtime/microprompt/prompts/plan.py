"""A return type becomes a decode plan: a tree of what is forced, chosen and written.

Nothing in a plan knows a model. Its leaves are the places that the model fills:

- a `Choice`, where the values can be listed. Nothing is generated: the labels are scored.
- a `Subset`, where several of them may be taken. Each label is asked for by itself.
- a `Guided` text, where they can't. A grammar masks every token.

Before all of them there may be `Reasoning`: free text, which is no part of the value.

A record is a `Chain`: forced text, then a leaf for each field with the forced text that follows it, so that
the model spends nothing on names and punctuation; where its fields are independent they are `SideBySide`. A
`Branch` is a choice that decides how the answer goes on: as which type of a union. Where text may be missing
there is no label to score against "none", for it may begin with anything: that is a `Maybe`.

Text that follows a leaf belongs to the leaf (`after`), not to a node of its own: a tokenizer joins the last
letters of a label and the punctuation behind it into one token, and a label's end is known by what follows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from ..answer import REASONING
from ..types import AnyKind, DeclaredType, kind
from ..types.base import Several, Way, dotted
from ..types.grammar import Terminals
from ..types.punctuation import RECORD_END, SPACE, TRUTH, decoded, field_lead, quoted

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
class Subset(Node):
    """Some of a few values, `least` to `most` of them.

    Each of the `flags` is of one value: the text that leads to it past all others, and what the model
    says then if the value is taken and if it is not. All of them begin at the same place. What is behind the
    whole node, goes on from its text, which has all flags.
    """

    name: str
    kind: AnyKind
    flags: tuple[Flag, ...]
    least: int
    most: int
    space: str
    after: str

    def texts(self, found: Found) -> Iterator[str]:
        taken = found[self.name]
        assert isinstance(taken, frozenset)
        for flag in self.flags:
            yield flag.lead + flag.said(flag.value in taken)
        yield f"{self.space}{self.kind.json(taken)}{self.after}"


@dataclass(frozen=True, slots=True)
class Flag:
    """Whether a label is in a set. `yes` and `no` have the text behind them, up to where the next label is
    decided."""

    value: object
    lead: str
    yes: str
    no: str

    def said(self, taken: bool) -> str:
        return self.yes if taken else self.no


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
class Reasoning(Node):
    """A scratchpad: free text of at most `most` tokens, up to where the pattern `end` matches. `after` stands
    behind it, and then the answer behind a `space`."""

    most: int
    end: str
    after: str
    space: str

    def texts(self, found: Found) -> Iterator[str]:
        yield f"{found[REASONING]}{self.after}"


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
class Maybe(Node):
    """Whether there is a text, which is decided first, and the text. `none` is what stands there without one,
    and `either` what may stand there at all: none or `some`."""

    name: str
    kind: AnyKind
    none: str
    either: Guided
    some: Guided

    def texts(self, found: Found) -> Iterator[str]:
        if self.some.name in found:
            return self.some.texts(found)
        return iter([self.none])


@dataclass(frozen=True, slots=True)
class Plan:
    """How an answer of a kind is decoded."""

    kind: AnyKind
    root: Node

    def value(self, found: Found) -> object:
        """The answer, from the value of every leaf. Raises `ValueError` if they make none."""
        return self.kind.put_together("", found)

    def texts(self, value: object, reasoning: str = "") -> tuple[str, ...]:
        """What a model writes to give a value, behind this reasoning if the plan has a place for it."""
        return tuple(self.root.texts({**dict(self.kind.take_apart("", value)), REASONING: reasoning}))


def make_plan(
    returns: DeclaredType,
    *,
    call: Mapping[str, object] | None = None,
    space: str = SPACE,
    before: str = "",
    independent: bool = False,
    reasoning: Reasoning | None = None,
) -> Plan:
    """The plan of a return type, for every call or for one, whose checked arguments `call` has by name.

    `space` is what separates the answer from the cue: a blank, or nothing where a chat turn begins. `before`
    is text of the prompt that is left for the answer to begin with. With `independent`, the fields of a
    record do not see one another. Before all of it comes the `reasoning`, which has a space of its own.

    Raises `ArgumentError` for arguments that no answer can be made of.
    """
    declared = kind(returns) if call is None else kind(returns).given(call)
    if reasoning is None:
        return Plan(declared, _root(declared, space, before, independent))
    return Plan(declared, Chain((reasoning, _root(declared, reasoning.space, "", independent))))


def _root(declared: AnyKind, space: str, before: str, independent: bool) -> Node:
    """The answer by itself."""
    # Of a record the brace tells the end. A text of several lines is complete where the model ends it: a line
    # end might be another one's.
    after = "\n" if declared.is_one_line() and not declared.fields() else ""
    lead, nodes = _joined(_pieces("", declared, space, is_json=False), after)
    if independent and len(leads := tuple(_leads(declared, space))) > 1:
        forced = (Forced(f"{before}{each}") for each in leads)
        return SideBySide(tuple(map(Chain, zip(forced, nodes, strict=True))))
    if before + lead:
        nodes = (Forced(before + lead), *nodes)
    return nodes[0] if len(nodes) == 1 else Chain(nodes)


@dataclass(frozen=True, slots=True)
class _Piece(ABC):
    """A part of an answer that is not forced, and the blank before it; it becomes a node once it is known
    what follows it."""

    name: str
    kind: AnyKind
    space: str
    is_json: bool

    @abstractmethod
    def node(self, after: str) -> Node: ...


class _Leaf(_Piece):
    """A value."""

    __slots__ = ()

    def node(self, after: str) -> Choice | Subset | Guided | Open:
        if self.kind.depends_on:
            return Open(self.name, self.kind, self.is_json, self.space, after)
        if several := self.kind.several():
            return self._subset(several, after)
        values = self.kind.options()
        if values is None:
            return Guided(self.name, self.kind, self.is_json, self.space, after)
        write = self.kind.json if self.is_json else self.kind.plain
        return Choice(
            self.name, self.kind, tuple((value, self.space + write(value)) for value in values), after
        )

    def _subset(self, several: Several, after: str) -> Subset:
        labels = several.labels
        behind = [field_lead(label, is_first=False) for _, label in labels[1:]] + [f"{RECORD_END}{after}"]
        flags = tuple(
            Flag(
                value,
                f"{self.space}{field_lead(label, is_first=True)}",
                f"{SPACE}{TRUTH[True]}{rest}",
                f"{SPACE}{TRUTH[False]}{rest}",
            )
            for (value, label), rest in zip(labels, behind, strict=True)
        )
        return Subset(self.name, self.kind, flags, several.least, several.most, self.space, after)


class _Fork(_Piece):
    """What goes on in one of several ways."""

    __slots__ = ()

    def node(self, after: str) -> Node:
        options: list[tuple[object, str]] = []
        arms: list[Node] = []
        for way in self.kind.ways(is_json=self.is_json):
            lead, nodes = _joined(self._pieces(way), after)
            if not lead and isinstance(first := _guided(nodes[0]), Guided):
                # It begins with no text of its own that could be scored.
                return self._maybe(first, after)
            options.append((way.name, lead))
            arms.append(Chain(nodes) if nodes else Forced(""))
        return Branch(Choice(self.name, self.kind.first(), tuple(options), ""), tuple(arms))

    def _maybe(self, some: Guided, after: str) -> Maybe:
        either = Guided(self.name, self.kind, self.is_json, self.space, after)
        (none,) = (way.before for way in self.kind.ways(is_json=self.is_json) if way.kind is None)
        return Maybe(self.name, self.kind.first(), f"{self.space}{none}{after}", either, some)

    def _pieces(self, way: Way) -> Iterator[str | _Piece]:
        if way.before:
            yield self.space + way.before
        if way.kind is not None:
            space = SPACE if way.before else self.space
            yield from _pieces(dotted(self.name, way.name), way.kind, space, is_json=self.is_json)
        if way.after:
            yield way.after


def _guided(node: Node) -> Node:
    """What may begin an answer that may as well be something else: of a set, its text."""
    if isinstance(node, Subset):
        return Guided(node.name, node.kind, True, node.space, node.after)
    return node


def _pieces(name: str, declared: AnyKind, space: str, *, is_json: bool) -> Iterator[str | _Piece]:
    """A value from left to right: forced text, and what the model decides."""
    if not declared.fields():
        ways = declared.ways(is_json=is_json)
        # What is missing or there, before it is known what can be there, is open as a whole.
        is_open = any(not way.before and way.kind is not None and way.kind.depends_on for way in ways)
        yield (_Fork if ways and not is_open else _Leaf)(name, declared, space, is_json)
        return
    yield space
    for place, field in enumerate(declared.fields()):
        yield field_lead(field.label, is_first=not place)
        yield from _pieces(dotted(name, field.name), field.kind, SPACE, is_json=True)
    yield RECORD_END


def _joined(pieces: Iterable[str | _Piece], end: str) -> tuple[str, tuple[Node, ...]]:
    """The forced text at the beginning, and the nodes, each with the text that follows it."""
    found: list[_Piece] = []
    texts = [""]
    for piece in pieces:
        if isinstance(piece, str):
            texts[-1] += piece
        else:
            found.append(piece)
            texts.append("")
    texts[-1] += end
    lead, *afters = texts
    return lead, tuple(piece.node(after) for piece, after in zip(found, afters, strict=True))


def _leads(record: AnyKind, before: str) -> Iterator[str]:
    """For each part of a record that has no fields, the text that leads to it past all others."""
    for field in record.fields():
        lead = f"{before}{field_lead(field.label, is_first=True)}"
        if field.kind.fields():
            yield from _leads(field.kind, f"{lead}{SPACE}")
        else:
            yield lead
