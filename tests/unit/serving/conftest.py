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
"""A program with a choice, a record, text and flows."""

from python hands import repeat, stumble, wait

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

prompt weigh(share: float, day: date, sizes: dict[str, int]) -> bool:
    Is it much?

    {share} {day} {sizes}

prompt reply(text: str) -> str:
    Reply.

    Input: {text}

flow answer(text: str, share: int) -> str:
    kind = classify(text)
    if kind == "command" and 10 / share > 1:
        return "done"
    return reply(text)

flow patient(seconds: float) -> str:
    return wait(seconds)

flow long(count: int) -> str:
    return repeat(count)

flow clumsy(text: str) -> str:
    return stumble(text)
'''

HANDS = '''\
"""What the program's flows call."""

import asyncio


async def wait(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "waited"


def repeat(count: int) -> str:
    return "x" * count


def stumble(text: str) -> str:
    raise LookupError(f"no {text}")
'''

Client: TypeAlias = "Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]"


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The program, compiled."""
    folder = tmp_path_factory.mktemp("served")
    Path(folder / "hands.py").write_text(HANDS)
    Path(folder / "intake.mp").write_text(PROGRAM)
    return project.load(folder / "intake.mp")


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

    script = {"classify": classify, "rate": 4, "weigh": True, "reply": "Yes, it is."}
    with scripted(script) as running:
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
