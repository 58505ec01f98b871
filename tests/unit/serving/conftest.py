"""A small program that is served, with a scripted engine in the model's place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import httpx
import pytest

from microprompt.declared import DeclaredFunction
from microprompt.serving.app import create_app
from microprompt.serving.served import Served
from microprompt.testing import ScriptedEngine, scripted
from mpc import project

PROGRAM = '''\
"""A program with a choice, a record, text and a flow."""

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

prompt rate(ticket: Ticket, note: str? = none, tags: list[str](..2) = []) -> int(1..5):
    Rate the ticket.

    Ticket: {ticket}
    Note: {note}
    Tags: {tags}

prompt reply(text: str) -> str:
    Reply.

    Input: {text}

flow answer(text: str, share: int) -> str:
    kind = classify(text)
    if kind == "command" and 10 / share > 1:
        return "done"
    return reply(text)
'''

Client: TypeAlias = "Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]"


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The program, compiled."""
    path = tmp_path_factory.mktemp("served") / "intake.mp"
    Path(path).write_text(PROGRAM)
    return project.load(path)


@pytest.fixture
def functions(program: ModuleType) -> Sequence[Served]:
    """The program's functions, as the module `intake`."""
    return [
        Served(module="intake", function=each)
        for each in vars(program).values()
        if isinstance(each, DeclaredFunction)
    ]


@pytest.fixture
def engine() -> Iterator[ScriptedEngine]:
    """Takes what ends in a question mark for a question, and everything else for a command."""

    def classify(text: str) -> Mapping[object, float]:
        chance = 0.75 if text.endswith("?") else 0.25
        return {"question": chance, "command": 1 - chance}

    with scripted({"classify": classify, "rate": 4, "reply": "Yes, it is."}) as running:
        yield running


@pytest.fixture
def client(functions: Sequence[Served], engine: ScriptedEngine) -> Client:
    """A client of the application, which is made with what is said here."""

    @asynccontextmanager
    async def made(
        *, host: str = "127.0.0.1:8000", headers: Mapping[str, str] | None = None, **options: Any
    ) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(create_app(functions, **options))
        at = f"http://{host}"
        async with httpx.AsyncClient(transport=transport, base_url=at, headers=headers) as found:
            yield found

    return made
