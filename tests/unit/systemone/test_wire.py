"""Questions as they may be asked, and the confidences of answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jevcompat import validate
from pydantic import ValidationError

from microprompt.systemone.wire import (
    SystemOneRequest,
    choice_answer,
    choice_confidence,
    score_answer,
    score_confidence,
)

PROBABILITIES = st.lists(st.floats(0.001, 1), min_size=2, max_size=10).map(
    lambda found: [each / sum(found) for each in found]
)


MANY = dict.fromkeys(map(str, range(256)))


def asked(**question: object) -> SystemOneRequest:
    """A request with one question."""
    return SystemOneRequest.model_validate({"model": "m", "state": "s", "questions": {"q": question}})


@pytest.mark.parametrize(
    "question",
    [
        {"type": "noul", "instructions": "Is it?"},
        {"type": "noul", "instructions": ["Is", "it?"], "criteria": None},
        {"type": "noul", "criteria": {"false": "It is not."}},
        {"type": "noul", "instructions": "Is it?", "x_mine": 1},
        {"type": "choice", "criteria": {"a": None, "": {"b": ["c"]}}},
        {"type": "choice", "x_function": "m.f"},
        {"type": "score", "criteria": ["low", {"high": 1}]},
    ],
)
def test_a_question_is_taken(question: dict[str, object]) -> None:
    assert asked(**question).questions["q"].type == question["type"]


@pytest.mark.parametrize(
    ("question", "place", "kind"),
    [
        ({"instructions": "Is it?"}, (), "union_tag_not_found"),
        ({"type": "boolean"}, (), "union_tag_invalid"),
        ({"type": "noul"}, ("noul",), "missing"),
        ({"type": "noul", "criteria": {"true": None}}, ("noul",), "missing"),
        ({"type": "noul", "criteria": {"yes": "y"}}, ("noul", "criteria"), "extra_forbidden"),
        ({"type": "noul", "instruction": "Is it?"}, ("noul",), "extra_forbidden"),
        ({"type": "noul", "instructions": 1}, ("noul", "instructions"), "text_type"),
        ({"type": "choice"}, ("choice",), "missing"),
        ({"type": "choice", "criteria": {"a": None}}, ("choice", "criteria"), "too_short"),
        ({"type": "choice", "criteria": MANY}, ("choice", "criteria"), "too_long"),
        ({"type": "choice", "criteria": {"a": None, "b": 1}}, ("choice", "criteria", "b"), "text_type"),
        ({"type": "choice", "criteria": ["a", "b"]}, ("choice", "criteria"), "dict_type"),
        ({"type": "score", "criteria": ["a"]}, ("score", "criteria"), "too_short"),
        ({"type": "score", "criteria": list("abcdefghijk")}, ("score", "criteria"), "too_long"),
        ({"type": "score", "criteria": ["a", None]}, ("score", "criteria", 1), "text_type"),
        ({"type": "score", "criteria": {"0": "a", "1": "b"}}, ("score", "criteria"), "list_type"),
    ],
)
def test_a_question_is_refused_where_it_is_wrong(
    question: dict[str, object], place: tuple[object, ...], kind: str
) -> None:
    with pytest.raises(ValidationError) as found:
        asked(**question)
    (error,) = found.value.errors()
    assert (error["loc"], error["type"]) == (("questions", "q", *place), kind)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"questions": {}}, "too_short"),
        ({"questions": {"": {"type": "noul", "instructions": "i"}}}, "too_short"),
        ({"state": None}, "text_type"),
        ({"model": 1}, "string_type"),
        ({"assets": {"a": {}}}, "assets"),
        ({"x_order": "random"}, "literal_error"),
    ],
)
def test_a_request_is_refused(change: dict[str, object], kind: str) -> None:
    request = {"model": "m", "state": "s", "questions": {"q": {"type": "noul", "instructions": "i"}}}
    with pytest.raises(ValidationError) as found:
        SystemOneRequest.model_validate({**request, **change})
    assert [error["type"] for error in found.value.errors()] == [kind]


def test_other_fields_of_a_request_are_passed_over() -> None:
    request = {"model": "m", "state": "s", "questions": {"q": {"type": "noul", "instructions": "i"}}}
    assert SystemOneRequest.model_validate({**request, "seed": 7, "assets": None}).state == "s"


@given(PROBABILITIES)
def test_confidences_are_those_of_the_reference(probabilities: list[float]) -> None:
    for ours, theirs in (
        (choice_confidence, validate.choice_confidence),
        (score_confidence, validate.score_confidence),
    ):
        assert ours(probabilities) == pytest.approx(theirs(probabilities), abs=1e-12)


def test_an_answer_is_made_of_probabilities() -> None:
    choice = choice_answer({"b": 0.2, "a": 0.7, "c": 0.1})
    assert (choice.choice, list(choice.probabilities)) == ("a", ["b", "a", "c"])
    assert choice.confidence == pytest.approx(0.55)
    score = score_answer(["low", {"is": "high"}], [0.25, 0.75])
    assert (score.score, score.confidence) == (0.75, 0.5)
    assert score.legend == {"0": "low", "1": {"is": "high"}}
