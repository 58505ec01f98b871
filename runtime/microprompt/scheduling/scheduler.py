"""One scheduler a model: jobs from threads, tasks and `map` meet in one queue, which lanes serve.

An idle engine starts a job at once, on all cores. When several lanes are busy each computes on its share of
the cores. Lanes after the first are made when jobs first have to wait.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
import time
import weakref
from collections import deque
from contextlib import suppress
from typing import Any, Final, TypeVar

from ..errors import DeadlineExceeded, EngineError, ModelError
from .backend import Backend
from .lane import Job, Lane
from .prefixes import PrefixStore

T = TypeVar("T")

QUEUE_LENGTH: Final = 256
"""Jobs that wait before whoever submits another one has to wait himself."""

_BACKLOG: Final = 4
"""Jobs that have to wait before another lane is worth its memory."""


class Scheduler:
    """Runs jobs on a backend and, where `lanes` is more than 1, on clones of it. Safe from any thread.

    `threads` is how many the lanes have together.
    """

    def __init__(self, backend: Backend, *, lanes: int = 1, threads: int = 1) -> None:
        self.backend = backend
        self.store = PrefixStore()
        self.lanes: list[Lane] = [Lane(backend, self.store)]
        self._most_lanes = lanes
        self._threads = threads
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._wake: list[threading.Condition] = []
        self._idle: set[int] = set()
        self._queue: deque[Job[Any]] = deque()
        self._workers: list[threading.Thread] = []
        self._admissions: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = (
            weakref.WeakKeyDictionary()
        )
        self._closing = False
        self._process = os.getpid()
        # A thread inside llama.cpp while the process tears its libraries down would crash it.
        atexit.register(_close, weakref.ref[Scheduler](self))

    def submit(self, job: Job[Any], *, wait: bool = True) -> None:
        """Queue a job; its future tells how it ends. Where the queue is full, wait until the job's deadline.

        `wait=False` is for callers who bound what they submit themselves. Raises `EngineError` once the
        scheduler is closed, and in a forked child, where the model does not live.
        """
        if os.getpid() != self._process:
            raise EngineError(
                "the model was loaded before this process was forked, and does not survive that",
                help='start processes with the "spawn" method, or load the model in the child',
            )
        if job.future.done():
            return
        with self._lock:
            while wait and len(self._queue) >= QUEUE_LENGTH and not self._closing:
                self._room.wait(timeout=0.1)
                if job.is_over():
                    return
            if self._closing:
                raise EngineError("the engine is closed")
            self._queue.append(job)
            if self._idle:
                first = min(self._idle)
                self._idle.remove(first)
                self._wake[first].notify()
            elif len(self._workers) < len(self.lanes) or (
                len(self._workers) < self._most_lanes and len(self._queue) > _BACKLOG
            ):
                self._start_worker()

    def result(self, job: Job[T]) -> T:
        """Wait for a submitted job. Raises what ended it; `DeadlineExceeded` at its deadline."""
        try:
            job.future.exception(_seconds_left(job))
        except TimeoutError:
            self._expire(job)
        except BaseException:
            self.abandon(job)
            raise
        return job.future.result()

    async def arun(self, job: Job[T]) -> T:
        """Submit a job and wait for it, without blocking the event loop; as `result`."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def tell(_: object) -> None:
            with suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(ended.set)

        try:
            async with asyncio.timeout(_seconds_left(job)), self._admission(loop):
                self.submit(job, wait=False)
                job.future.add_done_callback(tell)
                await ended.wait()
        except TimeoutError:
            self._expire(job)
        except BaseException:
            self.abandon(job)
            raise
        return job.future.result()

    def abandon(self, job: Job[Any]) -> None:
        """Cancel a job; what is computed for nobody else ends at once."""
        job.future.cancel()
        self._interrupt()

    def is_idle(self) -> bool:
        """Whether nothing waits or runs."""
        with self._lock:
            return not self._queue and len(self._idle) == len(self._workers)

    def close(self) -> None:
        """End all jobs with an error and free the caches. Does nothing in a forked child."""
        if os.getpid() != self._process:
            return
        with self._lock:
            if self._closing:
                return
            self._closing = True
            for wake in self._wake:
                wake.notify()
            self._room.notify_all()
        for worker in self._workers:
            worker.join()
        self._workers.clear()
        self._idle.clear()
        error = EngineError("the engine was closed")
        for job in self._queue:
            job.fail(error)
        self._queue.clear()
        for lane in self.lanes:
            lane.fail_all(error)
        # The first one owns the weights, so it goes last.
        for lane in reversed(self.lanes):
            lane.backend.close()
        self.store.clear()

    def _expire(self, job: Job[Any]) -> None:
        job.fail(DeadlineExceeded("the call took longer than its timeout"))
        self._interrupt()

    def _interrupt(self) -> None:
        for lane in list(self.lanes):
            lane.interrupt_if_over()

    def _admission(self, loop: asyncio.AbstractEventLoop) -> asyncio.Semaphore:
        """What tasks wait for instead of the queue, for they must not block their loop."""
        if loop not in self._admissions:
            self._admissions[loop] = asyncio.Semaphore(QUEUE_LENGTH)
        return self._admissions[loop]

    # ---------------------------------------------------------------------------------------- workers

    def _start_worker(self) -> None:
        number = len(self._workers)
        self._wake.append(threading.Condition(self._lock))
        worker = threading.Thread(
            target=self._serve, args=(number,), name=f"microprompt-lane-{number}", daemon=True
        )
        self._workers.append(worker)
        worker.start()

    def _serve(self, number: int) -> None:
        if number == 0:
            lane = self.lanes[0]
        else:
            try:
                lane = Lane(self.backend.clone(), self.store)
            except ModelError:  # no memory: the lanes that are there do the work
                with self._lock:
                    self._most_lanes = number
                    self._workers.remove(threading.current_thread())
                return
            with self._lock:
                self.lanes.append(lane)
        held: Job[Any] | None = None
        while True:
            with self._lock:
                while not self._closing and not self._queue and not lane.is_busy and held is None:
                    self._idle.add(number)
                    self._wake[number].wait()
                    self._idle.discard(number)
                if self._closing:
                    if held is not None:
                        self._queue.appendleft(held)
                    return
                threads = max(1, self._threads // (len(self._workers) - len(self._idle)))
            while held is not None or lane.wants_more():
                if held is None and (held := self._next()) is None:
                    break
                if not lane.admit(held):
                    break
                held = None
            if lane.is_busy:
                lane.step(threads)

    def _next(self) -> Job[Any] | None:
        with self._lock:
            if not self._queue:
                return None
            if len(self._queue) == QUEUE_LENGTH:
                self._room.notify_all()
            return self._queue.popleft()


def _close(reference: weakref.ref[Scheduler]) -> None:
    scheduler = reference()
    if scheduler is not None:
        scheduler.close()


def _seconds_left(job: Job[Any]) -> float | None:
    if job.deadline is None:
        return None
    return min(max(0.0, job.deadline - time.monotonic()), threading.TIMEOUT_MAX)
