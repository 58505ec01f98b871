"""A prompt whose state comes first: what it asks about, before all that it says of that.

    state         the argument, as it is written, behind a short lead
    instruction, opening, shots, input block, cue

Usually the instruction comes first, for all calls of a function share it. Where several functions ask about
one long text, it is the text that is shared: laid out first it has the same tokens for all of them, is
evaluated once, and each question goes on from there. In the input block `NAME` then stands for it.

The lead is the same for all programs, and the state is tokenised by itself. With what a chat template puts
before it, the lead has fewer tokens than are worth a place of their own in the cache
(`scheduling.prefixes.MIN_SHARED`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from .. import abi
from ..program import Program

LEAD: Final = "Text:\n"
"""What stands before a state."""

NAME: Final = "the text above"
"""What stands for the state where an argument would be."""


def can_be_state(program: Program, parameter: str) -> bool:
    """Whether the body shows all of a parameter in a place of its own, outside of blocks: so it can be laid
    out first, and named there."""
    return abi.Hole(parameter=parameter) in program.parts


def naming_state(program: Program) -> Program:
    """The program with the state's name in the places of the state, if it has one."""
    state = program.arrangement.state
    if state is None:
        return program
    place = abi.Hole(parameter=state)

    def named(parts: tuple[abi.Part, ...]) -> tuple[abi.Part, ...]:
        return tuple(NAME if part == place else part for part in parts)

    return replace(program, opening=named(program.opening), input=named(program.input))
