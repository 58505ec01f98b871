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
from concurrent.futures import Future
from typing import Any, TypeVar

from ..errors import EngineError, FlowFailed
from ..scheduling import jobs
from ..scheduling.jobs import Answerer, Pending, wait
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


class _Loop:
    """A loop that runs on a thread until it is stopped; tasks that are left then are cancelled."""

    def __init__(self) -> None:
        ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self.thread = threading.Thread(
            target=lambda: asyncio.run(_serve(ready)), name="microprompt-flows", daemon=True
        )
        try:
            self.thread.start()
        except RuntimeError as error:  # too many threads, or the process ends
            raise EngineError(f"no thread for flows: {error}") from error
        self.loop, self._stopped = ready.result()

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self._stopped.set)
        self.thread.join(1.0)  # no longer for a coroutine that does not let itself be cancelled


async def _serve(ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    stopped = asyncio.Event()
    ready.set_result((asyncio.get_running_loop(), stopped))
    await stopped.wait()


_loop: _Loop | None = None
_lock = threading.Lock()


def _running_loop() -> _Loop:
    global _loop
    with _lock:
        if _loop is None:
            refuse_at_exit()
            _loop = _Loop()
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
