"""What the model reads in the parts of a body that are not the same in every call."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias, assert_never, cast

from .. import abi
from ..program import Program
from ..types import AnyKind, kind
from ..types.arguments import held
from ..types.shown import NOTHING

Fixed: TypeAlias = str | abi.Turn
"""A part that every call has."""

Shows: TypeAlias = abi.Hole | abi.PromptCall | abi.Format
"""A part that shows one value."""

OpenPart: TypeAlias = Shows | abi.If | abi.For
"""A part that a call fills."""

_GAP: Final = 2
"""The most line ends in a row where a block begins or ends: one blank line."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A piece of a prompt. `of` is the parameter that it is the text of, `None` for text of the program.
    `part` is what a call has filled it in for, `None` for what every call has there."""

    text: str
    of: str | None = None
    part: OpenPart | None = None


class Callee(Protocol):
    """A prompt function that is called in a body."""

    @property
    def program(self) -> Program: ...


def callee(call: abi.PromptCall) -> Callee:
    """The prompt function that is called."""
    return cast(Callee, call.prompt)


@dataclass(frozen=True, slots=True)
class NestedCall:
    """A call of another prompt, with its arguments."""

    callee: Callee
    arguments: Mapping[str, object]

    @property
    def name(self) -> str:
        """What the answer is called among the arguments of the prompt that calls. No parameter is called so,
        and calls with other arguments are not."""
        kinds = {each.name: kind(each.type) for each in self.callee.program.parameters}
        data = {name: kinds[name].to_data(value) for name, value in self.arguments.items()}
        return f"{self.callee.program.source}:{self.callee.program.name}({json.dumps(data)})"


@dataclass(frozen=True, slots=True)
class Bindings:
    """The values that holes show: those of parameters, and inside loops of items. `origins` are the
    parameters that items come from. The answers of calls are there by `NestedCall.name`."""

    kinds: Mapping[str, AnyKind]
    values: Mapping[str, object]
    origins: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, program: Program, arguments: Mapping[str, object]) -> Bindings:
        """The bindings of a call's arguments."""
        return cls({each.name: kind(each.type) for each in program.parameters}, arguments)

    def value(self, hole: abi.Hole | abi.PromptCall) -> tuple[AnyKind, object]:
        """What a hole shows, and of which kind it is."""
        if isinstance(hole, abi.PromptCall):
            return kind(callee(hole).program.returns), self.values[self.call(hole).name]
        return _inside(self.kinds[hole.parameter], self.values[hole.parameter], hole.path)

    def for_conditions(self, name: str) -> object:
        """A value as conditions read it."""
        return self.kinds[name].with_attributes(self.values[name])

    def call(self, call: abi.PromptCall) -> NestedCall:
        """A call with the arguments that it has here."""
        arguments = {
            name: self.value(given)[1] if isinstance(given, abi.Hole) else given
            for name, given in call.arguments
        }
        return NestedCall(callee(call), arguments)

    def origin(self, name: str) -> str:
        """The parameter that a name stands for, or for an item of."""
        return self.origins.get(name, name)

    def inner(self, loop: abi.For) -> Iterator[Bindings]:
        """The bindings of each round of a loop."""
        found, items = self.value(loop.each)
        item = found.item()
        assert item is not None, "the compiler lets loops go through lists only"
        for each in found.items(items):
            yield Bindings(
                {**self.kinds, loop.variable: item},
                {**self.values, loop.variable: each},
                {**self.origins, loop.variable: self.origin(loop.each.parameter)},
            )


def _hole_text(part: Shows, bindings: Bindings, *, ends_line: bool) -> tuple[str, bool]:
    """What the model reads in a hole, and whether that begins a line of its own. With `ends_line`, nothing
    follows on the line."""
    if not isinstance(part, abi.Format):
        found, value = bindings.value(part)
        below = found.in_lines(value) if ends_line else None
        return (found.inline(value), False) if below is None else (below, True)
    found, value = bindings.value(part.hole)
    item, items = found.item(), found.items(value)
    if value is None or (item is not None and not items):
        return NOTHING, False
    if item is None:
        return _formatted(part.parts, found, value, 1), False
    lines = (_formatted(part.parts, item, each, number) for number, each in enumerate(items, 1))
    return "\n".join(lines), True


def _formatted(
    parts: Sequence[str | abi.Place | abi.Numbering], found: AnyKind, value: object, number: int
) -> str:
    text = ""
    for part in parts:
        match part:
            case str():
                text += part
            case abi.Numbering():
                text += str(number)
            case abi.Place():
                inner, shown = _inside(found, value, part.path)
                text += inner.inline(shown)
            case _:
                assert_never(part)
    return text


def _inside(found: AnyKind, value: object, path: Sequence[str]) -> tuple[AnyKind, object]:
    for name in path:
        value = held(value, name)
        found = found.part(name)
    return found, value


# ------------------------------------------------------------------------------------------------ blocks


class _Writer:
    """Writes parts one after another. Line ends wait for what follows them, so that blocks leave no gaps:
    where one begins or ends there is at most one blank line, and none before or behind everything."""

    def __init__(self, before: str, waiting: int) -> None:
        self.written: list[Filled] = []
        self._before = before
        self._waiting = waiting
        self._at_edge = False

    def text(self, text: str, part: OpenPart | None) -> None:
        """Text of the program."""
        core = text.strip("\n")
        self._waiting += len(text) - len(text.lstrip("\n"))
        if self._at_edge:
            self._waiting = min(self._waiting, _GAP)
        if core:
            self._write(Filled(core, None, part))
            self._waiting = len(text) - len(text.rstrip("\n"))

    def argument(self, part: Shows, bindings: Bindings, top: OpenPart, *, ends_line: bool) -> None:
        """What a hole shows."""
        hole = part.hole if isinstance(part, abi.Format) else part
        of = hole.text if isinstance(hole, abi.PromptCall) else bindings.origin(hole.parameter)
        text, begins_line = _hole_text(part, bindings, ends_line=ends_line)
        if begins_line and not self._waiting and self._before not in ("", "\n"):
            text = f"\n{text}"
        self._write(Filled(text, of, top))

    def edge(self) -> None:
        """A block begins or ends here."""
        self._at_edge = True

    def end(self) -> None:
        """All is written."""
        if not self._at_edge:
            self._write(Filled(""))

    def _write(self, piece: Filled) -> None:
        if self._waiting and self._before:
            self.written.append(Filled("\n" * self._waiting, None, piece.part))
            self._before = "\n"
        self.written.append(piece)
        self._before = piece.text[-1:] or self._before or " "
        self._waiting = 0
        self._at_edge = False


def fill(
    parts: Sequence[abi.Part], bindings: Bindings, *, before: str = "", waiting: int = 0
) -> list[Filled]:
    """The pieces of parts. `before` is the last character of what stands before them, with `waiting` line
    ends behind it; "" where nothing does."""
    writer = _Writer(before, waiting)
    for place, part in enumerate(parts):
        ends_line = _ends_line(parts, place, True)
        _fill(part, bindings, writer, None if isinstance(part, Fixed) else part, ends_line)
    writer.end()
    return writer.written


def _ends_line(parts: Sequence[abi.Part], place: int, outside: bool) -> bool:
    """Whether a line ends behind one of the parts; `outside`, whether one ends behind all of them."""
    if place + 1 == len(parts):
        return outside
    behind = parts[place + 1]
    return isinstance(behind, str) and behind.startswith("\n")


def merged(pieces: Iterable[Filled]) -> Iterator[Filled]:
    """The pieces with neighbouring text of the program as one, so that it is tokenised together, and without
    blanks of the program before line ends."""
    text = ""
    for piece in pieces:
        if piece.text.startswith("\n"):
            text = text.rstrip(" ")
        if piece.of is None:
            text += piece.text
            continue
        if text:
            yield Filled(text)
        text = ""
        yield piece
    if text:
        yield Filled(text)


def _fill(part: abi.Part, bindings: Bindings, writer: _Writer, top: OpenPart | None, ends_line: bool) -> None:
    match part:
        case str():
            writer.text(part, top)
        case abi.Hole() | abi.PromptCall() | abi.Format():
            assert top is not None
            writer.argument(part, bindings, top, ends_line=ends_line)
        case abi.If():
            _fill_block(_taken(part, bindings), bindings, writer, top, ends_line)
        case abi.Turn():
            pass  # turns are told apart before their parts are filled
        case abi.For():
            for inner in bindings.inner(part):
                _fill_block(part.parts, inner, writer, top, ends_line=False)
            writer.edge()
        case _:
            assert_never(part)


def _fill_block(
    parts: Sequence[abi.Part], bindings: Bindings, writer: _Writer, top: OpenPart | None, ends_line: bool
) -> None:
    writer.edge()
    for place, part in enumerate(parts):
        _fill(part, bindings, writer, top, _ends_line(parts, place, ends_line))
    writer.edge()


def _taken(part: abi.If, bindings: Bindings) -> Sequence[abi.Part]:
    for arm in part.arms:
        if arm.when.holds(*map(bindings.for_conditions, arm.when.names)):
            return arm.parts
    return part.otherwise


# ------------------------------------------------------------------------------------------------- calls


def calls_of(parts: Sequence[abi.Part], bindings: Bindings) -> Iterator[NestedCall]:
    """The calls of other prompts whose answers a call shows."""
    for part in parts:
        match part:
            case abi.PromptCall():
                yield bindings.call(part)
            case abi.Format(hole=abi.PromptCall() as call):
                yield bindings.call(call)
            case abi.If():
                yield from calls_of(_taken(part, bindings), bindings)
            case abi.For():
                for inner in bindings.inner(part):
                    yield from calls_of(part.parts, inner)
            case str() | abi.Hole() | abi.Format() | abi.Turn():
                pass
            case _:
                assert_never(part)


def callees_of(parts: Sequence[abi.Part]) -> Iterator[abi.PromptCall]:
    """The calls that may come to be made, as they are written."""
    for part in parts:
        match part:
            case abi.PromptCall():
                yield part
            case abi.Format(hole=abi.PromptCall() as call):
                yield call
            case abi.If():
                for arm in part.arms:
                    yield from callees_of(arm.parts)
                yield from callees_of(part.otherwise)
            case abi.For():
                yield from callees_of(part.parts)
            case str() | abi.Hole() | abi.Format() | abi.Turn():
                pass
            case _:
                assert_never(part)


# ---------------------------------------------------------------------------------------------- as written


def written(part: abi.Part) -> str:
    """A part as a program has it, more or less: for people."""
    match part:
        case str():
            return part
        case abi.Hole():
            return f"{{{_name(part)}}}"
        case abi.PromptCall():
            return f"{{{part.text}}}"
        case abi.Format():
            return f'{{{_name(part.hole)}: "{"".join(map(_place, part.parts))}"}}'
        case abi.Turn():
            return f"@{part.role}\n"
        case abi.If():
            arms = [
                f"{{{word} {arm.when.text}}}{''.join(map(written, arm.parts))}"
                for word, arm in zip(("if", *("elif",) * len(part.arms)), part.arms, strict=False)
            ]
            other = f"{{else}}{''.join(map(written, part.otherwise))}" if part.otherwise else ""
            return f"{''.join(arms)}{other}{{end}}"
        case abi.For():
            inside = "".join(map(written, part.parts))
            return f"{{for {part.variable} in {_name(part.each)}}}{inside}{{end}}"
        case _:
            assert_never(part)


def _name(hole: abi.Hole | abi.PromptCall) -> str:
    if isinstance(hole, abi.PromptCall):
        return hole.text
    return ".".join((hole.parameter, *hole.path))


def _place(part: str | abi.Place | abi.Numbering) -> str:
    match part:
        case str():
            return part
        case abi.Numbering():
            return "{#}"
        case abi.Place():
            return f"{{{'.'.join(part.path)}}}"
        case _:
            assert_never(part)
