"""`mpc run`: arguments in, one readable answer out."""

from __future__ import annotations

import json

import pytest

from microprompt.testing import ScriptedEngine

from .conftest import Mpc


def test_the_answer_alone_goes_to_standard_output(mpc: Mpc, engine: ScriptedEngine) -> None:
    result = mpc("run", "intake.mp", "classify", "Who goes there?")
    assert (result.exit_code, result.stdout) == (0, "question\n")


def test_json_has_the_answer_its_probabilities_and_its_cost(mpc: Mpc, engine: ScriptedEngine) -> None:
    result = mpc("run", "intake.mp", "classify", "--text", "Who goes there?", "--json")
    found = json.loads(result.stdout)
    assert list(found) == [
        "value",
        "confidence",
        "calibrated",
        "answered_by",
        "abstained",
        "distribution",
        "coverage",
        "near_tie",
        "cut",
        "usage",
        "seconds",
        "model",
    ]
    assert found["value"] == "question"
    assert found["distribution"] == pytest.approx({"question": 0.75, "command": 0.25}, abs=1e-4)


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        (['{"mood": "calm"}'], {"mood": "calm", "note": None, "tags": []}),
        (['{"mood": "calm"}', "angry", "late"], {"mood": "angry", "note": "late", "tags": []}),
        (['--tags=["a", "b"]', '{"mood": "calm"}'], {"mood": "calm", "note": None, "tags": ["a", "b"]}),
        (["--note", "--ticket", '{"mood": "calm"}'], {"mood": "calm", "note": "--ticket", "tags": []}),
        (["--note", "none", '{"mood": "calm"}'], {"mood": "calm", "note": None, "tags": []}),
    ],
)
def test_arguments_are_read_by_their_types(
    mpc: Mpc, engine: ScriptedEngine, words: list[str], arguments: dict[str, object]
) -> None:
    assert mpc("run", "intake.mp", "rate", *words).stdout == "4\n"
    (called,) = engine.calls
    given = dict(called[1])
    assert getattr(given.pop("ticket"), "urgency", None) == 3
    assert given == arguments


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "rate needs `ticket`"),
        (["{}", "calm", "x", "[]", "more"], "too many arguments"),
        (["--tickets", "{}"], "rate has no parameter `tickets`"),
        (["{}", "--ticket", "{}"], "`ticket` is given twice"),
        (["--ticket"], "--ticket needs a value"),
        (["calm"], "`ticket` must be Ticket, written as JSON"),
        (["{}"], "`ticket`.mood: field required"),
        (['{"mood": "calm", "price": 3}'], "`ticket` has no field `price`"),
        (['{"mood": "very angry"}'], '`ticket`.mood is "very angry": not in Mood'),
        (['{"mood": "calm", "urgency": "3"}'], '`ticket`.urgency must be int(1..5), not "3"'),
        (['{"mood": "calm", "urgency": 6}'], "`ticket`.urgency"),
        (['{"mood": "calm"}', "cross"], '`mood` is "cross": not in Mood'),
        (['{"mood": "calm"}', "calm", "x", '["a", "b", "c"]'], "3 items"),
        (['{"mood": "calm"}', "calm", "x", "[1]"], "`tags`[0] must be str, not 1"),
    ],
)
def test_a_wrong_argument_is_named(mpc: Mpc, engine: ScriptedEngine, words: list[str], said: str) -> None:
    result = mpc("run", "intake.mp", "rate", *words)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr
    assert engine.calls == []


def test_an_unknown_function_suggests_a_near_one(mpc: Mpc) -> None:
    result = mpc("run", "intake.mp", "clasify", "x")
    assert result.exit_code == 1
    assert "has no prompt or flow `clasify`" in result.stderr
    assert "`classify`" in result.stderr


@pytest.mark.parametrize("file", ["absent.mp", "intake.py", "std.absent"])
def test_a_file_that_is_not_there_is_wrong_usage(mpc: Mpc, file: str) -> None:
    result = mpc("run", file, "classify", "x")
    assert result.exit_code == 2
    assert file in result.stderr


def test_a_program_with_mistakes_shows_them(mpc: Mpc) -> None:
    with open("intake.mp", "a") as program:
        program.write("\nprompt broken(text: str) -> Nothing:\n    Say {text}.\n")
    result = mpc("run", "intake.mp", "classify", "x")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "error[MP" in result.stderr
    assert "Nothing" in result.stderr


def test_without_a_model_the_next_step_is_named(mpc: Mpc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROPROMPT_AUTO_PULL", "false")
    result = mpc("run", "intake.mp", "classify", "x")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "mpc models pull smollm2-135m" in result.stderr


def test_a_wrong_setting_is_the_users(mpc: Mpc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROPROMPT_THREADS", "many")
    result = mpc("run", "intake.mp", "classify", "x")
    assert result.exit_code == 1
    assert "MICROPROMPT_THREADS=many" in result.stderr
