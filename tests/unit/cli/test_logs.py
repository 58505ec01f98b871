"""`mpc logs`, `mpc logs label` and `mpc replay`: looking into the record of calls."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

import microprompt
from microprompt import settings
from microprompt.evaluation.rows import read_labelled
from microprompt.recording import writer
from microprompt.recording.store import WantedCalls, count
from microprompt.testing import ScriptedEngine, scripted
from mpc import project
from mpc.cli import cli

from .conftest import Mpc

SURE = {"Who?": 0.9, "Why?": 0.6, "Go.": 0.2, "Stop.": 0.4}
"""How probable it is that these texts are a question."""

FLOW = '''
prompt letter(text: str) -> int(1..3):
    How many letters?

    {text}

flow sort(texts: list[str]) -> int:
    count = 0
    for text in texts:
        kind = classify(text)
        if kind == "question":
            count = count + 1
    return count
'''


@pytest.fixture(autouse=True)
def record(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project that records its calls."""
    monkeypatch.setattr(writer, "_IDLE", 0.2)
    (folder / "pyproject.toml").write_text('[tool.microprompt]\nrecord = "calls.sqlite"\n')
    with (folder / "intake.mp").open("a") as program:
        program.write(FLOW)
    settings.reset()
    yield folder / "calls.sqlite"
    settings.reset()


@pytest.fixture
def engine() -> Iterator[ScriptedEngine]:
    def classify(text: str) -> Mapping[object, float]:
        return {"question": SURE.get(text, 0.7), "command": 1 - SURE.get(text, 0.7)}

    with scripted({"classify": classify, "letter": 2, "rate": 4}) as running:
        yield running


@pytest.fixture
def calls(folder: Path, engine: ScriptedEngine, record: Path) -> Path:
    """A record of four calls, the first of which is there twice."""
    classify = project.load(folder / "intake.mp").classify
    for text in ("Who?", *SURE):
        classify(text)
    assert microprompt.flush()
    engine.calls.clear()
    return record


def printed(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


# ------------------------------------------------------------------------------------------------ logs


def test_calls_are_listed_the_newest_first(mpc: Mpc, calls: Path) -> None:
    result = mpc("logs")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert len(lines) == 5
    assert 'classify("Stop.") -> command 0.60  labels scripted' in lines[0]
    assert 'classify("Who?") -> question 0.90' in lines[-1]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ((), ["Stop.", "Go.", "Why?", "Who?", "Who?"]),
        (("--low-confidence", "0.7"), ["Stop.", "Why?"]),
        (("--limit", "1"), ["Stop."]),
        (("--limit", "0", "--since", "1h"), ["Stop.", "Go.", "Why?", "Who?", "Who?"]),
        (("--since", "2999-01-01"), []),
        (("--function", "rate"), []),
        (("--errors",), []),
        (("--trace", "none"), []),
    ],
)
def test_calls_are_filtered(mpc: Mpc, calls: Path, options: tuple[str, ...], found: list[str]) -> None:
    assert [each["arguments"]["text"] for each in printed(mpc("logs", "--json", *options))] == found


def test_json_has_all_that_is_known(mpc: Mpc, calls: Path) -> None:
    (found,) = printed(mpc("logs", "--json", "--limit", "1"))
    assert (found["function"], found["model"]) == ("classify", "scripted")
    assert found["answer"]["value"] == "command"
    assert found["answer"]["distribution"] == pytest.approx({"question": 0.4, "command": 0.6})
    assert found["time"].endswith("+00:00")


def test_what_is_left_out_is_counted(mpc: Mpc, calls: Path) -> None:
    result = mpc("logs", "--limit", "2")
    assert (len(result.stdout.splitlines()), result.stderr) == (2, "and 3 more (--limit 0 for all)\n")


def test_a_trace_is_a_tree(mpc: Mpc, engine: ScriptedEngine, record: Path) -> None:
    assert mpc("run", "intake.mp", "sort", '["Who?", "Go."]').exit_code == 0
    assert microprompt.flush()
    trace = printed(mpc("logs", "--json", "--limit", "1"))[0]["trace"]
    shown = mpc("logs", "--trace", trace[:8].upper()).stdout.splitlines()
    lines = [line.split("  ", 2)[2] for line in shown]
    assert lines[0].startswith('sort(["Who?", "Go."]) -> 1 0.80')
    assert sorted(line[:18] for line in lines[1:]) == ['  classify("Go.") ', '  classify("Who?")']


def test_errors_are_shown_with_their_message(mpc: Mpc, record: Path) -> None:
    with scripted({"classify": "nonsense"}):
        assert mpc("run", "intake.mp", "classify", "Who?").exit_code == 1
    assert microprompt.flush()
    assert 'classify("Who?") -> ScriptError: ' in mpc("logs", "--errors").stdout


def test_control_characters_do_not_reach_the_terminal(
    mpc: Mpc, engine: ScriptedEngine, record: Path
) -> None:
    mpc("run", "intake.mp", "classify", "\x1b[2J")
    assert microprompt.flush()
    assert "\x1b" not in mpc("logs").stdout + label("q\n").stderr


def test_without_a_record_the_setting_is_named(mpc: Mpc, folder: Path) -> None:
    result = mpc("logs")
    assert (result.exit_code, "there is no record of calls at" in result.stderr) == (1, True)
    (folder / "pyproject.toml").unlink()
    settings.reset()
    result = mpc("logs")
    assert result.exit_code == 1
    assert 'set `record = "calls.sqlite"`' in result.stderr


@pytest.mark.parametrize(
    ("option", "value"), [("--since", "soon"), ("--limit", "-1"), ("--low-confidence", "2")]
)
def test_wrong_options_are_refused(mpc: Mpc, calls: Path, option: str, value: str) -> None:
    assert mpc("logs", option, value).exit_code == 2


def test_what_looks_into_a_program_is_not_recorded(mpc: Mpc, calls: Path, folder: Path) -> None:
    (folder / "rows.jsonl").write_text('{"text": "Who?", "label": "question"}\n')
    assert " failed" in mpc("test", "intake.mp").stdout
    assert mpc("eval", "intake.mp", "classify", "rows.jsonl").exit_code == 0
    assert mpc("replay", "intake.mp").exit_code == 0
    assert microprompt.flush()
    assert count(calls, WantedCalls()) == 5


def test_what_warms_a_model_before_rows_is_not_recorded(mpc: Mpc, calls: Path, folder: Path) -> None:
    (folder / "rows.jsonl").write_text('{"text": "Who?"}\n')
    assert mpc("map", "intake.mp", "classify", "rows.jsonl", "--out", "out.jsonl").exit_code == 0
    assert microprompt.flush()
    assert count(calls, WantedCalls()) == 6


# ----------------------------------------------------------------------------------------------- label


def labelled(folder: Path, name: str = "classify.labels.jsonl") -> list[tuple[str, str]]:
    """What `mpc tune --on` reads in the rows."""
    classify = project.load(folder / "intake.mp").classify
    rows = read_labelled(classify.program, (folder / name).read_bytes(), name)
    pairs = zip(rows.arguments, rows.labels, strict=True)
    return [(str(arguments["text"]), str(label)) for arguments, label in pairs]


def label(said: str, *options: str) -> Result:
    return CliRunner().invoke(cli, ("logs", "label", "intake.mp", "classify", *options), input=said)


def test_the_least_sure_calls_are_labelled_first(calls: Path, folder: Path) -> None:
    result = label("question\n2\n\n\n")
    assert result.exit_code == 0, result.output
    assert labelled(folder) == [
        *(("Stop.", "question"), ("Why?", "command"), ("Go.", "command"), ("Who?", "question")),
    ]
    assert "classify.labels.jsonl: 4 new rows, 4 in all" in result.stderr
    assert "1  question  0.40" in result.stderr


def test_labelling_is_left_and_taken_up_again(calls: Path, folder: Path) -> None:
    assert label("question\ns\nq\n").exit_code == 0
    assert labelled(folder) == [("Stop.", "question")]
    assert label("question\n").exit_code == 0
    assert labelled(folder) == [("Stop.", "question"), ("Why?", "question")]


def test_a_word_that_is_no_label_is_asked_again(calls: Path, folder: Path) -> None:
    result = label("questoin\nquestion\n")
    assert "did you mean `question`?" in result.stderr
    assert labelled(folder) == [("Stop.", "question")]


def test_a_file_of_rows_is_gone_on_with(calls: Path, folder: Path) -> None:
    (folder / "mine.jsonl").write_text('{"text": "Stop.", "label": "command"}')
    assert label("question\n", "--out", "mine.jsonl").exit_code == 0
    assert labelled(folder, "mine.jsonl") == [("Stop.", "command"), ("Why?", "question")]


def test_a_file_of_something_else_is_not_gone_on_with(calls: Path, folder: Path) -> None:
    (folder / "mine.jsonl").write_text("precious\n")
    result = label("question\n", "--out", "mine.jsonl")
    assert (result.exit_code, "mine.jsonl:1: not JSON" in result.stderr) == (1, True)
    assert (folder / "mine.jsonl").read_text() == "precious\n"


def test_on_a_terminal_a_key_is_a_label(calls: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = iter(("x", "2", "s", "\r", "q"))
    monkeypatch.setattr("mpc.cli.labelling._is_terminal", lambda: True)
    monkeypatch.setattr(click, "getchar", lambda: next(keys))
    result = label("")
    assert result.exit_code == 0, result.output
    assert labelled(folder) == [("Stop.", "command"), ("Go.", "command")]
    assert "no label has the key `x`" in result.stderr


def test_numbers_are_keys_themselves(mpc: Mpc, engine: ScriptedEngine, record: Path, folder: Path) -> None:
    mpc("run", "intake.mp", "letter", "a")
    assert microprompt.flush()
    result = CliRunner().invoke(cli, ("logs", "label", "intake.mp", "letter"), input="3\n")
    assert result.exit_code == 0, result.output
    (row,) = (folder / "letter.labels.jsonl").read_text().splitlines()
    assert json.loads(row) == {"inputs": {"text": "a"}, "label": 3}


def test_calls_that_the_function_does_not_take_any_more_are_told(calls: Path, folder: Path) -> None:
    program = folder / "intake.mp"
    text = program.read_text().replace("classify(text: str)", "classify(words: str)")
    program.write_text(text.replace("Input: {text}", "Input: {words}"))
    result = label("question\n")
    assert "4 calls do not fit the function any more" in result.stderr


# ---------------------------------------------------------------------------------------------- replay


def test_the_same_model_gives_the_same_answers(mpc: Mpc, calls: Path, engine: ScriptedEngine) -> None:
    result = mpc("replay", "intake.mp", "classify", "--fail-under", "1")
    assert result.exit_code == 0, result.output
    assert "4 of 4 answers are the same, 1.000 [0.510, 1.000]" in result.stdout
    assert len(engine.calls) == 4


def test_what_has_changed_is_told(mpc: Mpc, calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SURE, "Go.", 0.75)
    result = mpc("replay", "intake.mp", "--fail-under", "0.8")
    assert result.exit_code == 1
    assert "classify: 4 calls, answered by scripted before" in result.stdout
    assert "3 of 4 answers are the same" in result.stdout
    assert 'command 0.80 -> question 0.75: "Go."' in result.stdout
    assert "confidence 0.725 in the mean before, 0.713 now (-0.013)" in result.stdout
    assert mpc("replay", "intake.mp", "--fail-under", "0.75").exit_code == 0


def test_json_has_the_figures_and_the_changes(mpc: Mpc, calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SURE, "Go.", 0.75)
    result = mpc("replay", "intake.mp", "--json", "--model", "gemma3-270m")
    (found,) = json.loads(result.stdout)
    assert (found["function"], found["model"]) == ("classify", "gemma3-270m")
    assert found["models_before"] == ["scripted"]
    assert (found["n"], found["same"], found["agreement"]) == (4, 3, 0.75)
    (change,) = found["changed"]
    assert change["arguments"] == {"text": "Go."}
    assert (change["before"]["value"], change["now"]["value"]) == ("command", "question")


def test_the_newest_calls_are_asked(mpc: Mpc, calls: Path, engine: ScriptedEngine) -> None:
    mpc("replay", "intake.mp", "--limit", "2")
    assert [arguments["text"] for _, arguments in engine.calls] == ["Stop.", "Go."]


def test_a_call_without_an_answer_now_is_no_agreement(mpc: Mpc, calls: Path) -> None:
    with scripted({"classify": "nonsense"}):
        result = mpc("replay", "intake.mp", "classify")
    assert "0 of 4 answers are the same" in result.stdout
    assert "command 0.80 -> " in result.stdout


def test_flows_are_asked_only_by_name(mpc: Mpc, engine: ScriptedEngine, record: Path) -> None:
    mpc("run", "intake.mp", "sort", '["Who?"]')
    assert microprompt.flush()
    assert "sort" not in mpc("replay", "intake.mp").stdout
    assert "sort: 1 call" in mpc("replay", "intake.mp", "sort").stdout


def test_without_arguments_there_is_nothing_to_ask(
    mpc: Mpc, engine: ScriptedEngine, record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MICROPROMPT_RECORD_ARGUMENTS", "0")
    mpc("run", "intake.mp", "classify", "Who?")
    assert microprompt.flush()
    assert "classify(#" in mpc("logs").stdout
    result = mpc("replay", "intake.mp")
    assert (result.exit_code, "has no calls of intake.mp with their arguments" in result.stderr) == (1, True)
