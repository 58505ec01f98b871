"""Bodies: what is said once, what in every call, and what the answer follows; and the parts as plain data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeGuard, assert_never

from .expressions import in_python
from .sema.checked import (
    CheckedArm,
    CheckedCall,
    CheckedFor,
    CheckedFormatPart,
    CheckedHole,
    CheckedIf,
    CheckedNumbering,
    CheckedPart,
    CheckedPlace,
    CheckedTurn,
)
from .spec import CallOf, Constant, Expr, Lambda, Ref, TupleOf
from .types.base import Naming
from .types.python import abi_call

DEFAULT_CUE: Final = "Answer:"

_PARAGRAPH: Final = re.compile(r"\n[ \t]*\n\s*")


@dataclass(frozen=True, slots=True)
class Split:
    """A body. The `instruction` comes first, then turns that open the conversation, then examples, each with
    an `input` of its own, then the input of the call; the `cue` is the words that the answer follows.

    The opening is made of turns, and so is an input of several; an input of one turn goes without its line.
    """

    instruction: str
    opening: tuple[CheckedPart, ...]
    input: tuple[CheckedPart, ...]
    cue: str


def split_body(parts: Sequence[CheckedPart]) -> Split:
    """Part a body.

    The cue is the last line if that is text and ends in a colon. Without turns, the input starts with the
    paragraph of the first part that is not the same in every call, and what stands before it is the
    instruction. With turns, the instruction is the system's, and the input starts with the user's turn that
    has the first such part, or that is followed by the one that has it.
    """
    rest, cue = _without_cue(parts)
    if any(isinstance(part, CheckedTurn) for part in rest):
        return _split_turns(rest, cue)
    if _is_fixed(rest):
        return Split("".join(rest).strip(), (), (), cue)
    instruction = ""
    if isinstance(rest[0], str):
        breaks = list(_PARAGRAPH.finditer(rest[0]))
        at = breaks[-1].end() if breaks else 0
        instruction, rest[0] = rest[0][:at].strip(), rest[0][at:].lstrip()
    return Split(instruction, (), _without_empty(rest), cue)


def _without_cue(parts: Sequence[CheckedPart]) -> tuple[list[CheckedPart], str]:
    """The parts without the last line, if that is a cue; and the cue."""
    rest = list(parts)
    if not rest or not isinstance(rest[-1], str):
        return rest, DEFAULT_CUE
    rest[-1] = rest[-1].rstrip()
    before, newline, last = rest[-1].rpartition("\n")
    block = rest[-2] if len(rest) > 1 else None
    at_line_start = newline or (isinstance(block, CheckedIf | CheckedFor) and block.ends_line)
    if not (at_line_start and last.endswith(":")):
        return rest, DEFAULT_CUE
    rest[-1] = before.rstrip()
    return rest, last.strip()


def _split_turns(parts: Sequence[CheckedPart], cue: str) -> Split:
    turns = list(_turns(parts))
    instruction = ""
    opening: list[CheckedPart] = []
    if turns[0][0].role == "system":
        line, said = turns.pop(0)
        if _is_fixed(said):
            instruction = "".join(said)
        else:
            opening = [line, *said]
    first = next((place for place, (_, said) in enumerate(turns) if not _is_fixed(said)), len(turns) - 1)
    first -= first % 2  # the user's turn before an assistant's
    for line, said in turns[:first]:
        opening += [line, *said]
    rest = turns[first:]
    if len(rest) == 1:
        return Split(instruction, tuple(opening), rest[0][1], cue)
    input = tuple(part for line, said in rest for part in (line, *said))
    return Split(instruction, tuple(opening), input, cue)


def _turns(parts: Sequence[CheckedPart]) -> Iterator[tuple[CheckedTurn, tuple[CheckedPart, ...]]]:
    """Each turn with what is said in it, without line ends around it."""
    places = [place for place, part in enumerate(parts) if isinstance(part, CheckedTurn)]
    for place, end in zip(places, (*places[1:], len(parts)), strict=True):
        line, said = parts[place], list(parts[place + 1 : end])
        assert isinstance(line, CheckedTurn)
        if said and isinstance(said[0], str):
            said[0] = said[0].lstrip("\n")
        if said and isinstance(said[-1], str):
            said[-1] = said[-1].rstrip()
        yield line, _without_empty(said)


def _is_fixed(parts: Sequence[CheckedPart]) -> TypeGuard[Sequence[str]]:
    """Whether the parts are the same in every call."""
    return all(isinstance(part, str) for part in parts)


def _without_empty(parts: Sequence[CheckedPart]) -> tuple[CheckedPart, ...]:
    return tuple(part for part in parts if part != "")


# ------------------------------------------------------------------------------------------ as plain data


def lowered(parts: Sequence[CheckedPart], naming: Naming) -> TupleOf:
    """The parts as a generated module says them."""
    return TupleOf(tuple(_part(part, naming) for part in parts))


def _part(part: CheckedPart, naming: Naming) -> Expr:
    match part:
        case str():
            return Constant(part)
        case CheckedHole() | CheckedCall():
            shown = _hole(part) if isinstance(part, CheckedHole) else _call(part, naming)
            return shown if part.format is None else _formatted(shown, part.format)
        case CheckedIf():
            return abi_call(
                "If",
                arms=TupleOf(tuple(_arm(arm, naming) for arm in part.arms)),
                otherwise=lowered(part.otherwise, naming) if part.otherwise else None,
            )
        case CheckedFor():
            return abi_call(
                "For",
                variable=Constant(part.variable),
                each=_hole(part.each),
                parts=lowered(part.parts, naming),
            )
        case CheckedTurn():
            return abi_call("Turn", role=Constant(part.role))
        case _:
            assert_never(part)


def _call(part: CheckedCall, naming: Naming) -> CallOf:
    arguments = (
        (name, _hole(given) if isinstance(given, CheckedHole) else given.type.value(given.value, naming))
        for name, given in part.arguments
    )
    return abi_call(
        "PromptCall",
        prompt=naming.function(part.callee.origin, part.callee.name),
        text=Constant(part.text),
        arguments=TupleOf(tuple(TupleOf((Constant(name), value)) for name, value in arguments)),
    )


def _formatted(shown: CallOf, format: Sequence[CheckedFormatPart]) -> CallOf:
    return abi_call("Format", hole=shown, parts=TupleOf(tuple(map(_format_part, format))))


def _hole(part: CheckedHole) -> CallOf:
    return abi_call("Hole", parameter=Constant(part.parameter), path=_path(part.path))


def _format_part(part: CheckedFormatPart) -> Expr:
    match part:
        case str():
            return Constant(part)
        case CheckedPlace():
            return abi_call("Place", path=_path(part.path))
        case CheckedNumbering():
            return abi_call("Numbering")
        case _:
            assert_never(part)


def _arm(arm: CheckedArm, naming: Naming) -> CallOf:
    condition = in_python(arm.condition, {name: Ref((name,)) for name in arm.names}, naming)
    when = abi_call(
        "Condition",
        text=Constant(arm.text),
        names=TupleOf(tuple(map(Constant, arm.names))),
        holds=Lambda(arm.names, condition),
    )
    return abi_call("IfArm", when=when, parts=lowered(arm.parts, naming))


def _path(path: Sequence[str]) -> TupleOf | None:
    return TupleOf(tuple(map(Constant, path))) if path else None
