"""Answers behind a scratchpad: what decides them, and what stays of it where another answer is looked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from microprompt import abi
from microprompt.deciding.decider import Decider, decider_for
from microprompt.engines.scripted import ByteBackend
from microprompt.errors import ArgumentError
from microprompt.testing import Reasoned, scripted
from microprompt.tuning.tune import tune
from microprompt.types import BoolType
from mpc import project
from mpc.cli.explain import _function as lines

from ..runtime.programs import ACT, Act, program
from ..tuning.test_tune import Told, request
from .fakes import EXAMPLES, LARGE, FakeSources, ask, with_examples, with_using

REASONED = with_using(with_examples(program(ACT), EXAMPLES), reasoning=40)


@pytest.fixture
def sources() -> Iterator[FakeSources]:
    unsure = {Act.question: 0.5, Act.command: 0.375, Act.other: 0.125}
    found = FakeSources(
        {"ask": Reasoned("It may ask.", unsure)},
        larger={"ask": Reasoned("It tells what to do.", {Act.question: 0.25, Act.command: 0.75})},
    )
    yield found
    found.close()


def test_no_head_decides_what_the_model_has_reasoned_about(sources: FakeSources) -> None:
    assert decider_for(REASONED, Path()) is None
    judged = with_using(REASONED, abstain=abi.Threshold(below=0.6))
    asked = Decider(with_using(judged, abstain=None), Path(), sources=sources)
    answer = ask(asked, "Is it near?")
    assert (answer.value, answer.answered_by, answer.reasoning) == (Act.question, "labels", "It may ask.")
    assert sources.loaded == ["small"]


def test_explain_says_that_labels_are_scored_behind_it(sources: FakeSources) -> None:
    asked = Decider(with_using(REASONED, abstain=abi.Threshold(below=0.4)), Path(), sources=sources)
    found = "\n".join(lines(asked.explain(asked.program)))
    assert "reasoning: at most 40 tokens before the answer" in found
    assert "answered by: labels\n  scored behind the reasoning" in found
    assert "mpc tune" not in found


def test_a_larger_model_reasons_for_itself(sources: FakeSources) -> None:
    when = abi.Threshold(below=0.9)
    asked = with_using(REASONED, escalate=abi.Escalation(model=LARGE, when=when))
    answer = ask(Decider(asked, Path(), sources=sources), "Is it near?")
    assert (answer.value, answer.reasoning) == (Act.command, "It tells what to do.")
    assert [answer.first.reasoning, answer.second.reasoning] == ["It may ask.", "It tells what to do."]


def test_who_abstains_has_reasoned_all_the_same(sources: FakeSources) -> None:
    maybe = with_using(REASONED, abstain=abi.Threshold(below=0.9))
    answer = ask(Decider(maybe, Path(), sources=sources), "Is it near?")
    assert (answer.value, answer.abstained, answer.reasoning) == (None, True, "It may ask.")


def test_there_is_nothing_to_tune(sources: FakeSources) -> None:
    with pytest.raises(ArgumentError, match="scores of its labels alone") as raised:
        tune(request(with_using(program(BoolType()), reasoning=8)), Told(), sources=sources)
    assert raised.value.help == "take `reasoning` out of `using:`"


PROGRAM = """\
record Sum:
    total: int(0..9)
    assert total > 4 "more than four"

prompt ask(text: str) -> Sum:
    Add up.

    {text}
using:
    reasoning = 40
    temperature = TEMPERATURE
    seed = 1
"""


@pytest.mark.parametrize("temperature", [0, 1])
def test_the_next_best_answer_is_given_behind_the_same_reasoning(tmp_path: Path, temperature: float) -> None:
    path = tmp_path / "sums.mp"
    path.write_text(PROGRAM.replace("TEMPERATURE", str(temperature)), encoding="utf-8")
    module: Any = project.load(path)
    bad, good = module.Sum(total=3), module.Sum(total=5)

    class Weighted(dict[Any, Any]):
        def items(self) -> Any:
            return [(bad, 0.9), (good, 0.1)]

    with scripted({"ask": Reasoned("Two and three.", Weighted({0: 0}))}) as engine:
        answer = module.ask.detail("2 3")
    assert (answer.value, answer.reasoning) == (good, "Two and three.")
    # It is written once, a byte in each pass: what comes again is the answer behind it.
    assert isinstance(engine.backend, ByteBackend)
    assert engine.backend.decoded_batches < 2 * len("Two and three.")
