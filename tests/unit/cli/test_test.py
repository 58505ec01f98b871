"""`mpc test`: what passed, what did not, and by how much."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

from microprompt.errors import DeadlineExceeded
from microprompt.testing import ScriptedEngine, scripted

from .conftest import PROGRAM, Mpc


def test_all_that_pass_end_well(mpc: Mpc, engine: ScriptedEngine) -> None:
    result = mpc("test")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "2 passed, 0 failed"
    assert 'classify("Sit down.")' in result.stdout


def test_a_failure_shows_both_answers_with_their_probabilities(mpc: Mpc) -> None:
    with scripted({"classify": {"question": 0.75, "command": 0.25}}):
        result = mpc("test", "intake.mp")
    assert result.exit_code == 1
    assert "FAIL intake.mp:19" in result.stdout
    assert "expected command (probability 0.25)" in result.stdout
    assert "got      question (probability 0.75)" in result.stdout
    assert "1 passed, 1 failed" in result.stdout


def test_json_and_junit_say_the_same(mpc: Mpc, folder: Path) -> None:
    with scripted({"classify": {"question": 0.75, "command": 0.25}}):
        result = mpc("test", "--json", "--junit", "report.xml")
    found = json.loads(result.stdout)
    assert [test["passed"] for test in found] == [True, False]
    assert found[1]["got"] == "question"
    suite = ET.parse(folder / "report.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    assert [len(case) for case in suite] == [0, 1]


def test_a_call_that_raises_is_an_error_and_the_rest_goes_on(mpc: Mpc, folder: Path) -> None:
    with scripted({}):
        result = mpc("test", "--junit", "report.xml")
    assert result.exit_code == 1
    assert "0 passed, 2 failed" in result.stdout
    assert ET.parse(folder / "report.xml").getroot()[0].get("errors") == "2"


EXAMPLES = PROGRAM.replace(
    """    "Who is it?" -> "question"
""",
    """    "Who is it?" -> "question"
    "Where is it?" -> "question"
    "Go." -> "command"
    "Stop it?" -> "command"
""",
)


def test_examples_are_left_out_one_by_one(mpc: Mpc, engine: ScriptedEngine, folder: Path) -> None:
    (folder / "intake.mp").write_text(EXAMPLES)
    result = mpc("test")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[-2] == "     classify: examples left out in turn: 3 of 4 right (chance 2)"
    assert lines[-1] == "2 passed, 0 failed"


def test_leaving_out_can_be_left_out(mpc: Mpc, engine: ScriptedEngine, folder: Path) -> None:
    (folder / "intake.mp").write_text(EXAMPLES)
    assert "left out" not in mpc("test", "--no-leave-out").stdout
    assert len(engine.calls) == 2


def test_json_tells_of_examples_with_every_test_when_asked(
    mpc: Mpc, engine: ScriptedEngine, folder: Path
) -> None:
    (folder / "intake.mp").write_text(EXAMPLES)
    found = json.loads(mpc("test", "--json", "--leave-out").stdout)
    assert [test["left_out"] for test in found] == [{"n": 4, "right": 3, "chance": 2}] * 2
    assert [test["left_out"] for test in json.loads(mpc("test", "--json").stdout)] == [None, None]


def test_an_example_without_an_answer_is_a_warning(mpc: Mpc, folder: Path) -> None:
    (folder / "intake.mp").write_text(EXAMPLES)

    def classify(text: str) -> str:
        if text == "Go.":
            raise DeadlineExceeded("too slow")
        return "question" if text.endswith("?") else "command"

    with scripted({"classify": classify}):
        result = mpc("test")
    assert result.exit_code == 0
    assert "warning: classify: leaving out its examples: too slow" in result.stderr


def test_a_file_with_mistakes_does_not_hide_the_others(
    mpc: Mpc, engine: ScriptedEngine, folder: Path
) -> None:
    (folder / "broken.mp").write_text("prompt broken(text: str) -> Nothing:\n    Say {text}.\n")
    result = mpc("test")
    assert result.exit_code == 1
    assert "2 passed, 0 failed" in result.stdout
    assert "error[MP" in result.stderr
