"""From rows to answers, on the real models: tune, build, run, and what happens when something changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mpc.cli import cli

pytestmark = pytest.mark.model

PROGRAM = '''\
prompt act(text: str) -> "question" | "request":
    Is this a question or a request?

    {text}
'''
QUESTIONS = (
    "When does the shop open?",
    "Who left the gate unlocked?",
    "Is there any milk left?",
    "How far is it to the coast?",
    "Why did the lights go out?",
    "Which of these is yours?",
    "Do you know her brother?",
    "what time is the match on?",
    "Were they late again?",
    "How much was the ticket?",
    "Has anybody seen my glasses?",
    "Where do we change trains?",
)
REQUESTS = (
    "Please water the plants.",
    "Hand me that screwdriver.",
    "Send the invoice to Ruth.",
    "Turn the volume down.",
    "wake me at seven",
    "Book a table for four.",
    "Take the bins out.",
    "Call me when you get there.",
    "Put the knives in the drawer.",
    "Stop the timer.",
    "Forward this to the landlord.",
    "Wait for me outside.",
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "acts.mp").write_text(PROGRAM)
    rows = [(text, "question") for text in QUESTIONS] + [(text, "request") for text in REQUESTS]
    (tmp_path / "rows.jsonl").write_text(
        "".join(f"{json.dumps({'text': text, 'label': label})}\n" for text, label in rows)
    )
    return tmp_path


def mpc(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def test_rows_become_answers(folder: Path) -> None:
    tuned = mpc("tune", "acts.mp", "act", "--on", "rows.jsonl", "--share")
    assert (tuned.exit_code, mpc("build").exit_code) == (0, 0)
    assert "tuning=abi.Tuning(" in (folder / "acts.py").read_text()

    found = json.loads(mpc("run", "acts.mp", "act", "Could you tell me who won?", "--json").stdout)
    assert found["answered_by"] in ("readout", "readout+embedder")
    assert found["calibrated"] is True
    explained = mpc("explain", "acts.mp", "act").stdout
    assert "tuned" in explained

    # Comments change nothing, and words do.
    source = folder / "acts.mp"
    source.write_text(f"# What is wanted?\n{PROGRAM}")
    assert mpc("build").stderr.count("MP0801") == 0
    source.write_text(PROGRAM.replace("Is this", "Is it"))
    assert "MP0801" in mpc("build").stderr
    found = json.loads(mpc("run", "acts.mp", "act", "Who won?", "--json").stdout)
    assert found["calibrated"] is False

    # A torn file is named, and no answer is made up.
    source.write_text(PROGRAM)
    numbers = folder / "acts.tuning.safetensors"
    numbers.write_bytes(numbers.read_bytes()[:-40])
    torn = mpc("run", "acts.mp", "act", "Who won?")
    assert torn.exit_code == 1
    assert "acts.tuning.safetensors can't be used: it is not the file that" in torn.stderr
    assert "Traceback" not in torn.stderr
