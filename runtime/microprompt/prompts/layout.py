"""A program becomes a sequence of segments, in the order the model reads them.

    instruction   the body before the paragraph of the first hole, and what the labels mean
    shots         each example: input block, cue, answer
    input block   from the first hole's paragraph on
    cue           the words that the answer follows

All that does not depend on the arguments comes first (the *prefix*, kept in the KV cache); what follows the
arguments is as short as it can be, for it is paid at every call. Text of the program and text of an argument
stay apart as segments, for only the first may hold a model's control tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from .. import abi
from ..types.values import plain


@dataclass(frozen=True, slots=True)
class Literal:
    """Text of the program or of the model's template; control tokens in it are real."""

    text: str


@dataclass(frozen=True, slots=True)
class Argument:
    """Text of an example's argument; control tokens in it stay text."""

    text: str


Segment: TypeAlias = Literal | Argument | abi.Hole
"""A hole is filled at the call, with text that is treated like an `Argument`'s."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation; `role` is "system", "user" or "assistant"."""

    role: str
    segments: tuple[Segment, ...]


Template: TypeAlias = Callable[[Sequence[Message]], Iterable[Segment]]
"""A model's chat template: turns -> segments that end where the assistant's next turn begins."""


def lay_out(program: abi.Program, template: Template | None = None) -> tuple[Segment, ...]:
    """The prompt with its holes open: running text without a template, else one turn for each shot."""
    return tuple(_joined(_turns(program, template) if template else _running_text(program)))


def hole_text(program: abi.Program, hole: abi.Hole, arguments: Mapping[str, object]) -> str:
    """What the model reads in a hole."""
    value = arguments[hole.parameter]
    declared = next(p.type for p in program.parameters if p.name == hole.parameter)
    for name in hole.path:
        assert isinstance(declared, abi.RecordType)
        value = getattr(value, name)
        declared = next(field.type for field in declared.fields if field.name == name)
    return plain(value, declared)


def _running_text(program: abi.Program) -> Iterator[Segment]:
    if head := _instruction(program):
        yield Literal(head + "\n\n")
    for example in program.examples:
        yield from _shot(program, example)
        yield Literal(f" {plain(example.answer, program.returns)}\n\n")
    yield from _question(program)


def _turns(program: abi.Program, template: Template) -> Iterable[Segment]:
    turns = []
    if head := _instruction(program):
        turns.append(Message("system", (Literal(head),)))
    for example in program.examples:
        turns.append(Message("user", tuple(_shot(program, example))))
        turns.append(Message("assistant", (Literal(plain(example.answer, program.returns)),)))
    turns.append(Message("user", tuple(_question(program))))
    return template(turns)


def _instruction(program: abi.Program) -> str:
    return "\n".join(part for part in (program.instruction, *_meanings(program.returns)) if part)


def _meanings(declared: abi.Type) -> Iterator[str]:
    """A line for each label or field that has a description."""
    match declared:
        case abi.EnumType():
            for member in declared.members:
                if member.description:
                    yield f"- {member.label}: {member.description}"
        case abi.RecordType():
            for field in declared.fields:
                if field.description:
                    yield f"- {field.label}: {field.description}"
                yield from _meanings(field.type)
        case abi.OptionalType() | abi.ListType():
            yield from _meanings(declared.item)
        case _:
            return


def _question(program: abi.Program) -> Iterator[Segment]:
    """Input block and cue."""
    for part in program.input:
        yield Literal(part) if isinstance(part, str) else part
    yield Literal(f"\n{program.cue}" if program.input else program.cue)


def _shot(program: abi.Program, example: abi.Example) -> Iterator[Segment]:
    """Input block and cue, with an example's arguments in the holes."""
    names = (parameter.name for parameter in program.parameters)
    arguments = dict(zip(names, example.arguments, strict=True))
    for segment in _question(program):
        yield Argument(hole_text(program, segment, arguments)) if isinstance(segment, abi.Hole) else segment


def _joined(segments: Iterable[Segment]) -> Iterator[Segment]:
    """Neighbouring literals as one, so that they are tokenised together."""
    text = ""
    for segment in segments:
        if isinstance(segment, Literal):
            text += segment.text
            continue
        if text:
            yield Literal(text)
        text = ""
        yield segment
    if text:
        yield Literal(text)
