"""The command line on the default model, as a user starts it: in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.model

PROGRAM = """\
enum Act:
    question     "asks for information"
    command      "asks for something to be done"

prompt classify(text: str) -> Act:
    Is the input a question or a command?

    Input: {text}
examples:
    "What time does the shop close?" -> question
    "Turn off the lights in the hall." -> command
    "Who wrote this report?" -> question
    "Remind me to call the dentist." -> command
tests:
    "Where is the nearest station?" -> question
"""
ROWS = 96


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "intake.mp").write_text(PROGRAM)
    rows = [{"id": number, "inputs": {"text": f"Bring me {number} apples."}} for number in range(ROWS)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", "from mpc.cli import main; main()", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def mpc(folder: Path, *arguments: str) -> str:
    """Run `mpc`, which must end well, and give its standard output."""
    process = start(folder, *arguments)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    return out


def answers(path: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in path.read_text().splitlines()]
    return [{key: value for key, value in row.items() if key != "seconds"} for row in found]


def test_run_prints_a_name_or_a_whole_answer(folder: Path) -> None:
    assert mpc(folder, "run", "intake.mp", "classify", "Where is my umbrella?") == "question\n"
    found = json.loads(mpc(folder, "run", "intake.mp", "classify", "Open the window.", "--json"))
    assert found["value"] == max(found["distribution"], key=found["distribution"].get)
    assert sum(found["distribution"].values()) == pytest.approx(1.0)
    assert found["usage"]["prompt_tokens"] > 0


def test_a_killed_map_continues_to_the_same_file(folder: Path) -> None:
    mpc(folder, "map", "intake.mp", "classify", "rows.jsonl", "--out", "whole.jsonl")
    out = folder / "out.jsonl"
    process = start(folder, "map", "intake.mp", "classify", "rows.jsonl", "--out", "out.jsonl")
    while process.poll() is None and (not out.exists() or out.read_bytes().count(b"\n") < ROWS // 3):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert 0 < len(answers(out)) < ROWS
    mpc(folder, "map", "intake.mp", "classify", "rows.jsonl", "--out", "out.jsonl")
    again, whole = answers(out), answers(folder / "whole.jsonl")
    # Which rows share a batch shows in the fourth digit of a probability.
    for one, other in zip(again, whole, strict=True):
        for name in ("distribution", "confidence", "coverage"):
            assert one.pop(name) == pytest.approx(other.pop(name), abs=0.005)
        # What was read of a text shortly before is not read again, unless another process does it.
        for line in (one, other):
            line["usage"].pop("cached_tokens")
    assert again == whole
    assert [row["id"] for row in answers(out)] == list(range(ROWS))


def test_the_tests_of_a_program_pass(folder: Path) -> None:
    assert mpc(folder, "test").endswith("1 passed, 0 failed\n")


def test_doctor_finds_everything(folder: Path) -> None:
    found = json.loads(mpc(folder, "doctor", "--json"))
    assert found["ok"]
    assert found["model"]["hash"] == "as it should be"
    assert found["call"]["warm_ms"] > 0


def test_explain_counts_the_tokens_of_the_prompt(folder: Path) -> None:
    found = json.loads(mpc(folder, "explain", "intake.mp", "classify", "--json"))
    assert found["prefix_tokens"] > found["call_tokens"] > 0
    assert found["slots"][0]["labels"] == 2


def test_models_path_and_shipped_path_exist(folder: Path) -> None:
    mpc(folder, "models", "pull")
    for shipped in ((), ("--shipped",)):
        assert Path(mpc(folder, "models", "path", "smollm2-135m", *shipped).strip()).is_file()
