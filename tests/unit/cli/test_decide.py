"""`mpc decide`: questions about a text, from options and from a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from microprompt.systemone import AnyAnswer, Decisions, NoulAnswer, TokenCounts
from microprompt.systemone.wire import choice_answer, score_answer
from microprompt.testing import scripted
from mpc.cli import cli
from mpc.cli import decide as module

from ..systemone.replies import BY_LENGTH


def decide(*words: str, input: str | None = None) -> tuple[int, str, str]:
    """The exit status, standard output and standard error of a call."""
    with scripted(BY_LENGTH):
        result = CliRunner().invoke(cli, ["decide", *words], input=input)
    return result.exit_code, result.stdout, result.stderr


def test_each_kind_of_question_is_asked_from_an_option() -> None:
    found = decide("Twice!", "--noul", "Urgent?", "--choice", "Team?=a|long", "--score", "Angry?=no|yes")
    assert found[0] == 0
    assert found[1].splitlines() == [
        "Urgent?\tyes\t0.750",
        "\tno\t0.250",
        "Team?\tlong\t0.714",
        "\ta\t0.286",
        "Angry?\t0 no\t0.429",
        "\t1 yes\t0.571",
    ]


def test_questions_are_read_from_a_file_and_the_text_from_standard_input(tmp_path: Path) -> None:
    path = tmp_path / "questions.json"
    path.write_text('{"q": {"type": "noul", "instructions": "Urgent?"}}', encoding="utf-8")
    status, output, _ = decide("-", "--questions", str(path), "--json", input="Twice!")
    assert status == 0
    assert json.loads(output)["answers"] == {"q": {"type": "noul", "noul": pytest.approx(0.75)}}


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ((), 2, "there is no question"),
        (("--choice", "Team?"), 2, "is not a question with different answers"),
        (("--choice", "Team?=a|a"), 2, "is not a question with different answers"),
        (("--score", "Angry?=no"), 1, "questions.Angry?.score.criteria: List should have at least 2 items"),
    ],
)
def test_what_is_no_question_is_told(words: tuple[str, ...], status: int, message: str) -> None:
    found = decide("x", *words)
    assert (found[0], message in found[2]) == (status, True), found


@pytest.mark.parametrize(
    ("text", "message"), [("[]", "not a JSON object"), ("{", "not JSON"), ("\xff", "UTF-8")]
)
def test_a_file_without_questions_is_told(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "questions.json"
    path.write_text(text, encoding="latin-1")
    status, _, errors = decide("x", "--questions", str(path))
    assert (status, message in errors) == (1, True), errors


def test_a_terminal_has_bars(capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"option {number}" for number in range(12)]
    answers: dict[str, AnyAnswer] = {
        "urgent": NoulAnswer(noul=0.75),
        "team": choice_answer(dict(zip(names, [0.45] + 11 * [0.05], strict=True))),
        "anger": score_answer(["calm", {"is": "furious"}], [0.25, 0.75]),
    }
    module._show(Decisions(model="m", answers=answers, usage=TokenCounts(input_tokens=1, output_tokens=0)))
    shown = capsys.readouterr().out
    assert "━━" in shown
    assert "4 more" in shown
    assert "score 0.75, confidence 0.50" in shown
