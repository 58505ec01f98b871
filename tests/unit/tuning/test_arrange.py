"""Without rows: label scores, and the layout and orders of their prompt, against what the source says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from microprompt import abi, settings
from microprompt.deciding.decider import Decider
from microprompt.engines.base import Call
from microprompt.heads import tuning
from microprompt.heads.evidence import Labels
from microprompt.heads.names import short_name
from microprompt.program import USUAL, Arrangement
from microprompt.tuning.request import Found
from microprompt.tuning.tune import tune, write
from mpc.cli.explain import _function as lines

from ..deciding.fakes import FakeSources, ask, call
from ..runtime.programs import ACT, Act, program
from ..runtime.test_layout import turns
from .test_tune import Told, request

# No word is in two texts, so that neither hidden states nor embeddings tell anything.
WORDS = ["ash", "bay", "cod", "dew", "elm", "fir", "gum", "hay", "ivy", "jet", "kit", "log"]
EXAMPLES = {word: [*Act][at // 4] for at, word in enumerate(WORDS)}
ASKED = program(ACT, examples=EXAMPLES)

Sure = Callable[[Arrangement], float]
"""How sure the labels of an arrangement are, of what is right."""


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[FakeSources]:
    settings.configure(home=tmp_path / "home")
    found = FakeSources()
    found.fake_embedder = None
    yield found
    found.close()
    settings.reset()


def is_sure(sources: FakeSources, monkeypatch: pytest.MonkeyPatch, sure: Sure) -> None:
    def weighted(call: Call, plan: object) -> tuple[str, list[tuple[object, float]]]:
        right = EXAMPLES.get(str(call.arguments["text"]), Act.question)
        probability = sure(call.program.arrangement)
        return "", [(act, probability if act is right else (1 - probability) / 2) for act in Act]

    monkeypatch.setattr(sources.small, "_weighted", weighted)


def found_by(sources: FakeSources, told: Told | None = None, **more: Any) -> Found:
    (found,) = tune(request(ASKED, **more), told or Told(), sources=sources).found
    return found


def arrangements(found: Found) -> list[Arrangement]:
    return [
        each.arrangement for trial in found.tried for each in trial.evidence if isinstance(each, Labels)
    ]


def test_scores_that_say_no_more_than_the_source_take_no_part(
    sources: FakeSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_sure(sources, monkeypatch, lambda arrangement: 0.25)
    told = Told()
    found = found_by(sources, told)
    assert found.head is not None
    assert found.head.answered_by == "readout"
    assert arrangements(found) == [USUAL]
    assert "; label scores take no part, so layout and orders of their prompt were not" in found.note
    assert told.read == [(Labels(), 12)]
    assert told.done == 12


def test_scores_that_are_better_answer_behind_the_usual_prompt(
    sources: FakeSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_sure(sources, monkeypatch, lambda arrangement: 0.75)
    found = found_by(sources)
    assert found.head is not None
    assert found.head.evidence == (Labels(),)
    # The model has no chat template, and only one member has a meaning.
    assert arrangements(found) == [
        USUAL,
        Arrangement(examples="reversed"),
        Arrangement(examples="interleaved"),
    ]
    assert "of 12 examples, left out in turn, 12 come out right (chance 4)" in found.note


def test_a_better_order_is_found_kept_and_used(
    sources: FakeSources, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sources.small.backend.template = turns
    best = Arrangement(layout="chat", examples="interleaved")
    is_sure(
        sources,
        monkeypatch,
        lambda said: 0.5 + 0.2 * (said.layout == "chat") + 0.2 * (said.examples == "interleaved"),
    )
    entry = tune(request(ASKED), Told(), sources=sources).entry
    path, _ = write(tmp_path / "ask.mp", "ask", entry)
    assert tuning.read(path)["ask"][0].heads[""].evidence == (Labels(best),)

    asked = replace(ASKED, tuning=abi.Tuning(file=path.name, key=entry.key))
    decider = Decider(asked, tmp_path, sources=sources)
    answer = ask(decider, "bay")
    assert (answer.value, answer.answered_by) == (Act.question, "labels")
    shown = decider.render(call(asked, "bay"))
    assert shown.startswith("<system>Say what it is.")
    assert shown.index("ash") < shown.index("elm") < shown.index("ivy") < shown.index("cod")
    explained = decider.explain(asked)
    assert explained.layout == "chat"
    assert "the labels' probabilities, corrected, chat layout, examples interleaved" in "\n".join(
        lines(explained)
    )


def test_what_chance_explains_changes_nothing(sources: FakeSources, monkeypatch: pytest.MonkeyPatch) -> None:
    # Reversed, one example more comes out right, and another is less sure.
    unusual = {"reversed": {"fir": 0.5}, "declared": {"bay": 0.25}, "interleaved": {"bay": 0.25}}

    def weighted(call: Call, plan: object) -> tuple[str, list[tuple[object, float]]]:
        text = str(call.arguments["text"])
        probability = unusual[call.program.arrangement.examples].get(text, 0.75)
        return "", [(act, probability if act is EXAMPLES[text] else (1 - probability) / 2) for act in Act]

    monkeypatch.setattr(sources.small, "_weighted", weighted)
    found = found_by(sources)
    assert found.taken is not None
    assert found.taken.evidence == (Labels(),)
    best = min(found.tried, key=lambda trial: trial.log_loss)
    assert best.name == "label scores, examples reversed"


def test_what_there_is_no_time_for_is_said(sources: FakeSources, monkeypatch: pytest.MonkeyPatch) -> None:
    is_sure(sources, monkeypatch, lambda arrangement: 0.75)
    told = Told()
    found = found_by(sources, told, seconds=1e-9)
    assert arrangements(found) == [USUAL]
    assert [short_name(each) for each in told.not_tried] == [
        "label scores, examples reversed",
        "label scores, examples interleaved",
    ]
