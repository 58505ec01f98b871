"""Questions about one state: how they are put, and what comes of what is said."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from microprompt import abi, adecide, decide, flow
from microprompt.errors import ArgumentError, ModelError, PromptTooLong
from microprompt.systemone import (
    AnyQuestion,
    ChoiceQuestion,
    NoulCriteria,
    NoulQuestion,
    ScoreQuestion,
    by_words,
    priors,
)
from microprompt.systemone.polls import LABELS_WEIGH, MAX_LISTED
from microprompt.systemone.questions import FREE, MAX_ORDERS, NoulInquiry, distribution_of
from microprompt.testing import ScriptedEngine, scripted

from .replies import BY_LENGTH, lines, preferring

TEAM = {"type": "choice", "instructions": "Which team?", "criteria": {"sales": "Prices", "billing": "Money"}}


def about_state(engine: ScriptedEngine) -> int:
    """How often something was asked about a state that has content."""
    return sum(arguments["state"] not in FREE for _, arguments in engine.calls)


def test_each_type_of_question_is_answered() -> None:
    questions: dict[str, AnyQuestion] = {
        "refund": NoulQuestion(instructions="Money back?"),
        "team": ChoiceQuestion(criteria={"short": None, "much longer": None}),
        "anger": ScoreQuestion(instructions="How angry?", criteria=["calm", "furious"]),
    }
    with scripted(BY_LENGTH):
        found = decide("I was charged twice.", questions)
    assert list(found.answers) == ["refund", "team", "anger"]
    assert found.nouls["refund"].noul == pytest.approx(0.75)
    assert found.choices["team"].choice == "much longer"
    assert found.choices["team"].probabilities == pytest.approx({"short": 6 / 18, "much longer": 12 / 18})
    assert found.scores["anger"].score == pytest.approx(8 / 13)
    assert found.usage.input_tokens > 0
    assert found["anger"] is found.answers["anger"]


def test_the_state_comes_first_and_options_in_an_order_of_their_own() -> None:
    with scripted(BY_LENGTH) as engine:
        decide({"subject": "Twice"}, {"team": TEAM})
    name, arguments = engine.calls[0]
    assert name == "choice"
    assert arguments == {
        "state": "subject: Twice",
        "question": "Which team?\n- billing: Money\n- sales: Prices",
        "options": ["billing", "sales"],
    }


def test_the_order_in_which_options_are_given_changes_nothing_but_their_order() -> None:
    turned = {**TEAM, "criteria": {"billing": "Money", "sales": "Prices"}}
    with scripted(BY_LENGTH) as engine:
        first = decide("x", {"q": TEAM}).choices["q"]
        second = decide("x", {"q": turned}).choices["q"]
    assert engine.calls[0] == engine.calls[-1]
    assert first.probabilities == second.probabilities
    assert list(second.probabilities) == ["billing", "sales"]


def test_ids_are_not_shown_and_equal_questions_are_asked_once() -> None:
    with scripted(BY_LENGTH) as engine:
        found = decide("x", {"secret": TEAM, "질문": TEAM})
    assert [arguments["state"] for _, arguments in engine.calls] == ["x", *FREE]
    assert found["secret"] == found["질문"]
    assert "secret" not in str(engine.calls)


def test_descriptions_of_yes_and_no_are_shown() -> None:
    question = NoulQuestion(criteria=NoulCriteria(true={"is": "urgent"}, false="It can wait"))
    with scripted(BY_LENGTH) as engine:
        decide("x", {"q": question})
    assert engine.calls[0][1]["question"] == (
        "Does this hold of the text above?\n- yes:\n    is: urgent\n- no: It can wait"
    )


def test_control_tokens_in_a_question_stay_text(monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted(BY_LENGTH) as engine:
        asked: list[bool] = []
        tokenize = engine.backend.tokenize

        def noted(text: str, *, control: bool) -> list[int]:
            asked.append(control and "<|im_end|>" in text)
            return tokenize(text, control=control)

        monkeypatch.setattr(engine.backend, "tokenize", noted)
        decide("<|im_end|>", {"q": {"type": "choice", "criteria": {"<|im_end|>": "<|im_end|>", "b": None}}})
    assert asked
    assert not any(asked)


@pytest.mark.parametrize("name", ["", " ", "\n", "a\nb", "yes", "1", "환불 요청", "🙂", "e\u0301", "\x00"])
def test_names_of_options_come_back_as_they_were(name: str) -> None:
    with scripted(BY_LENGTH):
        found = decide("x", {"q": {"type": "choice", "criteria": {name: None, "other": "something"}}})
    assert list(found.choices["q"].probabilities) == [name, "other"]


def test_more_options_than_a_list_holds_are_asked_in_groups() -> None:
    names = [f"Queue {number:03d}" for number in range(255)]

    def likes(place: int, option: str) -> float:
        return 50 if option == "Queue 137" else 1

    with scripted(preferring(likes)) as engine:
        found = decide("x", {"q": {"type": "choice", "criteria": dict.fromkeys(names)}}).choices["q"]
    assert all(len(lines(str(arguments["question"]))) <= MAX_LISTED for _, arguments in engine.calls)
    assert len(engine.calls) == 9 * (1 + len(FREE))
    assert found.choice == "Queue 137"
    assert list(found.probabilities) == names
    # As if all had stood in one list: 50 to 1 against each other one.
    assert found.probabilities["Queue 137"] == pytest.approx(50 / 304, rel=1e-4)
    assert found.probabilities["Queue 000"] == pytest.approx(1 / 304, rel=1e-4)


def test_orders_are_averaged_until_they_agree() -> None:
    names = [f"option {number}" for number in range(16)]
    question = {"type": "choice", "criteria": dict.fromkeys(names)}

    def first(place: int, option: str) -> float:
        return 0.01 if place else 0.99

    def certain(place: int, option: str) -> float:
        return 0.99 if option == "option 5" else 0.0001

    with scripted(preferring(first)) as engine:
        found = decide("x", {"q": question}, order="averaged").choices["q"]
        assert about_state(engine) == MAX_ORDERS
    # Half of the options have stood first once, and none of these is preferred.
    assert sorted(found.probabilities.values())[-8:] == pytest.approx([max(found.probabilities.values())] * 8)
    with scripted(preferring(certain)) as engine:
        found = decide("x", {"q": question}, order="averaged").choices["q"]
        assert about_state(engine) == 2
    assert found.choice == "option 5"


def test_options_as_few_as_orders_all_stand_first_once() -> None:
    question = {"type": "choice", "criteria": {"a": None, "b": None, "c": None}}
    with scripted(preferring(lambda place, option: 1.0 + place)) as engine:
        found = decide("x", {"q": question}, order="averaged").choices["q"]
    assert about_state(engine) == 3
    assert found.probabilities == pytest.approx(dict.fromkeys("abc", 1 / 3))


def test_wrong_questions_are_told_with_their_places() -> None:
    with pytest.raises(ArgumentError, match=r"questions\.q\.noul: A noul needs") as found:
        decide("x", {"q": {"type": "noul"}, "": TEAM})
    assert "questions..[key]" in str(found.value)


def test_a_text_that_does_not_fit_names_its_question() -> None:
    with scripted(BY_LENGTH), pytest.raises(PromptTooLong) as found:
        decide("x" * 20_000, {"long": TEAM})
    assert found.value.parameter == "state"
    assert "in the question 'long'" in found.value.__notes__


def test_tasks_ask_as_threads_do() -> None:
    async def ask() -> Any:
        return await adecide("x", {"q": TEAM}, order="averaged")

    with scripted(BY_LENGTH):
        assert asyncio.run(ask()) == decide("x", {"q": TEAM}, order="averaged")


def test_what_is_said_of_nothing_is_divided_out() -> None:
    def choose(state: str, question: str, options: list[str]) -> dict[str, float]:
        return {"a": 0.5, "b": 0.5} if state not in FREE else {"a": 0.9, "b": 0.1}

    question = {"type": "choice", "criteria": {"a": None, "b": None}}
    with scripted({"choice": choose}) as engine:
        first = decide("x", {"q": question})
        asked = len(engine.calls)
        again = decide("y", {"q": question})
    odds = (0.1 / 0.9) ** 0.75  # all of it would correct too much
    assert first.choices["q"].probabilities == pytest.approx({"a": odds / (1 + odds), "b": 1 / (1 + odds)})
    assert again.answers == first.answers
    assert (asked, len(engine.calls)) == (1 + len(FREE), 2 + len(FREE))
    assert again.usage == first.usage


def test_what_was_said_of_nothing_is_kept_for_so_many_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(priors, "_KEPT", 2)
    questions = {str(number): NoulQuestion(instructions=f"Is it {number}?") for number in range(4)}
    with scripted(BY_LENGTH) as engine:
        decide("x", {**questions})
        assert len(priors._by_engine[engine]) == 2


@pytest.mark.parametrize("names", [["one", "two\nlines"], ["ﬁ", "fi"], ["a", ""]])
def test_options_that_are_no_words_are_numbered(names: list[str]) -> None:
    with scripted(BY_LENGTH) as engine:
        decide("x", {"q": {"type": "choice", "criteria": dict.fromkeys(names)}})
    assert engine.calls[0][1]["options"] == ["1", "2"]
    assert "\n1. " in str(engine.calls[0][1]["question"])


def test_the_words_of_options_stand_beside_what_the_model_says(monkeypatch: pytest.MonkeyPatch) -> None:
    def nearest(state: str, options: list[by_words.Option]) -> dict[by_words.Option, float]:
        assert [option.means for option in options] == ["", "Money"]
        return dict(zip(options, (0.2, 0.8), strict=True))

    def choose(state: str, question: str, options: list[str]) -> dict[str, float]:
        return dict(zip(options, (0.5, 0.5) if state in FREE else (0.8, 0.2), strict=True))

    # In the place of an embedder, of which an engine that is scripted knows nothing.
    monkeypatch.setattr(by_words, "can_tell", lambda: True)
    monkeypatch.setattr(by_words, "ANSWERED_BY", "labels")
    question = {"type": "choice", "criteria": {"billing": "Money", "other": None}}
    with scripted({"nearest": nearest, "choice": choose}) as engine:
        found = decide("x", {"q": question}, order="averaged")
        assert [name for name, _ in engine.calls].count("nearest") == 1
    odds = (0.8 / 0.2) * (0.2 / 0.8) ** LABELS_WEIGH
    assert found.choices["q"].probabilities["billing"] == pytest.approx(odds / (1 + odds))
    monkeypatch.setattr(by_words, "ANSWERED_BY", "embedder")  # the model answers, for there is none
    with scripted({"nearest": nearest, "choice": choose}):
        assert decide("x", {"q": question}).choices["q"].probabilities["billing"] == pytest.approx(0.2)


def test_who_looks_at_calls_is_told_of_questions_alone() -> None:
    @flow
    def ask() -> float:
        return decide("x", {"q": TEAM}).choices["q"].confidence

    ask.body = abi.Flow(source="m.mp", line=1)
    with scripted(BY_LENGTH):
        trace = ask.trace()
    assert [decision.arguments["state"] for decision in trace.decisions] == ["x"]


def test_a_model_on_a_server_is_asked_once() -> None:
    with scripted(BY_LENGTH) as engine:
        decide("x", {"q": TEAM}, model="openai:http://127.0.0.1:1/v1#large")
    assert [arguments["state"] for _, arguments in engine.calls] == ["x"]


def test_a_model_without_probabilities_is_told() -> None:
    inquiry = NoulInquiry(NoulQuestion(instructions="Is it?"), "x", None)
    with scripted(BY_LENGTH):
        answer = inquiry.function.detail(**inquiry.arguments(0))
    with pytest.raises(ModelError, match="scripted tells no probabilities"):
        distribution_of(replace(answer, distribution=None))
