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

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from .. import abi
from ..program import Program
from ..types import AnyKind, kind


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


def lay_out(program: Program, template: Template | None = None) -> tuple[Segment, ...]:
    """The prompt with its holes open: running text without a template, else one turn for each shot."""
    return tuple(_joined(_turns(program, template) if template else _running_text(program)))


def hole_text(program: Program, hole: abi.Hole, arguments: Mapping[str, object]) -> str:
    """What the model reads in a hole."""
    value = arguments[hole.parameter]
    found: AnyKind = kind(next(p.type for p in program.parameters if p.name == hole.parameter))
    for name in hole.path:
        value = getattr(value, name)
        found = next(part.kind for part in found.fields() if part.name == name)
    return found.shown(value)


def argument_texts(program: Program, arguments: Mapping[str, object]) -> tuple[str, ...]:
    """What the model reads in the holes, each once, in the order in which they come."""
    holes = dict.fromkeys(part for part in program.input if isinstance(part, abi.Hole))
    return tuple(hole_text(program, hole, arguments) for hole in holes)


def _running_text(program: Program) -> Iterator[Segment]:
    answer = kind(program.returns)
    if head := _instruction(program):
        yield Literal(head + "\n\n")
    for example in _examples(program):
        yield from _shot(program, example)
        yield Literal(f" {answer.plain(example.answer)}\n\n")
    yield from _question(program)


def _turns(program: Program, template: Template) -> Iterable[Segment]:
    answer = kind(program.returns)
    turns = []
    if head := _instruction(program):
        turns.append(Message("system", (Literal(head),)))
    for example in _examples(program):
        turns.append(Message("user", tuple(_shot(program, example))))
        turns.append(Message("assistant", (Literal(answer.plain(example.answer)),)))
    turns.append(Message("user", tuple(_question(program))))
    return template(turns)


def _instruction(program: Program) -> str:
    meanings = list(kind(program.returns).meanings())
    if program.arrangement.members == "reversed":
        meanings.reverse()
    # What is in several places of the answer means the same in each.
    lines = dict.fromkeys((program.instruction, *meanings))
    return "\n".join(line for line in lines if line)


def _examples(program: Program) -> Sequence[abi.Example]:
    """The examples in the order in which they stand."""
    match program.arrangement.examples:
        case "reversed":
            return program.examples[::-1]
        case "interleaved":
            seen: Counter[str] = Counter()
            rounds = []
            for example in program.examples:
                label = kind(program.returns).key(example.answer)
                rounds.append(seen[label])
                seen[label] += 1
            return [program.examples[at] for at in sorted(range(len(rounds)), key=rounds.__getitem__)]
        case _:
            return program.examples


def _question(program: Program) -> Iterator[Segment]:
    """Input block and cue."""
    for part in program.input:
        yield Literal(part) if isinstance(part, str) else part
    yield Literal(f"\n{program.cue}" if program.input else program.cue)


def _shot(program: Program, example: abi.Example) -> Iterator[Segment]:
    """Input block and cue, with an example's arguments in the holes."""
    arguments = program.arguments_of(example)
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
