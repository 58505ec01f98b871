"""Label scores, corrected by how often each label is said anyway."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from microprompt import abi
from microprompt.deciding.choices import Question, questions
from microprompt.deciding.decider import Decider
from microprompt.deciding.scores import LABEL_FREE, corrected, scored
from microprompt.deciding.source import Made
from microprompt.heads.evidence import Labels
from microprompt.program import Parameter, Program
from microprompt.types import BoolType, DeclaredType, IntType, OptionalType, StrType

from ..runtime.programs import ACT, INNER, Act, program
from .fakes import FakeSources, ask, with_using

YES = Act.question


@pytest.fixture
def sources() -> Iterator[FakeSources]:
    often, less = {True: 0.875, False: 0.125}, {True: 0.625, False: 0.375}
    found = FakeSources({"ask": lambda text: less if text == "Hm." else often})
    yield found
    found.close()


def made_of(asked: Program, sources: FakeSources, question: Question | None = None) -> Made:
    return scored(asked, question or questions(asked.returns)[0], sources(None, Path()))


def taking(type: DeclaredType) -> Program:
    return replace(program(BoolType()), parameters=(Parameter(name="text", type=type),))


def test_blocks_take_no_inputs_without_content(sources: FakeSources) -> None:
    urgent = abi.Condition(text="urgent", names=("urgent",), holds=lambda urgent: urgent)
    asked = replace(
        program(BoolType()),
        parameters=(Parameter(name="text", type=StrType()), Parameter(name="urgent", type=BoolType())),
        input=("Input: ", abi.Hole(parameter="text"), abi.If(arms=(abi.IfArm(when=urgent, parts=("!",)),))),
    )
    assert made_of(asked, sources).head is None


def test_a_label_that_is_said_too_often_is_made_less_likely() -> None:
    said = np.log(np.array([[0.9, 0.1], [0.7, 0.3]], dtype=np.float32))
    linear = corrected(said)
    assert np.allclose(linear.bias, -0.75 * np.log([0.8, 0.2]))
    assert np.array_equal(linear.weights, np.eye(2))


def test_a_label_that_is_hardly_ever_said_gains_no_more_than_the_floor() -> None:
    linear = corrected(np.log(np.array([[0.999, 0.001]], dtype=np.float32)))
    assert linear.bias[1] == pytest.approx(-0.75 * np.log(0.02))


def test_one_label_for_everything_is_no_answer_any_more(sources: FakeSources) -> None:
    decider = Decider(program(BoolType()), Path(), sources=sources)
    answers = [ask(decider, text) for text in ("Hm.", "Yes.")]
    assert [(answer.value, answer.answered_by) for answer in answers] == [(False, "labels"), (True, "labels")]
    assert not answers[0].calibrated
    assert answers[0].coverage == pytest.approx(1.0)


def test_without_an_embedder_the_words_of_labels_are_scored(sources: FakeSources) -> None:
    sources.fake_embedder = None
    sources.small._script = {"ask": lambda text: {YES: 0.5, Act.command: 0.5} if text == "Hm." else YES}
    decider = Decider(program(ACT), Path(), sources=sources)
    assert ask(decider, "Hm.").value is Act.command


def test_who_asks_for_label_scores_gets_them_as_they_are(sources: FakeSources) -> None:
    raw = Decider(with_using(program(BoolType()), decide=abi.LABELS), Path(), sources=sources)
    assert ask(raw, "Hm.").value is True
    assert len(sources.small.calls) == 1


@pytest.mark.parametrize(
    ("type", "inputs"),
    [(StrType(), 8), (StrType(min_length=1), 7), (StrType(min_length=8), 0), (IntType(), 0)],
    ids=["text", "some text", "long text", "number"],
)
def test_inputs_without_content_are_such_as_the_prompt_takes(
    sources: FakeSources, type: DeclaredType, inputs: int
) -> None:
    made = made_of(taking(type), sources)
    assert (made.head is not None, len(sources.small.calls)) == (inputs > 0, inputs)


def test_nothing_is_said_of_a_field(sources: FakeSources) -> None:
    assert made_of(program(INNER), sources).head is None


def test_examples_tell_the_prior_each_behind_a_prompt_without_it(
    sources: FakeSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = []

    def weighted(call: object, plan: object) -> object:
        shown.append([example.arguments[0] for example in call.program.examples])  # type: ignore[attr-defined]  # a call
        return "", [(True, 0.75), (False, 0.25)]

    monkeypatch.setattr(sources.small, "_weighted", weighted)
    asked = program(BoolType(), examples={"a": True, "b": False, "c": True, "d": False})
    made = made_of(asked, sources)
    assert shown == [["a", "b", "c"], ["a", "b", "d"], ["a", "c", "d"], ["b", "c", "d"]]
    assert made.unseen is not None
    assert (made.unseen.examples, made.unseen.chance) == (4, 2)
    assert made.head is not None
    (part,) = made.head.parts
    assert part.evidence == Labels()
    assert sorted(np.exp(part.linear.bias / -0.75)) == pytest.approx([0.25, 0.75])


@pytest.mark.parametrize("answer", [True, None])
def test_examples_of_some_labels_tell_no_prior(sources: FakeSources, answer: object) -> None:
    asked = program(OptionalType(item=BoolType()), examples=dict.fromkeys("abcd", answer))
    made_of(asked, sources)
    assert [arguments["text"] for _, arguments in sources.small.calls] == list(LABEL_FREE)
