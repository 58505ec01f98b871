"""What decides, as `explain` says it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from microprompt import abi
from microprompt.deciding.decider import Decider
from microprompt.explain import Explanation, Speed
from microprompt.heads import tuning
from microprompt.heads.evidence import FORMS, Embedding, Readout
from microprompt.heads.head import Head, HeadPart
from microprompt.heads.linear import Linear
from microprompt.heads.names import name_of
from microprompt.heads.tuning import Entry
from microprompt.program import Program
from microprompt.types import BoolType, OptionalType
from mpc.cli.explain import _function as lines

from ..runtime.programs import ACT, Act, program
from .fakes import EXAMPLES, LARGE, FakeSources, with_using


@pytest.fixture
def sources() -> Iterator[FakeSources]:
    found = FakeSources({"ask": Act.question})
    yield found
    found.close()


def explained(laid_out: Program, sources: FakeSources, folder: Path = Path()) -> Explanation:
    return Decider(laid_out, folder, sources=sources).explain(laid_out)


def test_what_the_source_alone_gives_says_how_it_does_on_unseen_examples(sources: FakeSources) -> None:
    sources.small.speed = Speed(call_token_ms=2.0, batch_token_ms=1.0)
    found = explained(program(ACT, examples=EXAMPLES), sources)
    (choice,) = found.choices
    assert (choice.name, choice.answered_by, choice.origin) == ("", "readout+embedder", "source")
    assert (choice.examples, choice.right, choice.chance) == (6, 6, 2)
    assert [part.weight > 0 for part in choice.parts] == [True, True]
    assert found.cost is not None
    assert found.cost.read_ms == found.cost.argument_tokens * 2.0 / 2  # one layer of two
    text = "\n".join(lines(found))
    assert "answered by: readout+embedder (weights " in text
    assert "examples left out in turn: 6 of 6 right, chance 2" in text


def test_where_labels_are_scored_it_says_what_would_help(sources: FakeSources) -> None:
    sources.small._script = {"ask": True}
    found = explained(program(BoolType()), sources)
    assert [(choice.answered_by, choice.origin) for choice in found.choices] == [("labels", "source")]
    assert "the labels' probabilities, corrected" in "\n".join(lines(found))
    assert "mpc tune" in "\n".join(lines(found))


def test_thresholds_are_shown_as_numbers(sources: FakeSources) -> None:
    laid_out = with_using(
        program(OptionalType(item=ACT)),
        abstain=abi.Threshold(below=0.6),
        escalate=abi.Escalation(model=LARGE, when=abi.Threshold(below=0.75)),
    )
    text = "\n".join(lines(explained(laid_out, sources)))
    assert "below 0.75 it is put to gemma3-270m as well, and what both say is added up" in text
    assert "  answered by: labels\n    not tuned, and worth less until it is" in text
    assert "below 0.6 the answer is none" in text


def test_what_decides_on_the_larger_model_is_shown(sources: FakeSources, tmp_path: Path) -> None:
    key = "0" * 32
    part = HeadPart(Readout(1, "none"), 1.0, Linear(np.ones((3, 64), np.float32), np.zeros(3, np.float32)))
    head = Head(parts=(part,), calibrated=True)
    entry = Entry(key=key, model=LARGE.name, heads={"": head})
    tuning.write(tmp_path / "ask.tuning.json", {"ask": (entry,)})
    laid_out = with_using(
        replace(program(ACT), tuning=abi.Tuning(file="ask.tuning.json", key=key)),
        escalate=abi.Escalation(model=LARGE, when=abi.Threshold(below=0.75)),
    )
    found = explained(laid_out, sources, tmp_path)
    assert found.escalate_to is not None
    assert (found.escalate_to.model, found.escalate_to.choice.answered_by) == (LARGE.name, "readout")
    assert "    hidden states behind layer 1, the arguments read alone" in lines(found)
    assert json.loads(json.dumps(found.to_json()))["escalate_to"]["choice"]["calibrated"] is True


def test_a_tuning_that_is_not_used_says_why(sources: FakeSources, tmp_path: Path) -> None:
    entry = Entry(key="0" * 32, model="smollm2-135m", heads={})
    tuning.write(tmp_path / "ask.tuning.json", {"ask": (entry,)})
    laid_out = replace(program(ACT), tuning=abi.Tuning(file="ask.tuning.json", key="1" * 32))
    found = explained(laid_out, sources, tmp_path)
    said = "its tuning is not used: ask.tuning.json was made for another version of this prompt"
    assert said in lines(found)
    assert json.loads(json.dumps(found.to_json()))["untuned"] == found.untuned


def test_each_form_of_an_embedding_is_told_apart() -> None:
    told = [name_of(Embedding("minilm-l6", form)).whole for form in FORMS]
    assert told == [
        "minilm-l6, what the text is about",
        "minilm-l6, how near the two texts are",
        "minilm-l6, how the two texts compare",
    ]
