"""Answers that are given in place of what a flow would call: prompts, flows and functions of Python.

They are in the context, so they reach a flow's tasks and threads, and nobody else.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar


class InTurn:
    """Answers to the calls of one function: each is taken once, the last one by all calls that are left. What
    is taken is a copy, for a flow may append to a list."""

    def __init__(self) -> None:
        self._answers: list[object] = []
        self._lock = threading.Lock()

    def add(self, answer: object) -> None:
        self._answers.append(answer)

    def take(self) -> object:
        with self._lock:
            return copy.deepcopy(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])


_given: ContextVar[Mapping[int, InTurn] | None] = ContextVar("microprompt_given", default=None)


@contextmanager
def given(answers: Iterable[tuple[Callable[..., object], object]]) -> Iterator[None]:
    """Let calls in the block be answered by what is given for what is called; all else is called as ever."""
    answers = list(answers)  # what is called is known by its id, so it must live as long
    found: dict[int, InTurn] = {}
    for called, answer in answers:
        found.setdefault(id(called), InTurn()).add(answer)
    token = _given.set(found)
    try:
        yield
    finally:
        _given.reset(token)


def given_for(called: object) -> InTurn | None:
    """The answers that are given for a function here; `None` where it is called as ever."""
    found = _given.get()
    return None if found is None else found.get(id(called))
