"""`mpc eval`: what is printed, where, and what is refused."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from microprompt import abi
from microprompt.engines import loaded
from microprompt.testing import ScriptedEngine, scripted
from mpc import project

from .conftest import Mpc

ROWS = (
    ("Is it raining?", "question"),
    ("Sit down.", "command"),
    ("Are you there?", "question"),
    ("Would you go?", "command"),
)


@pytest.fixture
def rows(folder: Path) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(f"{json.dumps({'text': text, 'label': label})}\n" for text, label in ROWS))
    return path


def test_the_accuracy_comes_first(mpc: Mpc, engine: ScriptedEngine, rows: Path) -> None:
    result = mpc("eval", "intake.mp", "classify", "rows.jsonl")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "smollm2-135m: 3 of 4 right, accuracy 0.750 [0.301, 0.954]"
    assert lines[1].startswith("macro-F1 0.733, ECE ")
    assert lines[1].endswith("answered by labels (4)")
    assert "label \\ answer" in result.stdout
    assert 'line 4: question (0.75), right is command: "Would you go?"' in result.stdout
    assert result.stderr == ""


def test_json_holds_all_figures_and_nothing_else(mpc: Mpc, engine: ScriptedEngine, rows: Path) -> None:
    result = mpc("eval", "intake.mp", "classify", "rows.jsonl", "--json")
    found = json.loads(result.stdout)
    wanted = {"n", "accuracy", "interval", "macro_f1", "ece", "brier", "confusion", "p50_ms", "models"}
    assert wanted <= found.keys()
    assert found["accuracy"] == 0.75
    assert found["confusion"] == {"labels": ["question", "command"], "counts": [[2, 0], [1, 1]]}


def test_a_table_of_cells_is_evaluated_too(mpc: Mpc, engine: ScriptedEngine, folder: Path) -> None:
    (folder / "rows.csv").write_text("act;text\nquestion;Who?\ncommand;Go.\n")
    result = mpc("eval", "intake.mp", "classify", "rows.csv", "--label", "act")
    assert "2 of 2 right" in result.stdout


def test_what_is_odd_about_the_rows_is_a_warning(mpc: Mpc, engine: ScriptedEngine, folder: Path) -> None:
    (folder / "rows.jsonl").write_text('{"text": "Who is it?", "label": "question"}\n')
    result = mpc("eval", "intake.mp", "classify", "rows.jsonl")
    assert result.exit_code == 0
    assert "warning: the program shows as an example what it is asked in 1 row (line 1)" in result.stderr
    assert "warning: all rows have the label `question`" in result.stderr


def test_wrong_rows_are_refused_before_anything_is_asked(
    mpc: Mpc, engine: ScriptedEngine, folder: Path
) -> None:
    (folder / "rows.jsonl").write_text(
        '{"text": "Go.", "label": "command"}\n{"text": "Go.", "label": "comand"}\n'
    )
    result = mpc("eval", "intake.mp", "classify", "rows.jsonl")
    assert (result.exit_code, engine.calls, result.stdout) == (1, [], "")
    assert "rows.jsonl:2: `label` is \"comand\": not in \"question\" | \"command\"" in result.stderr
    assert "help: did you mean `command`?" in result.stderr


@pytest.fixture
def two_models(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The models "one" and "two", of which the second takes everything for a command."""

    def first(text: str) -> Mapping[object, float]:
        return {"question": 0.75, "command": 0.25} if text.endswith("?") else {"command": 1.0}

    engines = {
        abi.Model(name=name): ScriptedEngine({"classify": answer})
        for name, answer in (("one", first), ("two", "command"))
    }
    monkeypatch.setattr(loaded, "_engines", engines)
    monkeypatch.setenv("MICROPROMPT_AUTO_PULL", "false")  # no embedder, so that their labels decide
    yield
    for engine in engines.values():
        engine.close()


@pytest.mark.usefixtures("two_models")
def test_models_are_compared_on_the_same_rows(mpc: Mpc, rows: Path) -> None:
    arguments = ("eval", "intake.mp", "classify", "rows.jsonl", "--model", "one", "--model", "two")
    result = mpc(*arguments)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("one: 3 of 4 right")
    assert lines[1].startswith("two: 2 of 4 right")
    assert lines[-1] == "rows that only two got right: 1, only one: 2; McNemar's exact p = 1"
    found = json.loads(mpc(*arguments, "--json").stdout)
    assert [each["accuracy"] for each in found["models"]] == [0.75, 0.5]


@pytest.mark.usefixtures("two_models")
def test_warnings_of_several_models_name_the_model(mpc: Mpc, folder: Path) -> None:
    lines = [json.dumps({"text": f"{n}?", "label": "question" if n % 2 else "command"}) for n in range(10)]
    (folder / "rows.jsonl").write_text("\n".join(lines))
    result = mpc("eval", "intake.mp", "classify", "rows.jsonl", "--model", "one", "--model", "two")
    assert "warning: two: `command` takes 10 of 10 answers" in result.stderr
    assert "warning: one: `question` takes 10 of 10 answers" in result.stderr


def test_an_unknown_model_is_told(mpc: Mpc, rows: Path) -> None:
    result = mpc("eval", "intake.mp", "classify", "rows.jsonl", "--model", "smollm")
    assert result.exit_code == 3
    assert "there is no model named `smollm`" in result.stderr


def test_a_models_path_is_relative_to_the_current_folder(mpc: Mpc, rows: Path, folder: Path) -> None:
    result = mpc("eval", "intake.mp", "classify", "rows.jsonl", "--model", "./gone.gguf")
    assert result.exit_code == 3
    assert str(folder / "gone.gguf") in result.stderr


def test_a_record_is_shown_by_field(mpc: Mpc, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "parcels.mp").write_text(PARCELS)
    rows = [{"text": size, "label": {"size": size, "grams": 5}} for size in ("big", "small")]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    module = project.load(folder / "parcels.mp")
    monkeypatch.setattr(project, "load_with_warnings", lambda path: (module, ()))  # the same classes
    with scripted({"weigh": module.Parcel(size="big", grams=7)}):
        result = mpc("eval", "parcels.mp", "weigh", "rows.jsonl")
    assert result.stdout.splitlines()[0].startswith("smollm2-135m: 0 of 2 right")
    assert "\nsize: accuracy 0.500 [0.095, 0.905], macro-F1 0.333, ECE" in result.stdout
    assert re.search(r"^grams: accuracy 0\.000 .* off by 2 in the mean", result.stdout, re.MULTILINE)


PARCELS = '''\
record Parcel:
    size: "big" | "small"
    grams: int

prompt weigh(text: str) -> Parcel:
    Weigh it: {text}
'''


def test_the_report_is_one_file(mpc: Mpc, engine: ScriptedEngine, rows: Path, folder: Path) -> None:
    result = mpc("eval", "intake.mp", "classify", "rows.jsonl", "--html", "out/report.html")
    assert result.exit_code == 0
    assert "the report is in out/report.html" in result.stderr.replace("\\", "/")
    assert (folder / "out" / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_without_the_extra_a_report_says_how_to_get_it(
    mpc: Mpc, engine: ScriptedEngine, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec

    def find_spec(name: str) -> object:
        return None if name == "matplotlib" else real(name)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    result = mpc("eval", "intake.mp", "classify", "rows.jsonl", "--html", "report.html")
    assert (result.exit_code, engine.calls) == (3, [])
    assert "help: pip install 'microprompt[eval]'" in result.stderr
