"""What is measured: three prompt functions, written as the compiler would, and what they are asked.

Every engine gets the same text to complete, and may give the same answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Protocol, TypeAlias, get_args

from microprompt import PromptFunction, abi, prompt
from microprompt.program import Program
from microprompt.prompts.layout import lay_out, rendered
from microprompt.records import Field, Record

from .sentences import MESSAGES, SENTENCES


class Function(Protocol):
    """A prompt function of one text."""

    @property
    def program(self) -> Program: ...

    def __call__(self, text: str, /) -> object: ...

    def render(self, text: str, /) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A function, the answers it may give, and a different argument for each call.

    `answers` are its labels, or its record. `context` and `max_tokens` are what a fair user would give
    llama-cpp-python: just enough.
    """

    name: str
    title: str
    function: Function
    answers: tuple[str, ...] | type[Record]
    arguments: tuple[str, ...]
    context: int
    max_tokens: int

    def labels(self) -> tuple[str, ...] | None:
        """What the answer is one of, if it is a choice."""
        return self.answers if isinstance(self.answers, tuple) else None

    def schema(self) -> dict[str, Any] | None:
        """The JSON Schema of the answer, if it is a record."""
        return None if isinstance(self.answers, tuple) else self.answers.model_json_schema()

    def prompt(self, argument: str) -> str:
        """The text to complete, the same for every engine."""
        return prompt_text(self.function.program, {"text": argument})


def prompt_text(program: Program, arguments: Mapping[str, object]) -> str:
    """The text that a call completes."""
    return rendered(program, lay_out(program), arguments)


def _body(instruction: str, opening: str, cue: str, examples: Mapping[str, object]) -> abi.Body:
    return abi.Body(
        source="bench.mp",
        line=1,
        instruction=instruction,
        input=(opening, abi.Hole(parameter="text")),
        cue=cue,
        examples=tuple(
            abi.Example(arguments=(text,), answer=answer, line=1) for text, answer in examples.items()
        ),
    )


# ----------------------------------------------------------------------------------------- a 3-way enum


class Act(StrEnum):
    question = "question"
    command = "command"
    declaration = "declaration"


@prompt
def act(text: str) -> Act:
    """Classify this input as a question, a command, or a declaration."""
    raise NotImplementedError  # the model answers


act.body = _body(
    "Classify this input as a question, a command, or a declaration.",
    "Input: ",
    "Answer:",
    {
        "What is the capital of Washington?": Act.question,
        "Turn off the lights in the hall.": Act.command,
        "The meeting was moved to Friday.": Act.declaration,
        "How do I get to the station?": Act.question,
        "Please close the window.": Act.command,
        "I like green tea.": Act.declaration,
    },
)


# --------------------------------------------------------- 20 labels whose first tokens collide in fours

Topic: TypeAlias = Literal[
    "order status",
    "order change",
    "order cancellation",
    "order incomplete",
    "refund request",
    "refund status",
    "refund refused",
    "refund amount",
    "account access",
    "account closure",
    "account details",
    "account security",
    "delivery delay",
    "delivery address",
    "delivery damage",
    "delivery time",
    "payment failure",
    "payment method",
    "payment receipt",
    "payment dispute",
]
TOPICS: Final[tuple[str, ...]] = get_args(Topic)


@prompt
def topic(text: str) -> Topic:
    """Name the topic of this message to an online shop."""
    raise NotImplementedError  # the model answers


topic.body = _body(
    "Name the topic of this message to an online shop.",
    "Message: ",
    "Topic:",
    {
        "Has my parcel been packed yet?": "order status",
        "I sent it back, please pay me back.": "refund request",
        "The site says my password is wrong.": "account access",
        "The driver comes two days late.": "delivery delay",
        "Do you take credit cards?": "payment method",
        "Take the lamp off my order, I need two.": "order change",
        "You owe me five euros more.": "refund amount",
        "I want you to forget all about me.": "account closure",
        "The vase broke on its way.": "delivery damage",
        "My bank says no when I pay.": "payment failure",
    },
)


# ------------------------------------------------------------------------------------- a 5-field record


class Product(StrEnum):
    phone = "phone"
    laptop = "laptop"
    tablet = "tablet"
    headphones = "headphones"
    other = "other"


class Mood(StrEnum):
    calm = "calm"
    annoyed = "annoyed"
    angry = "angry"


class Case(Record):
    product: Product
    mood: Mood
    urgency: Annotated[int, Field(ge=1, le=5)]
    refund: bool
    summary: Annotated[str, Field(max_length=40)]


@prompt
def case(text: str) -> Case:
    """Read the message to an online shop and fill in the case."""
    raise NotImplementedError  # the model answers


case.body = _body(
    "Read the message to an online shop and fill in the case.",
    "Message: ",
    "Case:",
    {
        "My phone fell into the sink and I need a new one today!": Case(
            product=Product.phone, mood=Mood.annoyed, urgency=4, refund=False, summary="phone got wet"
        ),
        "The laptop you sent is broken again, give me my money back!": Case(
            product=Product.laptop, mood=Mood.angry, urgency=5, refund=True, summary="laptop is broken"
        ),
        "Do you have the headphones in white as well?": Case(
            product=Product.headphones, mood=Mood.calm, urgency=1, refund=False, summary="asks for white"
        ),
        "The tablet is nice, but I would like to return it.": Case(
            product=Product.tablet, mood=Mood.calm, urgency=2, refund=True, summary="returns the tablet"
        ),
    },
)


def independent(function: Function) -> Function:
    """The same function with the fields of its record side by side."""

    def asked(text: str, /) -> object:
        raise NotImplementedError  # the model answers

    return PromptFunction(asked, program=replace(function.program, using=abi.Using(independent=True)))


# ------------------------------------------------------------------------------------------ all of them

WORKLOADS: Final[Mapping[str, Workload]] = {
    workload.name: workload
    for workload in (
        Workload(
            name="enum",
            title="3-way enum",
            function=act,
            answers=tuple(Act),
            arguments=SENTENCES,
            context=256,
            max_tokens=16,
        ),
        Workload(
            name="labels",
            title="20 colliding labels",
            function=topic,
            answers=TOPICS,
            arguments=MESSAGES,
            context=256,
            max_tokens=16,
        ),
        Workload(
            name="record",
            title="5-field record",
            function=case,
            answers=Case,
            arguments=MESSAGES,
            context=512,
            max_tokens=96,
        ),
    )
}
