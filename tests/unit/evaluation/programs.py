"""Prompt functions whose answers are evaluated, written as generated modules are. No model."""

from __future__ import annotations

from typing import Annotated

from microprompt import abi, prompt
from microprompt.enums import LabelEnum
from microprompt.records import Field, Record


class Act(LabelEnum):
    question = "question"
    command = "command"
    statement = "statement"


abi.words(Act, command=abi.Words(label="request"))


class Ticket(Record):
    act: Act
    urgency: Annotated[int, Field(ge=1, le=5)]
    note: str


def body(*examples: abi.Example, parameters: tuple[str, ...] = ("text",)) -> abi.Body:
    """A body that shows all parameters."""
    holes = tuple(part for name in parameters for part in ("\n", abi.Hole(parameter=name)))
    return abi.Body(
        source="tests/acts.mp",
        line=1,
        instruction="Say what it is.",
        input=holes[1:],
        cue="It is:",
        examples=examples,
    )


@prompt
def classify(text: str) -> Act:
    """A choice."""
    raise NotImplementedError


classify.body = body(
    abi.Example(arguments=("Who is it?",), answer=Act.question, line=1),
    abi.Example(arguments=("Sit down.",), answer=Act.command, line=2),
    abi.Example(arguments=("Where?",), answer=Act.question, line=3),
    abi.Example(arguments=("It rains.",), answer=Act.statement, line=4),
)


@prompt
def maybe(text: str) -> Act | None:
    """A choice that may be none."""
    raise NotImplementedError


maybe.body = body()


@prompt
def stars(text: str) -> Annotated[int, Field(ge=1, le=5)]:
    """A choice among numbers."""
    raise NotImplementedError


stars.body = body()


@prompt
def price(text: str) -> float:
    """A number."""
    raise NotImplementedError


price.body = body()


@prompt
def title(text: str) -> str:
    """A text."""
    raise NotImplementedError


title.body = body()


@prompt
def same(first: str, second: Annotated[int, Field(ge=0, le=9)], flag: bool | None = None) -> bool:
    """A choice about three arguments, of which one may be left out."""
    raise NotImplementedError


same.body = body(parameters=("first", "second", "flag"))


@prompt
def triage(text: str) -> Ticket:
    """A record."""
    raise NotImplementedError


triage.body = body()
