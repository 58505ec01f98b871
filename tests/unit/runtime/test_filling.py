"""What the model reads where arguments stand: holes, formats, blocks and turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest

from microprompt import abi
from microprompt.deciding.evidence import embedded_texts
from microprompt.engines.engine import Engine
from microprompt.engines.scripted import ByteBackend
from microprompt.errors import PromptTooLong
from microprompt.program import Parameter, Program
from microprompt.prompts.layout import (
    Blank,
    Literal,
    Message,
    Segment,
    Template,
    argument_texts,
    lay_out,
    rendered,
)
from microprompt.prompts.tokenized import TokenizedPrompt
from microprompt.types import BoolType, DateType, DeclaredType, IntType, ListType, OptionalType, StrType

from .programs import ACT, OUTER, Act, Inner, Outer, random_voice

TEXT = abi.Hole(parameter="text")
TEXTS = ListType(item=StrType())


def asking(*parts: abi.Part, opening: Sequence[abi.Part] = (), **parameters: DeclaredType) -> Program:
    """A program of these parts."""
    return Program(
        name="ask",
        source="tests/ask.mp",
        line=7,
        instruction="Say it.",
        opening=tuple(opening),
        input=parts,
        cue="Answer:",
        parameters=tuple(Parameter(name=name, type=type) for name, type in parameters.items()),
        returns=BoolType(),
    )


def shown(program: Program, **arguments: object) -> str:
    """What stands between the instruction and the cue."""
    whole = rendered(program, lay_out(program), arguments)
    return whole.removeprefix("Say it.\n\n").removesuffix("\nAnswer:")


def when(name: str, *parts: abi.Part, otherwise: Sequence[abi.Part] = ()) -> abi.If:
    condition = abi.Condition(text=name, names=(name,), holds=lambda value: value)
    return abi.If(arms=(abi.IfArm(when=condition, parts=parts),), otherwise=tuple(otherwise))


def loop(*parts: abi.Part) -> abi.For:
    return abi.For(variable="item", each=abi.Hole(parameter="items"), parts=parts)


ITEM = abi.Hole(parameter="item")
LETTER = Outer(inner=Inner(act=Act.other, urgency=2), note="so\nthere", paid=None, tags=["a", "b"])


# ------------------------------------------------------------------------------------------------ values


@pytest.mark.parametrize(
    ("type", "value", "text"),
    [
        (ListType(item=ACT), [Act.question, Act.other], "question, something else"),
        (ListType(item=IntType()), [1, 20], "1, 20"),
        (ListType(item=OptionalType(item=BoolType())), [True, None], "yes, none"),
        (ListType(item=DateType()), [date(2024, 5, 1), date(2024, 5, 2)], "2024-05-01, 2024-05-02"),
        (TEXTS, ["one", "two\nlines"], "- one\n- two\n  lines"),
        (ListType(item=TEXTS), [["a"], []], "- - a\n- none"),
        (TEXTS, [], "none"),
        (OptionalType(item=TEXTS), None, "none"),
        (OptionalType(item=TEXTS), ["a"], "- a"),
        (
            OUTER,
            LETTER,
            "inner:\n  act: something else\n  how urgent: 2\nthe note: so\n  there\npaid: none\n"
            "tags:\n  - a\n  - b",
        ),
    ],
)
def test_values_of_several_parts_are_written_as_people_do(
    type: DeclaredType, value: object, text: str
) -> None:
    assert shown(asking(TEXT, text=type), text=value) == text


def test_a_value_in_lines_begins_below_the_text_before_it_and_leaves_no_blank() -> None:
    program = asking("Texts: ", TEXT, "\nEnd", text=TEXTS)
    assert shown(program, text=["a", "b"]) == "Texts:\n- a\n- b\nEnd"
    assert shown(program, text=[]) == "Texts: none\nEnd"


def test_the_tokens_of_a_prompt_are_those_of_its_text() -> None:
    program = asking("Texts: ", TEXT, ", ", when("flag", "and ", TEXT), text=TEXTS, flag=BoolType())
    prompt = TokenizedPrompt(program, ByteBackend(random_voice(0)), chat=False)
    for arguments in ({"text": ["a"], "flag": True}, {"text": [], "flag": False}):
        tokens = [*prompt.prefix, *prompt.question(arguments, answer=1)]
        assert bytes(tokens).decode() == rendered(program, prompt.segments, arguments)


def test_a_format_writes_an_item_to_a_line() -> None:
    place = abi.Place(path=("inner", "act"))
    format = abi.Format(hole=TEXT, parts=(abi.Numbering(), ". ", place, " ", abi.Place(path=("paid",))))
    program = asking("Letters: ", format, text=ListType(item=OUTER))
    assert shown(program, text=[LETTER, LETTER]) == "Letters:\n1. something else none\n2. something else none"
    assert shown(program, text=[]) == "Letters: none"


def test_a_format_of_one_value_stays_on_its_line() -> None:
    format = abi.Format(hole=TEXT, parts=("<", abi.Place(), ">"))
    assert shown(asking("It is ", format, text=OptionalType(item=StrType())), text="a") == "It is <a>"
    assert shown(asking("It is ", format, text=OptionalType(item=StrType())), text=None) == "It is none"


# ------------------------------------------------------------------------------------------------ blocks


def test_a_condition_shows_one_arm() -> None:
    program = asking("Be ", when("flag", "quick", otherwise=("slow",)), ".", flag=BoolType())
    assert [shown(program, flag=flag) for flag in (True, False)] == ["Be quick.", "Be slow."]


def test_a_loop_shows_every_item() -> None:
    program = asking("All:\n", loop("- ", ITEM, "\n"), "End", items=TEXTS)
    assert shown(program, items=["a", "b"]) == "All:\n- a\n- b\nEnd"
    assert shown(program, items=[]) == "All:\nEnd"


def test_loops_inside_loops_see_both_items() -> None:
    inner = abi.For(variable="word", each=ITEM, parts=(abi.Hole(parameter="word"), "/"))
    program = asking(loop(inner, "\n"), items=ListType(item=TEXTS))
    assert shown(program, items=[["a", "b"], ["c"]]) == "a/b/\nc/"


@pytest.mark.parametrize(("flag", "text"), [(True, "A\n\nB\n\nC"), (False, "A\n\nC")])
def test_a_block_that_shows_nothing_leaves_no_gap(flag: bool, text: str) -> None:
    assert shown(asking("A\n\n", when("flag", "B\n"), "\nC", flag=BoolType()), flag=flag) == text
    assert shown(asking("A\n\n", when("flag", "B\n\n"), "\n\nC", flag=BoolType()), flag=flag) == text


def test_nothing_stands_before_or_behind_blocks_that_show_nothing() -> None:
    program = asking(when("flag", "A\n"), "\nB\n\n", when("flag", "C\n"), flag=BoolType())
    assert shown(program, flag=False) == "B"
    assert shown(program, flag=True) == "A\n\nB\n\nC"


def test_line_ends_of_an_argument_are_its_own() -> None:
    program = asking(when("flag", "A\n"), TEXT, "\n", when("flag", "B\n"), flag=BoolType(), text=StrType())
    assert shown(program, flag=True, text="x\n\n\n\n") == "A\nx\n\n\n\n\nB"


def test_all_before_the_first_block_is_in_the_prefix() -> None:
    [head, blank, cue] = lay_out(asking("Text:\n\n", when("flag", "A\n"), "\nB", flag=BoolType()))
    assert head == Literal("Say it.\n\nText:")
    assert isinstance(blank, Blank)
    assert (blank.before, blank.waiting) == (":", 2)
    assert cue == Literal("\nAnswer:")


# ---------------------------------------------------------------------------------------------- readouts


def test_texts_for_readouts_are_all_that_blocks_show() -> None:
    parts = (TEXT, when("flag", " Note: ", TEXT), loop(ITEM, ";"))
    program = asking(*parts, text=StrType(), flag=BoolType(), items=TEXTS)
    arguments = {"text": "a", "flag": True, "items": ["x", "y"]}
    assert argument_texts(program, arguments) == ("a", "Note: a", "x;y;")
    assert embedded_texts(program, {**arguments, "flag": False}, "text") == ("a\n\nx;y;",)


def test_a_readout_behind_the_prefix_ends_with_the_last_that_differs() -> None:
    program = asking("A ", TEXT, ", ", when("flag", "yes"), " and so on.", text=StrType(), flag=BoolType())
    prompt = TokenizedPrompt(program, ByteBackend(random_voice(0)), chat=False)
    read = [bytes(prompt.passage({"text": "b", "flag": flag}, alone=False).tokens) for flag in (True, False)]
    assert read == [b" b, yes", b" b"]


def test_what_does_not_fit_is_told_by_the_parameter_that_items_are_from() -> None:
    program = asking(loop(ITEM, "\n"), items=TEXTS)
    engine = Engine(ByteBackend(random_voice(0), context=200))
    with pytest.raises(PromptTooLong, match=r"argument `items` of ask has 300 tokens"):
        engine.bind(program).question({"items": ["a" * 150] * 2})
    engine.close()


# ------------------------------------------------------------------------------------------------- turns


def tagged(messages: Sequence[Message]) -> list[Segment]:
    return [part for each in messages for part in (Literal(f"<{each.role}>"), *each.segments)]




def test_turns_are_messages_with_examples_before_the_one_that_differs() -> None:
    opening = (abi.Turn(role="user"), "Hi", abi.Turn(role="assistant"), "Hello!")
    program = replace(
        asking(TEXT, opening=opening, text=StrType()),
        examples=(abi.Example(arguments=("a",), answer=True, line=1),),
    )
    text = rendered(program, lay_out(program, Template(tagged)), {"text": "b"})
    assert text == "<system>Say it.<user>Hi<assistant>Hello!<user>a\nAnswer:<assistant>yes<user>b\nAnswer:"
    text = rendered(program, lay_out(program), {"text": "b"})
    assert text == (
        "Say it.\n\nUser: Hi\n\nAssistant: Hello!\n\nUser: a\nAnswer: yes\n\nUser: b\nAnswer:"
    )


def test_an_input_of_several_turns_stands_whole_in_examples() -> None:
    input = (abi.Turn(role="user"), TEXT, abi.Turn(role="assistant"), "Hm.", abi.Turn(role="user"), "So?")
    program = replace(
        asking(*input, text=StrType()), examples=(abi.Example(arguments=("a",), answer=True, line=1),)
    )
    text = rendered(program, lay_out(program, Template(tagged)), {"text": "b"})
    assert text == (
        "<system>Say it.<user>a<assistant>Hm.<user>So?\nAnswer:<assistant>yes"
        "<user>b<assistant>Hm.<user>So?\nAnswer:"
    )


def test_what_the_system_says_may_differ_from_call_to_call() -> None:
    opening = (abi.Turn(role="system"), "Be ", TEXT, ".")
    program = replace(asking("So?", opening=opening, text=StrType()), instruction="")
    assert rendered(program, lay_out(program), {"text": "kind"}) == "Be kind.\n\nSo?\nAnswer:"
    assert argument_texts(program, {"text": "kind"}) == ("kind",)
    prompt = TokenizedPrompt(program, ByteBackend(random_voice(0)), chat=False)
    assert bytes(prompt.prefix) == b"Be"
    assert [text for text, _ in prompt.tail] == ["{text}", ".\n\nSo?\nAnswer:"]
