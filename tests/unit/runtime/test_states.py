"""Several questions about one text, which is laid out first and evaluated once for all of them."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from microprompt import Answer, Later, PromptFunction, abi, agather, gather, gather_lists
from microprompt.engines.engine import Engine
from microprompt.engines.loaded import override
from microprompt.errors import ArgumentError, PromptTooLong
from microprompt.program import Arrangement, Parameter, Program
from microprompt.prompts.layout import Argument, Blank, Literal, lay_out
from microprompt.testing import scripted
from microprompt.types import BoolType, IntType, ListType, StrType

from .programs import (
    ACT,
    INNER,
    OUTER,
    Act,
    Inner,
    WatchedBackend,
    classify,
    compare,
    function,
    program,
    random_voice,
    wait_until_idle,
)
from .test_layout import turns

TEXT = "It has rained for three weeks, and the cellar is full of water. " * 3
STATE = Blank((abi.Hole(parameter="text"),), before="\n")

is_wet = function(program(BoolType(), name="is_wet", instruction="Is something wet?"))
letter = function(program(OUTER, name="letter", instruction=""))
note = function(program(StrType(max_length=12), name="note", instruction="Sum it up."))
QUESTIONS: Sequence[PromptFunction[[str], Any]] = (classify, is_wet, letter, note)


def over_text(asked: Program) -> Program:
    return asked.arranged(Arrangement(state="text"))


@pytest.fixture
def watched() -> Iterator[WatchedBackend]:
    """What answers all calls by chance; afterwards it is idle."""
    backend = WatchedBackend(random_voice(0))
    engine = Engine(backend)
    with override(engine):
        yield backend
    wait_until_idle(engine)
    engine.close()


# --------------------------------------------------------------------------------------------- the layout


def test_the_state_stands_before_all_else_and_is_named_where_it_would_be() -> None:
    asked = over_text(program(ACT, examples={"Is it raining?": Act.question}))
    assert lay_out(asked) == (
        Literal("Text:\n"),
        STATE,
        Literal("\n\nSay what it is.\n- question: asks for something\n\nInput: "),
        Argument("Is it raining?"),
        Literal("\nAnswer: question\n\nInput: the text above\nAnswer:"),
    )


def test_in_a_chat_it_begins_the_first_turn_of_the_user() -> None:
    asked = over_text(program(ACT, examples={"Is it raining?": Act.question}))
    assert lay_out(asked, turns) == (
        Literal("<user>Text:\n"),
        STATE,
        Literal("\n\nSay what it is.\n- question: asks for something\n\nInput: "),
        Argument("Is it raining?"),
        Literal("\nAnswer:<assistant>question<user>Input: the text above\nAnswer:<assistant>"),
    )


def test_it_has_a_turn_of_its_own_where_another_one_speaks_first() -> None:
    opening = (abi.Turn(role="assistant"), "Hello.")
    asked = over_text(replace(program(ACT, instruction=""), opening=opening))
    assert lay_out(asked, turns)[:3] == (
        Literal("<user>Text:\n"),
        STATE,
        Literal(
            "\n\n- question: asks for something<assistant>Hello."
            "<user>Input: the text above\nAnswer:<assistant>"
        ),
    )


def test_other_arguments_stay_where_they_are() -> None:
    assert compare.over("first").render("a", 1) == (
        "Text:\na\n\nCompare.\n\nFirst: the text above\nSecond: 1\nFlags: none\nSame:"
    )


@pytest.mark.parametrize("chat", [False, True])
def test_all_questions_begin_with_the_same_tokens(watched: WatchedBackend, chat: bool) -> None:
    watched.template = turns
    with override(Engine(watched, layout="chat" if chat else "plain")) as engine:
        assert isinstance(engine, Engine)
        bound = [engine.bind(over_text(each.program)) for each in QUESTIONS]
        begun = {each.prefix + each.prompt.state({"text": TEXT}) for each in bound}
    assert [bytes(each).decode() for each in begun] == [f"{'<user>' if chat else ''}Text:\n{TEXT}"]


def test_a_parameter_that_is_only_shown_in_a_block_is_no_state() -> None:
    shown = abi.Condition(text="text", names=("text",), holds=bool)
    arm = abi.IfArm(when=shown, parts=("Input: ", abi.Hole(parameter="text")))
    asked = function(replace(program(BoolType()), input=(abi.If(arms=(arm,)), "\nNow.")))
    assert asked.over("text") is asked


def test_a_parameter_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ArgumentError, match="classify has no parameter `txt`"):
        classify.over("txt")


def test_a_list_may_be_a_state() -> None:
    asked = replace(
        program(BoolType()), parameters=(Parameter(name="text", type=ListType(item=StrType(max_length=9))),)
    )
    over = function(asked).over("text")
    with scripted({}):
        assert over.render(["one", "two"]).startswith("Text:\n- one\n- two\n\nSay")  # type: ignore[arg-type]  # a list


def test_a_prompt_in_the_body_is_answered_first_as_ever() -> None:
    inner = abi.PromptCall(prompt=note, text="note(text)", arguments=(("text", abi.Hole(parameter="text")),))
    shown = ("In short: ", inner, "\nInput: ", abi.Hole(parameter="text"))
    asked = function(replace(program(BoolType(), name="asked"), input=shown))
    with scripted({"note": "All is wet.", "asked": True}):
        assert gather(asked.later(TEXT), state=TEXT) == (True,)
        assert asked.over("text").render("Hm.") == (
            "Text:\nHm.\n\nSay what it is.\n\nIn short: All is wet.\nInput: the text above\nAnswer:"
        )


def test_explain_knows_the_state() -> None:
    with scripted({}):
        found = classify.over("text").explain()
    assert (found.state, classify.program.arrangement.state) == ("text", None)
    assert [(part.text, part.tokens) for part in found.prefix] == [("Text:\n", 6)]
    assert (found.tail[0].text, found.tail[0].is_hole) == ("{text}", True)


def test_it_is_pickled_as_the_function_that_it_is_of() -> None:
    over = compare.over("first")
    assert over is compare.over("first")
    assert pickle.loads(pickle.dumps(over)) is over


def test_what_is_too_long_is_the_state() -> None:
    small = Engine(WatchedBackend(random_voice(0), context=300))
    with override(small), pytest.raises(PromptTooLong) as caught:
        is_wet.over("text")("x" * 300)
    assert caught.value.parameter == "text"


# --------------------------------------------------------------------------------------------- the answers


def detailed(call: Later[Any], *others: Later[Any]) -> Answer[Any]:
    answer = gather(call, *others, state=TEXT)[0]
    assert isinstance(answer, Answer)
    return replace(answer, seconds=0.0, usage=replace(answer.usage, cached_tokens=0))


def test_a_call_answers_the_same_alone_and_beside_others_in_any_order(watched: WatchedBackend) -> None:
    alone = {each: detailed(each.later_detail(TEXT)) for each in QUESTIONS}
    for order in list(permutations(QUESTIONS))[::5]:
        calls = [each.later_detail(TEXT) for each in order]
        for place, each in enumerate(order):
            assert detailed(calls[place], *calls[:place], *calls[place + 1 :]) == alone[each]
    assert alone[classify] == detailed(classify.over("text").later_detail(TEXT))


def test_a_state_is_evaluated_once_for_all_that_is_asked_about_it(watched: WatchedBackend) -> None:
    def evaluated() -> int:
        return sum(watched.steps)

    first = is_wet.over("text").detail(TEXT).usage
    assert first.cached_tokens == 0
    before = evaluated()
    answers = gather(classify.later_detail(TEXT), note.later_detail(TEXT), state=TEXT)
    state = len(f"Text:\n{TEXT}")
    assert [answer.usage.cached_tokens for answer in answers] == [state, state]
    assert evaluated() - before < state + sum(answer.usage.prompt_tokens - state for answer in answers)


def test_a_state_is_asked_about_in_tasks_and_in_lists(watched: WatchedBackend) -> None:
    def calls() -> list[Later[object]]:
        return [each.later(TEXT) for each in QUESTIONS]

    found = gather(*calls(), state=TEXT)
    assert asyncio.run(agather(*calls(), state=TEXT)) == found
    assert gather_lists(calls(), calls(), state=TEXT) == (list(found), list(found))


def test_other_calls_of_the_wave_are_asked_as_ever() -> None:
    with scripted({"classify": Act.command, "compare": True}) as engine:
        assert gather(classify.later(TEXT), compare.later("a", 1), state=TEXT) == (Act.command, True)
        assert [name for name, _ in engine.calls] == ["classify", "compare"]


def test_of_two_arguments_that_are_the_state_the_first_is_laid_out_first() -> None:
    asked = replace(
        program(BoolType()),
        input=(abi.Hole(parameter="old"), " ", abi.Hole(parameter="new")),
        parameters=(Parameter(name="old", type=StrType()), Parameter(name="new", type=StrType())),
    )

    def ask(old: str, new: str) -> object:
        raise NotImplementedError

    later = PromptFunction(ask, program=asked).later("a", "a").over("a")
    assert later.function.program.arrangement == Arrangement(state="old")  # type: ignore[union-attr]  # it has it


def test_a_state_that_no_call_has_is_an_error() -> None:
    with scripted({}), pytest.raises(ArgumentError, match="no call has the state as an argument"):
        gather(classify.later("a"), is_wet.later("b"), state="c")


def test_records_of_choices_are_scripted_over_a_state_too() -> None:
    both = function(program(INNER, name="both"))
    with scripted({"both": Inner(Act.other, 3), "classify": Act.other}):
        assert gather(both.later(TEXT), classify.later(TEXT), state=TEXT) == (Inner(Act.other, 3), Act.other)


def test_an_argument_of_another_type_is_not_the_state() -> None:
    asked = replace(program(BoolType()), parameters=(Parameter(name="text", type=IntType()),))
    assert function(asked).later(1).over(True) is None  # type: ignore[arg-type]  # an int here
