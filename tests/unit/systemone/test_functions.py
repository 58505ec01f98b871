"""Questions that functions of a program answer."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import Field

from microprompt import abi, flow, gather, prompt
from microprompt.enums import LabelEnum
from microprompt.serving.served import Served
from microprompt.systemone import QuestionError
from microprompt.systemone.asking import Asking
from microprompt.systemone.wire import Decisions, SystemOneRequest
from microprompt.testing import scripted


class Team(LabelEnum):
    billing = "billing"
    sales = "sales"


@prompt
def is_urgent(text: str) -> bool:
    raise NotImplementedError  # the model answers


@prompt
def team(text: str, note: str = "") -> Team:
    raise NotImplementedError  # the model answers


@prompt
def anger(subject: str, text: str) -> Annotated[int, Field(ge=1, le=3)]:
    raise NotImplementedError  # the model answers


@prompt
def pick(text: str, names: list[str]) -> Annotated[str, abi.OneOf("names")]:
    raise NotImplementedError  # the model answers


@prompt
def digit(text: str) -> Literal[3, 5]:
    raise NotImplementedError  # the model answers


@prompt
def title(text: str) -> str:
    raise NotImplementedError  # the model answers


@prompt
def share(text: str) -> Annotated[int, Field(ge=0, le=100)]:
    raise NotImplementedError  # the model answers


@prompt
def grade(text: str) -> Literal[1, 2]:
    raise NotImplementedError  # the model answers


@prompt
def seat(text: str) -> Annotated[int, Field(ge=1, le=256)]:
    raise NotImplementedError  # the model answers


@prompt
def perhaps(text: str) -> Team | None:
    raise NotImplementedError  # the model answers


@flow
def both(text: str) -> bool:
    return is_urgent(text)


PROMPTS = (is_urgent, team, anger, pick, digit, grade, title, share, seat, perhaps)

for _each in PROMPTS:
    _each.body = abi.Body(
        source="m.mp", line=1, instruction="Say.", input=(abi.Hole(parameter="text"),), cue="Answer:"
    )
both.body = abi.Flow(source="m.mp", line=1)

FUNCTIONS = tuple(Served(module="m", function=each) for each in (*PROMPTS, both))

SCRIPT = {
    "is_urgent": {True: 0.75, False: 0.25},
    "team": {Team.sales: 0.9, Team.billing: 0.1},
    "anger": {1: 0.5, 3: 0.5},
    "pick": {"b": 0.75, "a": 0.25},
    "digit": 5,
    "share": 50,
}


def asked(state: object, **question: object) -> Decisions:
    """What one question comes to."""
    request = SystemOneRequest.model_validate({"model": "m", "state": state, "questions": {"q": question}})
    asking = Asking(request, model=None, functions={each.name: each.function for each in FUNCTIONS})
    with scripted(SCRIPT):
        while calls := asking.calls():
            asking.take(gather(*calls))
        return asking.decisions()


def test_a_function_of_a_bool_is_a_noul() -> None:
    assert asked("now!", type="noul", x_function="m.is_urgent").nouls["q"].noul == pytest.approx(0.75)


def test_a_function_of_an_enum_is_a_choice() -> None:
    found = asked("x", type="choice", x_function="m.team").choices["q"]
    assert (found.choice, list(found.probabilities)) == ("sales", ["billing", "sales"])


def test_criteria_say_the_order_of_its_options() -> None:
    criteria = {"sales": "Prices", "billing": None}
    found = asked("x", type="choice", x_function="m.team", criteria=criteria).choices["q"]
    assert found.probabilities == pytest.approx({"sales": 0.9, "billing": 0.1})
    assert list(found.probabilities) == ["sales", "billing"]


def test_a_function_of_an_item_of_a_list_is_a_choice_among_the_items() -> None:
    found = asked({"text": "x", "names": ["a", "b"]}, type="choice", x_function="m.pick").choices["q"]
    assert found.probabilities == pytest.approx({"a": 0.25, "b": 0.75})


def test_a_function_of_a_few_numbers_is_a_score() -> None:
    found = asked({"subject": "s", "text": "t"}, type="score", x_function="m.anger").scores["q"]
    assert found.score == pytest.approx(1)
    assert found.legend == {"0": "1", "1": "2", "2": "3"}
    named = asked({"subject": "s", "text": "t"}, type="score", x_function="m.anger", criteria=list("lmh"))
    assert named.scores["q"].legend == {"0": "l", "1": "m", "2": "h"}


def test_numbers_that_are_no_levels_are_a_choice() -> None:
    digit = asked("x", type="choice", x_function="m.digit").choices["q"]  # 3 and 5, which lie 2 apart
    assert (digit.choice, list(digit.probabilities)) == ("5", ["3", "5"])
    share = asked("x", type="choice", x_function="m.share").choices["q"]
    assert share.choice == "50"
    assert len(share.probabilities) == 101


@pytest.mark.parametrize(
    ("question", "field", "message"),
    [
        ({"type": "noul", "x_function": "m.nobody"}, "x_function", "no function `m.nobody` is served"),
        ({"type": "noul", "x_function": "m.both"}, "x_function", "m.both is a flow"),
        ({"type": "noul", "x_function": "m.team"}, "type", "returns Team, which is a choice"),
        ({"type": "choice", "x_function": "m.title"}, "type", "neither a noul nor a choice nor a score"),
        ({"type": "choice", "x_function": "m.seat"}, "type", "neither a noul nor a choice nor a score"),
        ({"type": "choice", "x_function": "m.perhaps"}, "type", "neither a noul nor a choice nor a score"),
        ({"type": "score", "x_function": "m.share"}, "type", "which is a choice"),
        ({"type": "score", "x_function": "m.digit"}, "type", "which is a choice"),
        ({"type": "noul", "x_function": "m.anger"}, "x_function", "anger needs `subject`, `text`"),
        (
            {"type": "choice", "x_function": "m.team", "criteria": {"sales": None, "other": None}},
            "criteria",
            "the options of m.team are billing, sales",
        ),
        ({"type": "score", "x_function": "m.grade", "criteria": ["a", "b", "c"]}, "criteria", "has 2 levels"),
    ],
)
def test_a_function_is_refused_where_it_does_not_answer(
    question: dict[str, object], field: str, message: str
) -> None:
    with pytest.raises(QuestionError) as found:
        asked("x", **question)
    assert message in found.value.message
    assert (found.value.question, found.value.field) == ("q", field)


def test_the_fields_of_a_state_are_arguments() -> None:
    with pytest.raises(QuestionError, match="needs `subject`"):
        asked({"text": "x"}, type="score", x_function="m.anger")
    with pytest.raises(QuestionError, match="`text` must be str"):
        asked({"text": 1}, type="noul", x_function="m.is_urgent")
