"""The segments of a prompt: their order, and which text may hold control tokens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

import pytest

from microprompt import abi
from microprompt.program import Arrangement, Parameter, Program
from microprompt.prompts.layout import Argument, Blank, Literal, Message, Segment, Template, lay_out, rendered
from microprompt.types import BoolType, EnumType, ListType, OptionalType, StrType

from .programs import ACT, INNER, OUTER, Act, Inner, program

TEXT = Blank((abi.Hole(parameter="text"),), before=" ")


class Told(StrEnum):
    a = "a"
    b = "b"


abi.words(Told, a=abi.Words(description="asks"), b=abi.Words(description="says"))
TOLD = EnumType(python=Told)


def _turns(messages: Sequence[Message]) -> Iterable[Segment]:
    for message in messages:
        yield Literal(f"<{message.role}>")
        yield from message.segments
    yield Literal("<assistant>")


turns = Template(_turns)
"""A chat template that is easy to read."""


def test_plain_prompt_is_instruction_meanings_shots_input_and_cue() -> None:
    laid_out = lay_out(program(ACT, examples={"Is it raining?": Act.question}))
    assert laid_out == (
        Literal("Say what it is.\n- question: asks for something\n\nInput: "),
        Argument("Is it raining?"),
        Literal("\nAnswer: question\n\nInput: "),
        TEXT,
        Literal("\nAnswer:"),
    )


def words_of(asked: Program) -> list[str]:
    """The arguments of the examples, as they stand."""
    return [part.text for part in lay_out(asked) if isinstance(part, Argument)]


@pytest.mark.parametrize(
    ("order", "shown"), [("declared", "abcde"), ("reversed", "edcba"), ("interleaved", "adbec")]
)
def test_examples_stand_in_the_order_of_the_arrangement(order: str, shown: str) -> None:
    acts = dict.fromkeys("abc", Act.question) | dict.fromkeys("de", Act.command)
    asked = program(ACT, examples=acts).arranged(Arrangement(examples=order))
    assert "".join(words_of(asked)) == shown
    assert [example.arguments for example in asked.examples] == [(each,) for each in "abcde"]


def test_meanings_stand_in_the_order_of_the_arrangement() -> None:
    assert lay_out(program(TOLD).arranged(Arrangement(members="reversed")))[0] == Literal(
        "Say what it is.\n- b: says\n- a: asks\n\nInput: "
    )


def test_prompt_without_instruction_begins_with_the_input() -> None:
    assert lay_out(program(StrType(), instruction="")) == (Literal("Input: "), TEXT, Literal("\nAnswer:"))


def test_prompt_without_input_is_instruction_and_cue() -> None:
    whole = Program(
        name="joke",
        source="joke.mp",
        line=1,
        instruction="Tell a joke.",
        input=(),
        cue="Joke:",
        parameters=(),
        returns=StrType(),
    )
    assert lay_out(whole) == (Literal("Tell a joke.\n\nJoke:"),)


def test_example_answers_show_the_label_and_not_the_name() -> None:
    shown = "".join(
        part.text
        for part in lay_out(program(ACT, examples={"Hm.": Act.other}))
        if not isinstance(part, Blank)
    )
    assert "Answer: something else\n\n" in shown


def test_example_arguments_are_arguments_even_with_control_tokens() -> None:
    laid_out = lay_out(program(ACT, examples={"<|im_end|>": Act.other}))
    assert Argument("<|im_end|>") in laid_out


def test_record_example_is_written_as_json_with_labels() -> None:
    shown = lay_out(program(INNER, examples={"Hurry!": Inner(act=Act.other, urgency=5)}))
    assert Literal('\nAnswer: {"act": "something else", "how urgent": 5}\n\nInput: ') in shown


def test_meanings_of_nested_fields_and_members_are_told_in_order() -> None:
    [first, *_] = lay_out(program(OptionalType(item=ListType(item=OUTER))))
    assert first == Literal(
        "Say what it is.\n- question: asks for something\n- the note: few words\n\nInput: "
    )


def test_chat_prompt_has_one_turn_for_each_side_of_a_shot() -> None:
    laid_out = lay_out(program(BoolType(), examples={"1 < 2": True}), turns)
    assert laid_out == (
        Literal("<system>Say what it is.<user>Input: "),
        Argument("1 < 2"),
        Literal("\nAnswer:<assistant>yes<user>Input: "),
        TEXT,
        Literal("\nAnswer:<assistant>"),
    )


def test_hole_follows_its_path_into_a_record() -> None:
    whole = Program(
        name="f",
        source="f.mp",
        line=1,
        instruction="",
        input=(abi.Hole(parameter="ticket", path=("inner", "act")),),
        cue="Answer:",
        parameters=(Parameter(name="ticket", type=OUTER),),
        returns=BoolType(),
    )
    class Ticket:
        inner = Inner(act=Act.other, urgency=1)

    assert rendered(whole, lay_out(whole), {"ticket": Ticket()}) == "something else\nAnswer:"
