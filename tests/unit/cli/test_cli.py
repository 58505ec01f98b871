"""What holds for all commands: help, status, and what a defect looks like."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from microprompt.errors import EngineError
from microprompt.testing import ScriptedEngine, scripted
from mpc import project
from mpc.diagnostics import InternalError, ToolError

from .conftest import Mpc

COMMANDS = ("new", "build", "check", "run", "map", "test", "explain", "models", "doctor")


def test_help_lists_every_command(mpc: Mpc) -> None:
    result = mpc("--help")
    assert result.exit_code == 0
    for command in COMMANDS:
        assert f"\n  {command} " in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(mpc: Mpc, command: str) -> None:
    assert mpc(command, "--help").exit_code == 0


def test_wrong_usage_is_status_2(mpc: Mpc) -> None:
    assert mpc("buidl").exit_code == 2
    assert mpc("build", "--fast").exit_code == 2
    assert mpc("build", "absent.mp").exit_code == 2


@pytest.mark.parametrize(
    ("error", "stage"),
    [
        (InternalError("lowering", "lost a node"), "lowering"),
        (RuntimeError("lost a node"), "mpc check"),
    ],
)
def test_a_defect_names_its_stage_and_shows_its_traceback_only_on_request(
    mpc: Mpc, monkeypatch: pytest.MonkeyPatch, error: Exception, stage: str
) -> None:
    def fail(paths: object) -> None:
        raise error

    monkeypatch.setattr(project, "check_with_choices", fail)
    result = mpc("check")
    assert result.exit_code == 3
    assert f"internal error in {stage}" in result.stderr
    assert "lost a node" in result.stderr
    assert "report" in result.stderr
    assert "Traceback" not in result.stderr
    assert "Traceback" in mpc("--debug", "check").stderr
    monkeypatch.setenv("MPC_DEBUG", "1")
    assert "Traceback" in mpc("check").stderr


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ToolError("no way", help="try this"), 3, "help: try this"),
        (MemoryError(), 3, "not enough memory"),
        (PermissionError(13, "Permission denied", "/there"), 3, "/there: Permission denied"),
    ],
)
def test_the_environment_is_status_3(
    mpc: Mpc, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, said: str
) -> None:
    def fail(paths: object) -> None:
        raise error

    monkeypatch.setattr(project, "check_with_choices", fail)
    result = mpc("check")
    assert result.exit_code == status
    assert said in result.stderr


def test_a_failing_engine_is_a_defect(mpc: Mpc) -> None:
    def fail(text: str) -> None:
        raise EngineError("the cache lost a sequence")

    with scripted({"classify": fail}):
        result = mpc("run", "intake.mp", "classify", "x")
    assert result.exit_code == 3
    assert "internal error in the engine" in result.stderr


def test_models_list_knows_what_is_here(mpc: Mpc) -> None:
    found = json.loads(mpc("models", "list", "--json").stdout)
    assert {model["here"] for model in found} == {"no"}
    kinds = {model["name"]: model["kind"] for model in found}
    assert kinds.pop("minilm-l6") == "embedder"
    assert set(kinds.values()) == {"language"}
    coder = next(model for model in found if model["name"] == "qwen2.5-coder-0.5b")
    assert (coder["size"], coder["licence"], len(coder["source"])) == (491_400_064, "Apache-2.0", 6)


def test_models_list_says_what_each_is_good_for(mpc: Mpc) -> None:
    lines = mpc("models", "list").stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("gemma3-270m"))
    assert lines[at].split("  ")[-1].strip() == "no"
    assert "Gemma Terms of Use" in lines[at]
    assert lines[at + 1] == "    Gemma 3: quick decisions and short texts in many languages"


def test_models_prepare_of_an_embedder_is_an_error(mpc: Mpc) -> None:
    result = mpc("models", "prepare", "minilm-l6")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "minilm-l6 is an embedder" in result.stderr


def test_models_path_of_a_model_that_is_not_here(mpc: Mpc) -> None:
    result = mpc("models", "path", "gemma3-270m")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "mpc models pull gemma3-270m" in result.stderr


def test_models_path_of_a_file(mpc: Mpc) -> None:
    with open("own.gguf", "wb") as file:
        file.write(b"GGUF and more")
    assert mpc("models", "path", "own.gguf").stdout.endswith("own.gguf\n")


def test_doctor_without_a_model_says_what_is_missing(mpc: Mpc, engine: ScriptedEngine) -> None:
    result = mpc("doctor", "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["ok"]) == (3, False)
    assert "mpc models pull" in found["model"]["problem"]
    assert found["cpu"]["cores"] >= 1
    assert "microprompt" in found["versions"]


def test_explain_says_that_a_lone_label_is_not_asked_for(mpc: Mpc, engine: ScriptedEngine) -> None:
    source = "enum Only:\n    one\n\nprompt ask(text: str) -> Only:\n    What is it? {text}\n"
    Path("lone.mp").write_text(source)
    result = mpc("explain", "lone.mp", "ask")
    assert result.exit_code == 0
    assert "Only, one label, which is not asked for" in result.stdout


def test_explain_of_a_function_shows_prompt_and_trie(mpc: Mpc, engine: ScriptedEngine) -> None:
    result = mpc("explain", "intake.mp", "classify")
    assert result.exit_code == 0
    assert "  | Is it a question or a command?" in result.stdout
    assert "a choice of 2 labels in one pass" in result.stdout
    assert json.loads(mpc("explain", "intake.mp", "classify", "--json").stdout)["function"] == "classify"
