"""Work on threads that can be given up.

A task can be cancelled wherever it waits, and the calls that it has made end with it. A thread can't be; but
where it waits, which is for calls, it can be told. So who begins the work keeps a scope, which knows what is
waited for in it: cancelling the scope ends that, and whatever would be waited for after it.

The scope is in the context, so it reaches the tasks and threads of a flow that the work calls.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[[], T]) -> T:
    """What comes of work that blocks, which runs on a thread, in the context of the caller.

    When the task is cancelled, the work ends where it waits for a call, by the `CancelledError` of
    `concurrent.futures`. It may compute until then, but nobody waits for that.
    """
    scope = _Scope()

    def scoped() -> T:
        _current.set(scope)  # in a copy of the caller's context, which ends with the work
        return work()

    try:
        return await asyncio.to_thread(scoped)
    finally:
        scope.cancel()


def wait_until_done(future: Future[Any], seconds: float | None) -> None:
    """Wait on this thread, at most so long; a future that is cancelled meanwhile is done.

    Raises `TimeoutError` after that time, and `CancelledError` where the future is cancelled or the work that
    waits is given up.
    """
    scope = _current.get()
    with nullcontext() if scope is None else scope.waiting_for(future):
        future.exception(seconds)


class _Scope:
    """What is waited for in a piece of work, on all of its threads. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waited_for: set[Future[Any]] = set()
        self._is_cancelled = False

    def cancel(self) -> None:
        with self._lock:
            self._is_cancelled = True
            waited_for = [*self._waited_for]
        for future in waited_for:
            future.cancel()

    @contextmanager
    def waiting_for(self, future: Future[Any]) -> Iterator[None]:
        with self._lock:
            if self._is_cancelled:
                raise CancelledError
            self._waited_for.add(future)
        try:
            yield
        finally:
            with self._lock:
                self._waited_for.discard(future)


_current: ContextVar[_Scope | None] = ContextVar("microprompt_scope", default=None)
