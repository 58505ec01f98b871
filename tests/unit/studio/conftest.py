"""The studio on a small program, with a scripted engine in the model's place."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from microprompt import settings
from microprompt.engines.scripted import ByteBackend
from microprompt.scheduling.backend import Rows, Step
from microprompt.testing import ScriptedEngine, scripted
from mpc.studio.app import studio
from mpc.studio.workspace import Workspace

TOKEN = "a-token"
PORT = 8123

PROGRAM = '''\
"""Support, in small."""

enum Tone:
    calm   "polite, or plain"
    angry  "complains, or insults"

record Ticket:
    topic: "phone" | "laptop"
    urgent: bool
    summary: str(..40)

prompt classify(text: str) -> "question" | "command":
    Is it a question or a command?

    Input: {text}
examples:
    "Who is it?" -> "question"
    "Where is it?" -> "question"
    "Go home." -> "command"
    "Come here." -> "command"
tests:
    "Is it raining?" -> "question"
    "Sit down." -> "question"

prompt ticket(text: str) -> Ticket:
    Read the message.

    {text}

prompt rate(item: Ticket, tone: Tone, tags: list[str] = [], note: str? = none, loud: bool = false) -> int:
    Rate the ticket {item}, {tone}, {tags}, {note}, {loud}.

flow reply(text: str) -> str:
  """Answers questions."""
  act = classify(text)
  about = ticket(text)
  if act == "question":
    return "an answer about " + about.summary
  return "done"
tests:
    "Sit down." -> "done" given classify -> "command"
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder, which is the current one, with the program in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MICROPROMPT_HOME", str(tmp_path / "home"))
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "support.mp").write_text(PROGRAM)
    (tmp_path / "secret.txt").write_text("nobody's business")
    settings.reset()
    return tmp_path


class Remembering(Workspace):
    """Knows which module it has loaded last: a script's answers are made of the classes of that one."""

    latest: ModuleType

    def load(self, file: str, drafts: Mapping[str, str]) -> ModuleType:
        self.latest = super().load(file, drafts)
        return self.latest


@pytest.fixture
def workspace(folder: Path) -> Iterator[Remembering]:
    found = Remembering([Path()])
    yield found
    found.close()


@pytest.fixture
def app(workspace: Workspace) -> ASGIApp:
    return studio(workspace, token=TOKEN, port=PORT)


@pytest.fixture
def engine(workspace: Remembering) -> Iterator[ScriptedEngine]:
    """Takes what ends in a question mark for a question, and everything else for a command."""

    def classify(text: str) -> Mapping[object, float]:
        chance = 0.75 if text.endswith("?") else 0.25
        return {"question": chance, "command": 1 - chance}

    def ticket(text: str) -> object:
        made: Callable[..., Any] = workspace.latest.Ticket
        return {
            made(topic="phone", urgent=False, summary="the phone is slow"): 0.6,
            made(topic="laptop", urgent=True, summary="the laptop burns"): 0.4,
        }

    with scripted({"classify": classify, "ticket": ticket, "rate": 4, "judge": True}) as running:
        yield running


class Gate(threading.Event):
    """Until it is set, engines answer nothing; `is_reached` tells that one computes."""

    is_reached = False


@pytest.fixture
def go(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    found, decoded = Gate(), ByteBackend.decode

    def decode(self: ByteBackend, step: Step, threads: int) -> Rows:
        found.is_reached = True
        assert found.wait(30)
        return decoded(self, step, threads)

    monkeypatch.setattr(ByteBackend, "decode", decode)
    yield found
    found.set()


class Page:
    """Asks as the page does: with the token, and from its own address."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
            own = f"http://127.0.0.1:{PORT}"
            async with httpx.AsyncClient(transport=transport, base_url=own) as client:
                headers = {"Authorization": f"Bearer {TOKEN}", **more.pop("headers", {})}
                return await client.request(method, path, headers=headers, **more)

        return asyncio.run(asked())

    def post(self, path: str, **body: object) -> httpx.Response:
        return self.ask("POST", path, json={"file": "support.mp", **body})


@pytest.fixture
def page(app: ASGIApp) -> Page:
    return Page(app)
