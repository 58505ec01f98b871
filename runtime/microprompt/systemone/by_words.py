"""How near a state is to the words of options: their names, and what they mean.

A language model of some hundred million parameters hardly tells options apart; a sentence embedder does,
where they say what a text is about. Choices of programs whose options a call brings along are decided on it,
and it is asked here through the same decider. Of instructions it knows nothing, so what it says stands beside
what the model says.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from .. import abi, models, settings
from ..deciding.source import EMBEDDER
from ..engines.loaded import embedder_for, is_overridden
from ..program import Parameter, Program
from ..records import Record
from ..types import ListType, OneOfType, StrType, type_of
from .made import UntoldFunction

ANSWERED_BY: Final = "embedder"
"""What an answer says of itself that tells this; where there is no embedder, something else answers."""


class Option(Record):
    """An option of a choice."""

    name: str
    means: str


def can_tell() -> bool:
    """Whether an embedder is to be had: not where another engine answers in all models' place."""
    return not is_overridden() and (settings.current().auto_pull or models.is_here(models.find(EMBEDDER)))


def load() -> None:
    """Load the embedder, if one is to be had. Raises `ModelError` if it is not after all, and
    `EngineError`."""
    if can_tell():
        embedder_for(EMBEDDER)


@lru_cache(maxsize=64)
def function(model: abi.Model | None) -> UntoldFunction:
    """What is asked: which of some options a state is nearest to."""
    option = type_of(Option)
    program = Program(
        name="nearest",
        source="systemone",
        line=0,
        parameters=(
            Parameter(name="state", type=StrType()),
            Parameter(name="options", type=ListType(item=option)),
        ),
        returns=OneOfType(source="options", item=option, by="name"),
        instruction="",
        input=(abi.Hole(parameter="state"),),
        cue="Answer:",
        using=abi.Using(model=model),
    )
    return UntoldFunction(_nearest, program=program)


def _nearest(state: str, options: list[Option]) -> Option:
    """The same as a `def`."""
    raise NotImplementedError  # the embedder answers
