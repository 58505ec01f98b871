"""The bench of questions of the System One API."""

from __future__ import annotations

from .states import texts
from .states_worker import outcome
from .systemone import QUESTIONS, labels_of, prompts_of


def test_all_questions_begin_with_the_text_and_go_on_with_what_they_ask() -> None:
    (text,) = texts(1)
    state, tails = prompts_of(text)
    assert state.endswith(text)
    assert len(tails) == len(QUESTIONS) == 10
    assert all(
        str(question["instructions"]) in tail for question, tail in zip(QUESTIONS, tails, strict=True)
    )


def test_answers_of_all_types_are_labels() -> None:
    assert outcome({"type": "noul", "noul": 0.4}) == "no"
    assert outcome({"type": "choice", "probabilities": {"a": 0.4, "b": 0.6}}) == "b"
    assert outcome({"type": "score", "probabilities": {"0": 0.4, "1": 0.6}}) == "1"
    assert labels_of(QUESTIONS[0]) == ("yes", "no")
    assert labels_of(QUESTIONS[-1]) == ("0", "1", "2")
