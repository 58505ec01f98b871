"""What decides where the state comes first: label scores behind it, and heads as they were fitted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from microprompt import abi
from microprompt.deciding.choices import questions
from microprompt.deciding.decider import Decider
from microprompt.deciding.scores import LABEL_FREE, can_leave_out
from microprompt.engines.base import Call
from microprompt.heads import tuning
from microprompt.heads.evidence import Labels, Readout, evidence_of
from microprompt.heads.head import Head, HeadPart
from microprompt.heads.linear import Linear
from microprompt.heads.names import name_of
from microprompt.heads.tuning import Entry
from microprompt.program import Arrangement, Program
from microprompt.types import BoolType

from ..runtime.programs import ACT, INNER, Act, Inner, program
from .fakes import FakeSources, ask, call, direction

KEY = "0123456789abcdef" * 2
STATE = Arrangement(state="text")
FIRST = "Text:\n"


@pytest.fixture
def sources() -> Iterator[FakeSources]:
    often, less = {True: 0.875, False: 0.125}, {True: 0.625, False: 0.375}
    acts = {Act.question: 0.5, Act.command: 0.375, Act.other: 0.125}
    found = FakeSources({"ask": lambda text: less if text == "Hm." else often, "act": acts})
    yield found
    found.close()


def prompts(sources: FakeSources, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The prompts that the model is asked, as they come."""
    found: list[str] = []
    learn = sources.small._learn

    def seen(prompt: bytes, lines: dict[bytes, float]) -> None:
        found.append(prompt.decode())
        learn(prompt, lines)

    monkeypatch.setattr(sources.small, "_learn", seen)
    return found


def test_the_prior_is_of_the_layout(sources: FakeSources, monkeypatch: pytest.MonkeyPatch) -> None:
    found = prompts(sources, monkeypatch)
    over = Decider(program(BoolType()).arranged(STATE), Path(), sources=sources)
    assert ask(over, "Hm.").value is False
    assert [each.startswith(FIRST) for each in found] == [False] * 8 + [True] * 9
    assert len(LABEL_FREE) == 8
    (one,) = over.settlement().settled
    assert one.head is not None
    assert one.head.evidence == (Labels(STATE),)
    assert over.render(call(over.program, "Hm.")) == found[-1]
    assert over.explain(over.program).state == "text"


def test_what_was_fitted_is_kept_for_each_layout(sources: FakeSources) -> None:
    for arrangement in (Arrangement(), STATE, Arrangement(), STATE):
        Decider(program(BoolType()).arranged(arrangement), Path(), sources=sources).settlement()
    assert len(sources.small.calls) == 16


def test_evidence_that_is_laid_out_over_a_state_is_kept_as_data() -> None:
    found = Labels(STATE)
    assert evidence_of(found.to_data()) == found
    assert name_of(found).whole == "the labels' probabilities, corrected, text first"
    for wrong in (7, ""):
        with pytest.raises(ValueError, match="a state is the name of a parameter"):
            evidence_of({**found.to_data(), "state": wrong})


def test_what_is_said_of_many_examples_costs_too_much_to_ask() -> None:
    many = program(BoolType(), examples={f"{number}": bool(number % 2) for number in range(20)})
    (question,) = questions(many.returns)
    assert can_leave_out(many, question)
    assert not can_leave_out(many.arranged(STATE), question)


def test_a_head_that_was_tuned_goes_by_what_it_was_fitted_on(
    sources: FakeSources, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A readout behind the prompt's own prefix and label scores, both with the instruction first."""
    read: list[Program] = []
    passage = sources.small.passage

    def seen(call: Call, reading: Readout) -> object:
        read.append(call.program)
        return passage(call, reading)

    monkeypatch.setattr(sources.small, "passage", seen)
    asked = prompts(sources, monkeypatch)
    words = np.stack([direction(text) for text in ("is", "close", "falling")])
    nothing = np.zeros(3, dtype=np.float32)
    parts = (
        HeadPart(Readout(1, "own"), 1.0, Linear(words, nothing)),
        HeadPart(Labels(), 1.0, Linear(np.eye(3, dtype=np.float32), nothing)),
    )
    entry = Entry(key=KEY, model="smollm2-135m", heads={"": Head(parts=parts)})
    tuning.write(tmp_path / "act.tuning.json", {"act": (entry,)})
    tuned = replace(program(ACT, name="act"), tuning=abi.Tuning(file="act.tuning.json", key=KEY))
    over = Decider(tuned.arranged(STATE), tmp_path, sources=sources)
    assert ask(over, "Bring it.").answered_by == "labels+readout"
    assert [each.arrangement for each in read] == [Arrangement()]
    assert not any(each.startswith(FIRST) for each in (*asked, over.render(call(over.program, "Bring it."))))


def test_the_rest_of_a_record_is_written_behind_the_state(
    sources: FakeSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources.small._script = {"ask": Inner(Act.other, 3)}
    asked = prompts(sources, monkeypatch)
    over = Decider(program(INNER).arranged(STATE), Path(), sources=sources)
    assert ask(over, "asks for something").value.act is Act.question
    assert asked
    assert all(each.startswith(FIRST) for each in asked)
