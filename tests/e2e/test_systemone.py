"""The System One API on the embedded model, as `mpc serve` has it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from jevcompat import runner

from microprompt import decide
from microprompt.engines.engine import Engine
from microprompt.systemone import ChoiceQuestion

pytestmark = pytest.mark.model


@contextmanager
def serving(*words: str) -> Iterator[str]:
    """The address of a service in a process of its own."""
    command = [sys.executable, "-m", "mpc", "serve", "std.request", "--port", "0", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if found := re.search(r"at (http://\S+);", line):
                    yield found[1]
                    return
            pytest.fail("mpc serve ended before it served")
        finally:
            process.terminate()


@pytest.mark.parametrize("key", [None, "a-key-of-some-length"])
def test_it_conforms(tmp_path: Path, key: str | None) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"{key}\n", encoding="utf-8")
    with serving(*(["--key-file", str(keys)] if key else [])) as url:
        report = runner.run(url, key=key, timeout=600)
    assert report.verdict == "conformant", (report.aborted, report.inconclusive)
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
