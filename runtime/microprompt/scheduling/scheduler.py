"""One scheduler a model: jobs from threads, tasks and `map` meet in one queue, which runners serve.

A runner is what runs jobs in one thread: for a language model a group of lanes. One that was idle starts as
soon as no more jobs come, on all cores. When several runners are busy each computes on its share of the
cores. Runners after the first are made when jobs first have to wait. Jobs that belong together, as questions
about one state do, go to one runner: another one would have to evaluate the state again.

Each runner has a thread of its own. While there is nothing to do the thread waits at its inbox and holds
nothing of the scheduler, so an engine that nobody refers to any more is freed like any object; to ring, the
scheduler puts itself into the inbox, and so stays alive until the work is done.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, Final, Generic, Protocol, Self, TypeAlias, TypeVar

from ..errors import EngineError, ModelError
from .cancelling import wait_until_done
from .jobs import Pending
from .places import Places

T = TypeVar("T")

QUEUE_LENGTH: Final = 256
"""Jobs that wait before whoever submits another one has to wait himself."""

_ROUND: Final = 0.0003
"""For how many seconds a runner that was idle waits for another job: a call takes a third of that to be
submitted, and a hundred times as long to be answered."""

_MOST_ROUNDS: Final = 8
"""How often it waits like that, as long as jobs come."""

_BACKLOG: Final = 4
"""Jobs that have to wait before another runner is worth its memory. Those that belong together are one."""


class Runner(Protocol):
    """What runs jobs, several at a time, batch by batch. Used by one thread, but for `interrupt_if_over`."""

    @property
    def is_busy(self) -> bool:
        """Whether there is anything to do."""
        ...

    def wants(self, job: Pending[Any], /) -> bool:
        """Whether the next batch has room for this job."""
        ...

    def admit(self, job: Pending[Any], /) -> bool:
        """Start a job, unless it has to wait for those that are here."""
        ...

    def step(self, threads: int) -> None:
        """Evaluate one batch and give every job its part."""
        ...

    def interrupt_if_over(self) -> None:
        """End the batch that runs now early if nobody waits for any of it. May be called by any thread."""
        ...

    def fail_all(self, error: BaseException) -> None:
        """End every job with an error."""
        ...

    def clone(self) -> Self:
        """Another one on the same model. Raises `ModelError` without memory for it."""
        ...

    def close(self) -> None:
        """Free what it holds, and the model with the last one."""
        ...


R = TypeVar("R", bound=Runner)


class Scheduler(Generic[R]):
    """Runs jobs on a runner and, where `runners` is more than 1, on clones of it. Safe from any thread.

    `threads` is how many they have together.
    """

    def __init__(self, runner: R, *, runners: int = 1, threads: int = 1) -> None:
        self._process = os.getpid()
        self.is_closed = True  # until it is made
        refuse_at_exit()
        self._runners: dict[int, R] = {0: runner}
        self._max_runners = runners
        self._threads = threads
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._unused = threading.Condition(self._lock)
        self._users = 0
        self._inboxes: dict[int, _Inbox] = {}
        self._workers: dict[int, threading.Thread] = {}
        self._idle: set[int] = set()
        self._waiting: deque[Pending[Any]] = deque()
        self._places = Places()
        self._admissions: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = (
            weakref.WeakKeyDictionary()
        )
        self.is_closed = False
        _open.add(self)

    @property
    def runners(self) -> list[R]:
        """The runners that there are by now."""
        return list(self._runners.values())

    def submit(self, job: Pending[Any], *, wait: bool = True) -> None:
        """Queue a job; its future tells how it ends. Where the queue is full, wait until the job's deadline.

        `wait=False` is for callers who bound what they submit themselves. Raises `EngineError` once the
        scheduler is closed, and in a forked child, where the model does not live.
        """
        self._refuse_in_a_fork()
        if job.future.done():
            return
        with self._lock:
            while wait and len(self._waiting) >= QUEUE_LENGTH and not self.is_closed:
                self._room.wait(timeout=0.1)
                if job.is_over():
                    return
            self._refuse_if_closed()
            self._waiting.append(job)
            place = self._places.of(job)
            if place is None and self._idle:
                place = min(self._idle)
                self._places.put(job, place)
            if place is not None:
                if place in self._idle:
                    self._idle.remove(place)
                    self._inboxes[place].put(self)
            elif not self._workers or (len(self._workers) < self._max_runners and self._has_backlog()):
                self._start_worker()

    def result(self, pending: Pending[T], /) -> T:
        """Wait for a submitted job. Raises what ended it; `DeadlineExceeded` at its deadline."""
        self._refuse_in_a_fork()
        try:
            wait_until_done(pending.future, pending.seconds_left())
        except TimeoutError:
            self._expire(pending)
        except BaseException:
            self.abandon(pending)
            raise
        return pending.future.result()

    async def arun(self, job: Pending[T]) -> T:
        """Submit a job and wait for it, without blocking the event loop; as `result`."""
        try:
            async with asyncio.timeout(job.seconds_left()), self._admission(asyncio.get_running_loop()):
                self.submit(job, wait=False)
                await job.ended()
        except TimeoutError:
            self._expire(job)
        except BaseException:
            self.abandon(job)
            raise
        return job.future.result()

    def abandon(self, pending: Pending[Any], /) -> None:
        """Cancel a job; what is computed for nobody else ends at once."""
        if not self._is_forked():
            pending.future.cancel()
            self._interrupt()

    def is_idle(self) -> bool:
        """Whether nothing waits or runs."""
        with self._lock:
            return not self._waiting and len(self._idle) == len(self._workers)

    def refuse(self) -> None:
        """Raise `EngineError` once closed, and in a forked child."""
        self._refuse_in_a_fork()
        self._refuse_if_closed()

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Keep the model from being freed in the block, for what uses it outside the runners: its vocabulary.

        Raises `EngineError` once the scheduler is closed, and in a forked child.
        """
        self._refuse_in_a_fork()
        with self._lock:
            self._refuse_if_closed()
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                self._unused.notify_all()

    def close(self) -> None:
        """End all jobs with an error and free the caches. Does nothing in a forked child."""
        if self._is_forked():
            return
        with self._lock:
            if self.is_closed:
                return
            self.is_closed = True
            self._room.notify_all()
            while self._users:
                self._unused.wait()
        self._stop_workers()
        for worker in list(self._workers.values()):
            worker.join()
        self._workers.clear()
        self._inboxes.clear()
        self._idle.clear()
        error = EngineError("the engine was closed")
        for job in self._waiting:
            job.fail(error)
        self._waiting.clear()
        for runner in self.runners:
            runner.fail_all(error)
        self._free()

    def __del__(self) -> None:
        # Nobody refers to it, so no worker is at work, and nothing waits or runs.
        if not (self._is_forked() or self.is_closed):
            self.is_closed = True
            self._stop_workers()
            self._free()

    def _free(self) -> None:
        for runner in reversed(self.runners):
            runner.close()

    def _expire(self, pending: Pending[Any]) -> None:
        pending.expire()
        self._interrupt()

    def _interrupt(self) -> None:
        for runner in self.runners:
            runner.interrupt_if_over()

    def _is_forked(self) -> bool:
        """Whether this is a child of the process that loaded the model. Its threads and what they had locked
        did not come along, so nothing here may be touched."""
        return os.getpid() != self._process

    def _refuse_in_a_fork(self) -> None:
        if self._is_forked():
            raise forked()

    def _refuse_if_closed(self) -> None:
        if self.is_closed:
            raise EngineError("the engine is closed")

    def _admission(self, loop: asyncio.AbstractEventLoop) -> asyncio.Semaphore:
        """What tasks wait for instead of the queue, for they must not block their loop."""
        if loop not in self._admissions:
            self._admissions[loop] = asyncio.Semaphore(QUEUE_LENGTH)
        return self._admissions[loop]

    def _has_backlog(self) -> bool:
        if len(self._waiting) <= _BACKLOG:
            return False
        groups = {id(job) if job.together is None else job.together for job in self._waiting}
        return len(groups) > _BACKLOG

    # ---------------------------------------------------------------------------------------- workers

    def _start_worker(self) -> None:
        number = len(self._workers)
        inbox: _Inbox = SimpleQueue()
        worker = threading.Thread(
            target=_serve, args=(inbox, number), name=f"microprompt-lane-{number}", daemon=True
        )
        try:
            worker.start()
        except RuntimeError as error:  # too many threads, or the process ends
            if not self._workers:
                self._waiting.clear()
                raise EngineError(f"no thread for the model: {error}") from error
            self._max_runners = number
            return
        self._inboxes[number] = inbox
        self._workers[number] = worker
        inbox.put(self)

    def _stop_workers(self) -> None:
        for inbox in list(self._inboxes.values()):
            inbox.put(None)

    def linger(self) -> None:
        """Let come what belongs to the job that has come: the calls of a wave are submitted one after the
        other, and share all batches if none begins before the others are there. For a runner that was idle:
        at one that is busy, what comes during a batch is in the next one anyhow."""
        waiting, most = 0, _MOST_ROUNDS
        while most and (found := len(self._waiting)) > waiting:
            waiting, most = found, most - 1
            time.sleep(_ROUND)

    def work(self, number: int) -> None:
        """What a runner's thread does until there is nothing to do, or the scheduler is closed."""
        runner = self._runner(number)
        if runner is None:
            return
        held: Pending[Any] | None = None
        while True:
            with self._lock:
                if self.is_closed:
                    if held is not None:
                        self._waiting.appendleft(held)
                    return
                if held is None and not runner.is_busy and self._first(number) is None:
                    self._idle.add(number)
                    return
                threads = max(1, self._threads // (len(self._workers) - len(self._idle)))
            try:
                while held is not None or (held := self._next(number)) is not None:
                    if not runner.admit(held):
                        break
                    held = None
                if runner.is_busy:
                    runner.step(threads)
            except Exception as error:  # a defect of ours must not leave anybody waiting for ever
                if held is not None:
                    held.fail(error)
                    held = None
                runner.fail_all(error)

    def _runner(self, number: int) -> R | None:
        """A worker's runner, made when it begins; none if there is no memory for it."""
        runner = self._runners.get(number)
        if runner is None:
            try:
                runner = self._runners[0].clone()
            except ModelError:  # the runners that are there do the work
                with self._lock:
                    self._max_runners = min(self._max_runners, number)
                    del self._workers[number]
                    self._inboxes.pop(number).put(None)
                return None
            with self._lock:
                self._runners[number] = runner
        return runner

    def _next(self, number: int) -> Pending[Any] | None:
        """The job for a runner that waits longest, if it wants it."""
        with self._lock:
            index = self._first(number)
            if index is None or not self._runners[number].wants(job := self._waiting[index]):
                return None
            if len(self._waiting) == QUEUE_LENGTH:
                self._room.notify_all()
            del self._waiting[index]
            self._places.put(job, number)
            return job

    def _first(self, number: int) -> int | None:
        """Which of the waiting jobs is the first that need not go to another runner."""
        return next(
            (index for index, job in enumerate(self._waiting) if self._places.of(job) in (None, number)), None
        )


_Inbox: TypeAlias = "SimpleQueue[Scheduler[Any] | None]"


def _serve(inbox: _Inbox, number: int) -> None:
    """A runner's thread: works when it is rung, and ends with `None`."""
    while (scheduler := inbox.get()) is not None:
        scheduler.linger()
        scheduler.work(number)
        # While it waits again, this name must not keep the scheduler.
        del scheduler


# ------------------------------------------------------------------------------------ the process's life

_open: weakref.WeakSet[Scheduler[Any]] = weakref.WeakSet()
_is_ending = False


def forked() -> EngineError:
    """What a child process gets whose parent had a model."""
    return EngineError(
        "the model was loaded before this process was forked, and does not survive that",
        help='start processes with the "spawn" method, or load the model in the child',
    )


def refuse_at_exit() -> None:
    """Raise `EngineError` if the process ends, when no thread can be started any more."""
    if _is_ending:
        raise EngineError("the engine is closed: this process ends")


@atexit.register
def _end() -> None:
    """Close every scheduler: a thread inside llama.cpp while the process tears its libraries down would crash
    it."""
    global _is_ending
    _is_ending = True
    for scheduler in list(_open):
        scheduler.close()
