"""What commands do with flows: `run`, also with `--trace`, `map`, `test` and `eval`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from microprompt.testing import ScriptedEngine, scripted

from .conftest import Mpc

PROGRAM = '''\
from python notebook import search

record Reply:
    text: str
    act: "question" | "command"

prompt sort(text: str) -> "question" | "command":  # mpc: allow MP1105
    What is it?

    Input: {text}

prompt answer(text: str, found: list[str]) -> str:
    Answer it.

    Input: {text}
    Found: {found}

flow reply(text: str, many: int(1..4) = 2) -> Reply:
    act = sort(text)
    found: list[str] = []
    if act == "question" and act.confidence > 0.5:
        found = search(text, many)
    return Reply(text=answer(text, found), act=act)
tests:
    "Tea?", 2 -> Reply(text="2 notes", act="question")
    "Tea?", 1 -> Reply(text="given", act="command") given sort -> "command", answer -> "given"
'''
TOOLS = '''\
from pathlib import Path


def search(query: str, most: int) -> list[str]:
    from late import NOTES

    with Path("searched.txt").open("a") as file:
        file.write(f"{query}\\n")
    if "bad" in query:
        raise LookupError("no notes")
    return NOTES[:most]
'''


@pytest.fixture(autouse=True)
def talk(folder: Path) -> None:
    """A program whose flow calls a function of a module beside it."""
    (folder / "talk.mp").write_text(PROGRAM)
    (folder / "notebook.py").write_text(TOOLS)
    (folder / "late.py").write_text("NOTES = ['one', 'two', 'three', 'four']\n")


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """Let what a program imports be found anew by the next one."""
    yield
    for name in ("late", "notebook"):
        sys.modules.pop(name, None)


@pytest.fixture
def talking() -> Iterator[ScriptedEngine]:
    script = {
        "sort": lambda text: {"question": 0.75, "command": 0.25} if "?" in text else "command",
        "answer": lambda text, found: f"{len(found)} notes",
    }
    with scripted(script) as engine:
        yield engine


def test_run_gives_the_value_and_as_json_what_its_decisions_say(
    mpc: Mpc, talking: ScriptedEngine
) -> None:
    assert json.loads(mpc("run", "talk.mp", "reply", "Tea?").stdout) == {"text": "2 notes", "act": "question"}
    found = json.loads(mpc("run", "talk.mp", "reply", "Tea?", "--many", "1", "--json").stdout)
    assert found["value"] == {"text": "1 notes", "act": "question"}
    assert found["confidence"] == pytest.approx(0.75)
    assert (found["answered_by"], found["model"]) == ("flow", "scripted")


def test_run_shows_every_decision(mpc: Mpc, talking: ScriptedEngine) -> None:
    head, *shown = mpc("run", "talk.mp", "reply", "Tea?", "--trace").stdout.splitlines()
    assert head.startswith('reply("Tea?", 2) -> {"text": "2 notes", "act": "question"}  ')
    assert shown[0].startswith('├── 19: sort("Tea?") -> question 0.75  labels, ')
    assert shown[1].startswith('├── 22: search("Tea?", 2) -> ["one", "two"]  function, ')
    assert shown[2].startswith('└── 23: answer("Tea?", ["one", "two"]) -> "2 notes" 1.00  model, ')
    assert json.loads("".join(shown[3:])) == {"text": "2 notes", "act": "question"}
    found = json.loads(mpc("run", "talk.mp", "reply", "Tea?", "--trace", "--json").stdout)
    assert [each["line"] for each in found["decisions"]] == [19, 22, 23]


def test_what_a_function_of_python_raises_is_told_with_the_line(mpc: Mpc, talking: ScriptedEngine) -> None:
    result = mpc("run", "talk.mp", "reply", "Tea? bad")
    assert result.exit_code == 1
    assert result.stderr == (
        "error: search raised LookupError: no notes\n"
        "  in function search of notebook\n"
        "  in flow reply, talk.mp:22\n"
    )


def test_what_is_for_prompts_says_so(mpc: Mpc, talking: ScriptedEngine) -> None:
    assert "sort is a prompt, and one decision itself" in mpc("run", "talk.mp", "sort", "a", "--trace").stderr
    assert "reply is a flow, and this is for prompts" in mpc("tune", "talk.mp", "reply").stderr
    rows = Path("rows.jsonl")
    rows.write_text('{"text": "Tea?", "label": {"text": "2 notes", "act": "question"}}\n')
    result = mpc("eval", "talk.mp", "reply", "rows.jsonl", "--model", "smollm2-135m")
    assert "the flow reply asks the models of its prompts" in result.stderr


def test_map_answers_rows_and_names_those_that_fail(mpc: Mpc, talking: ScriptedEngine) -> None:
    Path("rows.jsonl").write_text('{"text": "Tea?", "many": 1}\n{"text": "bad?"}\n{"text": "Go."}\n')
    result = mpc("map", "talk.mp", "reply", "rows.jsonl", "--out", "out.jsonl")
    assert result.exit_code == 1
    assert "rows.jsonl:2: search raised LookupError: no notes" in result.stderr
    found = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert [each.get("value", each.get("error")) for each in found] == [
        {"text": "1 notes", "act": "question"},
        "search raised LookupError: no notes",
        {"text": "0 notes", "act": "command"},
    ]
    # What a flow calls may do something: no row is run twice.
    assert sorted(Path("searched.txt").read_text().splitlines()) == ["Tea?", "bad?"]  # side by side


def test_eval_measures_the_values_and_each_field(mpc: Mpc, talking: ScriptedEngine) -> None:
    rows = [
        {"inputs": {"text": text}, "label": {"text": notes, "act": act}}
        for text, notes, act in [
            ("Tea?", "2 notes", "question"),
            ("Go.", "0 notes", "command"),
            ("Why?", "3 notes", "question"),
        ]
    ]
    Path("rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    result = mpc("eval", "talk.mp", "reply", "rows.jsonl", "--json")
    found = json.loads(result.stdout)
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["answered_by"] == {"flow": 3}
    assert found["models"][0]["fields"]["act"]["accuracy"] == 1
    assert "reply: 2 of 3 right" in mpc("eval", "talk.mp", "reply", "rows.jsonl").stdout


def test_tests_of_flows_run_with_given_answers_and_without(mpc: Mpc, talking: ScriptedEngine) -> None:
    result = mpc("test", "talk.mp")
    assert result.stdout.splitlines()[-1] == "2 passed, 0 failed"


def test_a_test_that_fails_shows_the_decisions(mpc: Mpc, talking: ScriptedEngine, folder: Path) -> None:
    text = PROGRAM.replace('text="2 notes"', 'text="9 notes"').replace('sort -> "command", ', "")
    (folder / "talk.mp").write_text(text)
    result = mpc("test", "talk.mp", "--junit", "report.xml")
    lines = result.stdout.splitlines()
    assert lines[:3] == [
        'FAIL talk.mp:25: reply("Tea?", 2)',
        '     expected {"text": "9 notes", "act": "question"}',
        '     got      {"text": "2 notes", "act": "question"}',
    ]
    assert lines[4].startswith('     ├── 19: sort("Tea?") -> question 0.75')
    assert "0 passed, 2 failed" in result.stdout
    found = json.loads(mpc("test", "talk.mp", "--json").stdout)
    assert [(each["got"]["act"], each["probability"]) for each in found] == [("question", None)] * 2
    assert "decisions" not in found[0]
