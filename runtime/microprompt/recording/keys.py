"""The key of a prompt in the record: it stands for all that a model is told of it and can answer.

As the compiler's key, for which tuning holds, it is the same for another layout of the source, other
comments, tests and settings; another word, description, example or order of labels makes another. It is made
of what the runtime has, for prompts that no compiler wrote have one too; so it is not the compiler's.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from ..program import Program
from ..trace import data_of
from ..types import AnyKind, kind
from .entry import hash_of

_KEPT: Final = 256


class Keys:
    """The keys of programs, each made once. For one thread."""

    def __init__(self) -> None:
        self._found: OrderedDict[int, tuple[Program, str]] = OrderedDict()

    def of(self, program: Program) -> str:
        """The key of a program."""
        # It is kept with its key, so its id stays its own.
        found = self._found.get(id(program))
        if found is None:
            found = self._found[id(program)] = program, key_of(program)
            if len(self._found) > _KEPT:
                self._found.popitem(last=False)
        return found[1]


def key_of(program: Program) -> str:
    """The key of a program."""
    returns = kind(program.returns)
    said = [
        [[each.name, *_type(kind(each.type))] for each in program.parameters],
        _type(returns),
        program.instruction,
        # Functions and prompts in these say their text instead of themselves.
        repr(program.opening),
        repr(program.input),
        program.cue,
        [
            [data_of(program, program.arguments_of(each)), returns.to_data(each.answer)]
            for each in program.examples
        ],
        program.using.layout,
        program.using.reasoning,
    ]
    return hash_of(said)


def _type(said: AnyKind) -> list[object]:
    options = said.options()
    return [
        said.describe(),
        said.schema(),
        list(said.meanings()),
        None if options is None else [said.plain(option) for option in options],
    ]
