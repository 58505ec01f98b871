"""Functions of Python that the flows of `replies` call."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import Any

NOTES = ["The meeting is on Friday.", "Anna likes tea.", "The shop opens at nine."]

forever = threading.Event()
"""What `hang` waits for."""


def search(query: str, most: int = 2) -> list[str]:
    """The notes that share a word with a query."""
    words = set(query.lower().strip("?.").split())
    return [note for note in NOTES if words & set(note.lower().strip(".").split())][:most]


async def fetch(query: str) -> list[str]:
    """As `search`, as a coroutine."""
    await asyncio.sleep(0)
    return search(query)


def log(text: str) -> None:
    logged.append(text)


logged: list[str] = []


def broken(query: str) -> list[str]:
    """Raises, returns something else, ends the program, or never returns."""
    match query:
        case "raise":
            raise KeyError("no such note")
        case "exit":
            sys.exit(3)
        case "hang":
            forever.wait(30)
    wrong: Any = 7
    return [query] if query == "fine" else wrong


async def stuck(query: str) -> list[str]:
    """Never returns."""
    await asyncio.sleep(30)
    return [query]


def change(notes: list[str]) -> list[str]:
    """Changes what it is given, and what it has returned."""
    notes.append("changed")
    kept.append(notes)
    return notes


kept: list[list[str]] = []
