"""An event loop on a thread of its own, for what threads wait for: flows side by side, and coroutines.

A flow in a task costs no thread, and can be cancelled wherever it waits; so a thread that asks for several
flows at a time has them run here, however many threads do.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Coroutine, Iterable, Iterator
from typing import Any, TypeVar

from ..errors import FlowFailed
from ..scheduling import jobs
from ..scheduling.jobs import Answerer, Pending, wait
from ..scheduling.loop import LoopThread
from ..scheduling.scheduler import refuse_at_exit

T = TypeVar("T")


def begin(coroutine: Coroutine[Any, Any, T]) -> Pending[T]:
    """Begin to run a coroutine, in the context of the caller.

    Raises `FlowFailed` on the loop's own thread, which would wait for itself, and `EngineError` where no
    thread can be started.
    """
    try:
        loop = _running_loop()
        if threading.current_thread() is loop.thread:
            raise FlowFailed(
                "a coroutine that a flow runs calls a flow without `await`", help="await its `acall`"
            )
    except BaseException:
        coroutine.close()
        raise
    return Pending(future=asyncio.run_coroutine_threadsafe(coroutine, loop.loop))


def run_many(coroutines: Iterable[Coroutine[Any, Any, T]], *, in_flight: int) -> Iterator[T]:
    """The results of many coroutines, in order. `coroutines` is read up to `in_flight` ahead; raises as
    `jobs.run_many`."""
    return jobs.run_many(((ANSWERER, begin(each)) for each in coroutines), in_flight=in_flight)


class _Background:
    """Where coroutines are waited for that `begin` has begun."""

    def result(self, pending: Pending[T], /) -> T:
        return wait(pending)

    def abandon(self, pending: Pending[Any], /) -> None:
        pending.future.cancel()


ANSWERER: Answerer = _Background()


_loop: LoopThread | None = None
_lock = threading.Lock()


def _running_loop() -> LoopThread:
    global _loop
    with _lock:
        if _loop is None:
            refuse_at_exit()
            _loop = LoopThread("microprompt-flows")
        return _loop


@atexit.register
def _end() -> None:
    if _loop is not None:
        _loop.stop()


def _after_fork() -> None:
    """In a child process the thread did not come along, nor who had locked what."""
    global _loop, _lock
    _loop = None
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no forks
    os.register_at_fork(after_in_child=_after_fork)
