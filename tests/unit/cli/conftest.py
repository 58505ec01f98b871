"""The command line on a small program, with a scripted engine in the model's place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest
from click.testing import CliRunner, Result

from microprompt import settings
from microprompt.engines import loaded
from microprompt.testing import ScriptedEngine, scripted
from mpc.cli import cli

PROGRAM = '''\
"""A program with a choice and a record."""

enum Mood:
    calm
    angry as "very angry"

record Ticket:
    mood: Mood
    urgency: int(1..5) = 3

prompt classify(text: str) -> "question" | "command":  # mpc: allow MP1105
    Is it a question or a command?

    Input: {text}
examples:
    "Who is it?" -> "question"
tests:
    "Is it raining?" -> "question"
    "Sit down." -> "command"

prompt rate(ticket: Ticket, mood: Mood = calm, note: str? = none, tags: list[str](..2) = []) -> int(1..5):
    Rate the ticket.

    Ticket: {ticket}
    Mood: {mood}
    Note: {note}
    Tags: {tags}
'''


class Mpc(Protocol):
    """Runs `mpc` with these arguments."""

    def __call__(self, *arguments: str) -> Result: ...


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder, which is the current one, with the program in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MICROPROMPT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MPC_DEBUG", raising=False)
    (tmp_path / "intake.mp").write_text(PROGRAM)
    # Models that other tests have loaded are not this folder's.
    monkeypatch.setattr(loaded, "_engines", {})
    monkeypatch.setattr(loaded, "_embedders", {})
    settings.reset()
    return tmp_path


@pytest.fixture
def mpc() -> Mpc:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, arguments)

    return run


@pytest.fixture
def engine() -> Iterator[ScriptedEngine]:
    """Takes what ends in a question mark for a question, and everything else for a command."""

    def classify(text: str) -> Mapping[object, float]:
        chance = 0.75 if text.endswith("?") else 0.25
        return {"question": chance, "command": 1 - chance}

    with scripted({"classify": classify, "rate": 4}) as running:
        yield running
