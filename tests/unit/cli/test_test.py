"""`mpc test`: what passed, what did not, and by how much."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

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


# ------------------------------------------------------------------------------------ tests in files

ROWS = """\
{"text": "Who is it?", "label": "question"}
{"text": "Sit.", "label": "command"}
{"text": "Is it so?", "label": "question"}
{"text": "Go?", "label": "command"}
"""


@pytest.fixture
def with_rows(folder: Path) -> Path:
    """The program with a file of rows in place of its tests, one of which is answered wrong."""
    begin, _, rest = PROGRAM.partition("tests:\n")
    _, _, end = rest.partition("\n\n")
    path = folder / "intake.mp"
    path.write_text(f'{begin}tests:\n    from "rows/cases.jsonl" (accuracy >= 0.7, macro_f1 >= 0.7)\n\n{end}')
    (folder / "rows").mkdir()
    (folder / "rows" / "cases.jsonl").write_text(ROWS)
    return path


def test_rows_of_a_file_are_held_to_their_bounds(mpc: Mpc, engine: ScriptedEngine, with_rows: Path) -> None:
    result = mpc("test")
    assert result.exit_code == 0
    assert (
        "pass intake.mp:18: classify on rows/cases.jsonl: 3 of 4 right, "
        "accuracy 0.750 [0.301, 0.954] (at least 0.7), macro_f1 0.733 (at least 0.7)" in result.stdout
    )
    assert result.stdout.splitlines()[-1] == "1 passed, 0 failed"
    assert "warning: rows/cases.jsonl: the program shows as an example" in result.stderr


def test_a_bound_that_does_not_hold_fails_with_the_mistakes(
    mpc: Mpc, engine: ScriptedEngine, with_rows: Path, folder: Path
) -> None:
    with_rows.write_text(with_rows.read_text().replace("accuracy >= 0.7", "accuracy >= 0.8"))
    result = mpc("test", "--junit", "report.xml")
    assert result.exit_code == 1
    assert "FAIL intake.mp:18" in result.stdout
    assert "accuracy 0.750 [0.301, 0.954] (below 0.8)" in result.stdout
    assert "     line 4: expected command, got question (probability 0.75)" in result.stdout
    assert ET.parse(folder / "report.xml").getroot()[0].get("failures") == "1"


def test_without_bounds_every_row_must_be_right(
    mpc: Mpc, engine: ScriptedEngine, with_rows: Path, folder: Path
) -> None:
    with_rows.write_text(with_rows.read_text().replace(" (accuracy >= 0.7, macro_f1 >= 0.7)", ""))
    assert "accuracy 0.750 [0.301, 0.954] (below 1)" in mpc("test").stdout
    (folder / "rows" / "cases.jsonl").write_text(ROWS.replace("Go?", "Go!"))
    assert "4 of 4 right" in mpc("test").stdout


def test_json_has_figures_and_bounds(mpc: Mpc, engine: ScriptedEngine, with_rows: Path) -> None:
    (found,) = json.loads(mpc("test", "--json").stdout)
    assert (found["passed"], found["rows"], found["error"]) == (True, "rows/cases.jsonl", None)
    assert [(each["measure"], each["least"], each["holds"]) for each in found["bounds"]] == [
        ("accuracy", 0.7, True),
        ("macro_f1", 0.7, True),
    ]
    assert found["figures"]["n"] == 4


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (None, "rows/cases.jsonl: No such file or directory"),
        (ROWS.replace('Sit.", "label"', 'Sit.", "lable"'), ":2: there is no `label`"),
        (ROWS.replace('"question"', '"qestion"'), ":1: `label` is \"qestion\""),
        (ROWS.replace('{"text": "Is it', '{"txt": "Is it'), "rows/cases.jsonl:3: "),
        ("", "rows/cases.jsonl has no rows"),
        ("{", "rows/cases.jsonl:1: "),
    ],
)
def test_a_file_that_cannot_be_read_fails_by_line_and_the_rest_goes_on(
    rows: str | None, said: str, mpc: Mpc, engine: ScriptedEngine, with_rows: Path, folder: Path
) -> None:
    with_rows.write_text(with_rows.read_text().replace("tests:\n", 'tests:\n    "Go." -> "command"\n'))
    path = folder / "rows" / "cases.jsonl"
    path.unlink() if rows is None else path.write_text(rows)
    result = mpc("test")
    assert result.exit_code == 1
    assert said in result.stdout
    assert result.stdout.splitlines()[-1] == "1 passed, 1 failed"


def test_rows_without_any_answer_are_an_error(mpc: Mpc, with_rows: Path) -> None:
    with scripted({}):
        result = mpc("test")
    assert result.exit_code == 1
    assert "no row of rows/cases.jsonl has an answer" in result.stdout
