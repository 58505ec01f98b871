"""The System One API on the embedded model."""

from __future__ import annotations

import pytest
from jevcompat import runner

from microprompt import decide
from microprompt.engines.engine import Engine
from microprompt.systemone import ChoiceQuestion

from ..unit.systemone.server import application, served

pytestmark = pytest.mark.model


@pytest.mark.parametrize("key", [None, "secret"])
def test_it_conforms(on_smollm2: Engine, key: str | None) -> None:
    with served(application(key=key)) as url:
        report = runner.run(url, key=key, timeout=600)
    assert report.verdict == "conformant", report.inconclusive
    assert [(found.id, found.findings) for found in report.results if found.status == "fail"] == []


def test_a_choice_is_the_same_alone_and_beside_others(on_smollm2: Engine) -> None:
    question = ChoiceQuestion(instructions="Which team?", criteria={"billing": "Money", "sales": "Prices"})
    other = {"type": "score", "instructions": "How angry is it?", "criteria": ["calm", "furious"]}
    alone = decide("I was charged twice.", {"q": question}).choices["q"]
    beside = decide("I was charged twice.", {"a": other, "z": question}).choices["z"]
    assert beside.probabilities == pytest.approx(alone.probabilities, abs=0.02)


def test_options_are_told_apart_by_what_they_mean() -> None:
    teams = {"billing": "Payments, invoices, refunds", "technical": "Bugs, outages", "sales": "Prices"}
    question = ChoiceQuestion(instructions="Which team should answer?", criteria=teams)
    found = decide("My card was charged twice, and I want my money back.", {"q": question})
    assert found.choices["q"].choice == "billing"
    assert found.model == "smollm2-135m"
