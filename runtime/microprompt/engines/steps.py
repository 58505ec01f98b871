"""Calls that are answered in steps, each of which waits for several pieces of work.

The future of such a call is done when the last of them is; when it ends early, because it failed, was
cancelled or took too long, they are given up, unless others want them too. Nothing here blocks a thread that
computes: what follows from a result is either quick, or is done on a thread of its own (`Steps.follow_up`).
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
import time
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Final, TypeVar

from ..answer import Answer
from ..errors import EngineError
from ..scheduling.jobs import Answerer, Pending, run_many, wait
from .base import Call

T = TypeVar("T")

IN_LOOP: Final = 64
"""Calls that the tasks of one event loop have begun at a time; others wait without blocking it."""


class Steps(ABC):
    """A call on its way to its answer, which is to come with `pending`, by the `deadline` if there is one;
    without, each step has the call's `timeout`."""

    def __init__(self, call: Call, *, waits: bool, deadline: float | None) -> None:
        self.pending: Pending[Answer[object]] = Pending(deadline=deadline)
        self._call = call
        self._waits = waits
        self._start = time.monotonic()
        self._lock = threading.Lock()
        self._is_over = False
        self._releases: list[Callable[[], None]] = []
        self._own: list[Pending[Any]] = []
        # However it ends, nothing of it goes on for nobody.
        self.pending.future.add_done_callback(lambda _: self._give_up())

    def begin(self) -> Pending[Answer[object]]:
        """Begin the work. Raises what beginning it raises; what has begun is then given up."""
        try:
            self._begin()
        except BaseException:
            self.pending.future.cancel()
            raise
        return self.pending

    @abstractmethod
    def _begin(self) -> None:
        """Begin the first steps."""

    def begun(self, answerer: Answerer, pending: Pending[T]) -> Future[T]:
        """Take up work that was begun for this call alone: it ends when the call does."""
        self.hold(lambda: None if pending.future.done() else answerer.abandon(pending))
        self._own.append(pending)
        return pending.future

    def hold(self, release: Callable[[], None]) -> None:
        """Remember to release something when the call is over."""
        with self._lock:
            if not self._is_over:
                self._releases.append(release)
                return
        release()

    def seconds_left(self) -> float | None:
        """The timeout for the next step."""
        deadlines = [each.deadline for each in (self.pending, *self._own) if each.deadline is not None]
        return max(0.001, min(deadlines) - time.monotonic()) if deadlines else self._call.timeout

    def seconds(self) -> float:
        """How long the call has taken so far."""
        return time.monotonic() - self._start

    def when_all(self, works: Mapping[T, Future[Any]], then: Callable[[Mapping[T, Any]], None]) -> None:
        """Go on when all of the work is done, on the thread that does the last of it. The first that fails
        ends the call."""
        left = len(works)

        def ended(future: Future[Any]) -> None:
            nonlocal left
            with self._lock:
                left -= 1
                is_last = left == 0
            try:
                future.result()
                if is_last and not self.pending.future.done():
                    then({name: each.result() for name, each in works.items()})
            except BaseException as error:  # what is raised in a callback is lost, and the caller waits
                self.pending.fail(error)

        for future in works.values():
            future.add_done_callback(ended)

    def follow_up(self, step: Callable[[], None]) -> None:
        """Go on with what may take a while, on a thread where nobody waits for that."""

        def guarded() -> None:
            if self.pending.future.done():
                return
            try:
                step()
            except BaseException as error:
                self.pending.fail(error)

        try:
            _threads().submit(contextvars.copy_context().run, guarded)
        except RuntimeError as error:
            raise EngineError("the engine is closed: this process ends") from error

    def _give_up(self) -> None:
        with self._lock:
            self._is_over = True
            releases, self._releases = self._releases, []
        for release in releases:
            release()


class StepwiseEngine(ABC):
    """What engines that answer in steps have in common. Safe from any thread."""

    @abstractmethod
    def submit(self, call: Call, *, waits: bool = False) -> Pending[Answer[object]]:
        """Begin a call. Its `timeout` counts from now; with `waits`, from when its work starts."""

    @abstractmethod
    def is_warm(self) -> bool:
        """Whether a call waits for nothing but its work."""

    @abstractmethod
    def warm_up(self) -> None:
        """Load what calls need."""

    def result(self, pending: Pending[T], /) -> T:
        """Wait for a call. Raises what ended it; `DeadlineExceeded` at its deadline."""
        return wait(pending)

    def abandon(self, pending: Pending[Any], /) -> None:
        """Give up a call; what is computed for nobody else ends at once."""
        pending.future.cancel()

    def run_many(self, calls: Iterable[Call], *, in_flight: int) -> Iterator[Answer[object]]:
        """The answers to many calls, in order. `calls` is read up to `in_flight` ahead."""
        return run_many(((self, self.submit(call, waits=True)) for call in calls), in_flight=in_flight)

    async def aanswer(self, call: Call) -> Answer[object]:
        """Answer a call without blocking the event loop."""
        start = time.monotonic()
        if not self.is_warm():
            await asyncio.to_thread(self.warm_up)
        left = None if call.timeout is None else max(0.0, call.timeout - (time.monotonic() - start))
        pending: Pending[Answer[object]] | None = None
        try:
            async with asyncio.timeout(left), _admission():
                pending = self.submit(replace(call, timeout=left))
                await pending.ended()
        except TimeoutError:
            pending = pending or Pending()
            pending.expire()
        except BaseException:
            if pending is not None:
                self.abandon(pending)
            raise
        return pending.future.result()


# ------------------------------------------------------------------------------------------------ waiting

_admissions: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = (
    weakref.WeakKeyDictionary()
)
_pool: ThreadPoolExecutor | None = None
_lock = threading.Lock()


def _admission() -> asyncio.Semaphore:
    return _admissions.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(IN_LOOP))


def _threads() -> ThreadPoolExecutor:
    """The threads for what follows from a result: they submit, and wait where a queue is full or a model
    loads."""
    global _pool
    with _lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(4, thread_name_prefix="microprompt-follow-up")
        return _pool


def _after_fork() -> None:
    """In a child process the threads, and what they had locked, did not come along."""
    global _pool, _lock
    _pool = None
    _lock = threading.Lock()
    _admissions.clear()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no forks
    os.register_at_fork(after_in_child=_after_fork)
