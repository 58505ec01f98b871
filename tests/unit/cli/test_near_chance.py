"""One line about a choice that is likely to be wrong on the model that answers it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from microprompt import models
from microprompt.testing import ScriptedEngine
from mpc import project

from .conftest import Mpc

CHOICE = """\
prompt classify(text: str) -> "question" | "command":
    Is it a question or a command?

    Input: {text}
"""
EXAMPLES = """\
examples:
    "Who is it?" -> "question"
    "Is it raining?" -> "question"
    "Sit down." -> "command"
"""
ENOUGH = f'{EXAMPLES}    "Go." -> "command"\n'
TUNE = "mpc tune intake.mp classify --on ROWS.jsonl"


def notes(stderr: str) -> list[str]:
    return [line for line in stderr.splitlines() if line.startswith("note: ")]


def write(folder: Path, program: str) -> None:
    (folder / "intake.mp").write_text(program)


def tune(folder: Path, key: str) -> None:
    numbers = folder / "intake.tuning.safetensors"
    numbers.touch()
    entry = {"key": key, "model": "smollm2-135m"}
    document = {"format": 1, "functions": {"classify": [entry]}, "tensors": {"file": numbers.name}}
    (folder / "intake.tuning.json").write_text(json.dumps(document))


def test_check_names_the_function_and_what_to_do(mpc: Mpc, folder: Path) -> None:
    write(folder, CHOICE)
    result = mpc("check")
    (note,) = notes(result.stderr)
    assert note == (
        "note: classify is untuned, and its labels have fewer than 2 examples; on smollm2-135m such answers "
        f"may be near chance: add examples, or `{TUNE}`"
    )
    assert (result.exit_code, result.stdout) == (0, "no problems found\n")


def test_check_counts_examples_by_label(mpc: Mpc, folder: Path) -> None:
    write(folder, CHOICE + EXAMPLES)
    (note,) = notes(mpc("check").stderr)
    assert "1 of its 2 labels have fewer than 2 examples" in note


@pytest.mark.parametrize(
    "program",
    [
        CHOICE + ENOUGH,
        CHOICE + 'using:\n    decide = "labels"\n',
        CHOICE + 'using:\n    model = "./mine.gguf"\n',
        CHOICE.replace('"question" | "command"', "str"),
        CHOICE.replace("{text}", "{txt}"),
    ],
    ids=["enough examples", "label scores asked for", "another model", "no choice", "an error"],
)
def test_check_says_nothing_where_there_is_nothing_to_say(mpc: Mpc, folder: Path, program: str) -> None:
    write(folder, program)
    assert notes(mpc("check").stderr) == []


def test_none_is_no_label_where_an_unsure_answer_becomes_it(
    mpc: Mpc, folder: Path, engine: ScriptedEngine
) -> None:
    optional = CHOICE.replace('"question" | "command"', '("question" | "command")?') + ENOUGH
    write(folder, optional)
    assert "1 of its 3 labels" in mpc("check").stderr
    assert "1 of its 3 labels" in mpc("run", "intake.mp", "classify", "Go!").stderr
    write(folder, f"{optional}using:\n    abstain below 0.1\n")
    assert notes(mpc("check").stderr) == []
    assert notes(mpc("run", "intake.mp", "classify", "Go!").stderr) == []


def test_check_says_nothing_of_a_tuned_choice(mpc: Mpc, folder: Path) -> None:
    write(folder, CHOICE)
    tune(folder, project.keys(folder / "intake.mp")["classify"])
    assert mpc("check").stderr == ""


def test_check_says_nothing_of_what_is_only_imported(mpc: Mpc, folder: Path) -> None:
    write(folder, CHOICE)
    (folder / "user.mp").write_text("from intake import classify\n")
    assert notes(mpc("check", "user.mp").stderr) == []


@pytest.mark.parametrize("arguments", [("--json",), ("--format", "github")])
def test_what_other_programs_read_has_no_such_line(
    mpc: Mpc, folder: Path, arguments: tuple[str, ...]
) -> None:
    write(folder, CHOICE)
    assert mpc("check", *arguments).stderr == ""


def test_settings_that_are_wrong_keep_check_from_nothing(
    mpc: Mpc, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, CHOICE)
    monkeypatch.setenv("MICROPROMPT_THREADS", "none")
    result = mpc("check")
    assert (result.exit_code, result.stdout, notes(result.stderr)) == (0, "no problems found\n", [])


def test_run_says_it_beside_the_answer(mpc: Mpc, folder: Path, engine: ScriptedEngine) -> None:
    write(folder, CHOICE)
    result = mpc("run", "intake.mp", "classify", "Who?")
    assert (result.exit_code, result.stdout) == (0, "question\n")
    (note,) = notes(result.stderr)
    assert TUNE in note
    assert notes(mpc("run", "intake.mp", "classify", "Who?", "--json").stderr) == []


def test_run_says_nothing_of_a_choice_with_examples(mpc: Mpc, folder: Path, engine: ScriptedEngine) -> None:
    write(folder, CHOICE + ENOUGH)
    assert notes(mpc("run", "intake.mp", "classify", "Who?").stderr) == []


def test_run_warns_of_a_tuning_that_is_not_used(mpc: Mpc, folder: Path, engine: ScriptedEngine) -> None:
    write(folder, CHOICE + ENOUGH)
    tune(folder, "0" * 32)
    result = mpc("run", "intake.mp", "classify", "Who?", "--json")
    assert (result.exit_code, json.loads(result.stdout)["value"]) == (0, "question")
    assert "warning[MP0801]" in result.stderr


def test_new_starts_with_enough_examples_and_says_how_to_go_on(
    mpc: Mpc, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = mpc("new", "hello")
    (note,) = notes(result.stderr)
    assert TUNE in note
    monkeypatch.chdir(folder / "hello")
    assert mpc("check").stderr == ""


def test_doctor_says_it_of_the_model_in_the_settings(mpc: Mpc, folder: Path, engine: ScriptedEngine) -> None:
    (note,) = notes(mpc("doctor").stderr)
    assert "fewer than 2 examples of a label may be near chance on smollm2-135m" in note
    assert notes(mpc("doctor", "--json").stderr) == []


def test_small_models_are_known_to_be_near_chance() -> None:
    assert models.REGISTRY["smollm2-135m"].near_chance
    assert models.REGISTRY["gemma3-270m"].near_chance
