"""A lane: one KV cache and the jobs that run in it, which share every batch.

Each job is a coroutine that asks for tokens to be evaluated (see `decoding`). Short demands go into a batch
together, the one that waits longest first, then the shortest. Long ones, prefixes among them, are evaluated
in parts, one part and one batch of short demands in turns: so neither kind starves the other.

A job starts with the cells that it will probably need and gets more as it goes. When all that run wait for
cells, the youngest gives up its own and is begun again later; the oldest always has room, so all of them end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

import numpy as np

from ..errors import DeadlineExceeded, EngineError
from .backend import BATCH_TOKENS, LONG_BATCH_TOKENS, Backend, Interrupted, Rows, SequencePool, Step
from .decoding import Cursor, Decoding
from .prefixes import Prefix, PrefixStore, PrefixTree

T = TypeVar("T")

MAX_RUNNING: Final = 16
"""Jobs in one lane."""

_GROWTH: Final = 64
"""Cells that a job gets at a time."""

_LEAST_PART: Final = 4
"""A single token goes through other kernels than several do; a step is never cut so that it is left."""


@dataclass(slots=True, eq=False)
class Job(Generic[T]):
    """A call to run.

    `prefix` comes from the cache or goes into it, `pending` is evaluated for this job alone. Beside the
    prefix it starts with `cells` and can take `most` (without that, `cells`), and at most
    `sequences`. `decode` is told its place and how many tokens of the prefix had been evaluated before; it
    may be begun again. It may run until `deadline`, in the time of `time.monotonic()`;
    without one, for `timeout` seconds from its start. Cancelling `future` ends it.
    """

    prefix: tuple[int, ...]
    pending: Sequence[int]
    cells: int
    sequences: int
    decode: Callable[[Cursor, int], Decoding[T]]
    most: int = 0
    deadline: float | None = None
    timeout: float | None = None
    future: Future[T] = field(default_factory=Future)

    def __post_init__(self) -> None:
        self.most = max(self.most, self.cells)

    def is_over(self) -> bool:
        """Whether nobody waits for it any more; tells the waiting if the deadline has passed."""
        if self.deadline is not None and time.monotonic() >= self.deadline:
            self.fail(DeadlineExceeded("the call took longer than its timeout"))
        return self.future.done()

    def succeed(self, result: T) -> None:
        with suppress(InvalidStateError):  # cancelled meanwhile
            self.future.set_result(result)

    def fail(self, error: BaseException) -> None:
        with suppress(InvalidStateError):
            self.future.set_exception(error)


class _Run:
    """A job in a lane."""

    def __init__(self, job: Job[Any], prefix: Prefix | None, cached: int) -> None:
        self.job = job
        self.prefix = prefix
        self.cached = cached
        self.cells = job.cells
        self.cursor: Cursor | None = None
        self.decoding: Decoding[Any] | None = None

    def sizes(self) -> tuple[int, int]:
        """The cells to have before what the run has asked for is evaluated: better some in advance, or at
        least so many."""
        assert self.cursor is not None
        least = min(self.cursor.tally.decoded, self.job.most)
        return max(least, min(self.cells + _GROWTH, self.job.most)), least


class _Work:
    """A step on its way through batches: of a run, or of a prefix that is being loaded."""

    def __init__(self, step: Step, owner: _Run | Prefix) -> None:
        self.step = step
        self.owner = owner
        self.done = 0
        self._rows: list[Rows] = []

    def left(self) -> int:
        return len(self.step.tokens) - self.done

    def advance(self, count: int, rows: Rows) -> Rows | None:
        """Note that `count` tokens were evaluated; all rows of the step once it is complete."""
        self.done += count
        self._rows.append(rows)
        if self.left():
            return None
        return self._rows[0] if len(self._rows) == 1 else np.concatenate(self._rows)


class Lane:
    """Jobs side by side on one backend. Used by one thread, but for `interrupt_if_over`."""

    def __init__(self, backend: Backend, store: PrefixStore) -> None:
        self.backend = backend
        self.pool = SequencePool(backend)
        self.prefixes = PrefixTree(self.pool, store)
        self._runs: list[_Run] = []
        self._work: list[_Work] = []
        self._stuck: list[tuple[_Run, Step]] = []
        self._again: list[Job[Any]] = []
        self._was_long = False
        self._guard = threading.Lock()
        self._in_batch: tuple[_Work, ...] = ()

    @property
    def is_busy(self) -> bool:
        return bool(self._runs or self._work or self._again)

    def wants_more(self) -> bool:
        """Whether the next batch of short steps has room for another job's tokens."""
        short = sum(work.left() for work in self._work if work.left() <= BATCH_TOKENS)
        return short < BATCH_TOKENS and len(self._runs) < MAX_RUNNING

    def admit(self, job: Job[Any]) -> bool:
        """Start a job, unless the cache has no room for it beside those that run."""
        self._begin_again()
        return self._admit(job)

    def _admit(self, job: Job[Any]) -> bool:
        if job.is_over():
            return True
        try:
            if not self._make_room(job):
                if self._runs:
                    return False
                raise EngineError("a job needs more cache than there is")
            self._start(job)
        except Exception as error:  # a defect of ours ends the job alone, and is raised to who asked
            job.fail(error)
        return True

    def step(self, threads: int) -> None:
        """Evaluate one batch and give every job its part."""
        for run in [run for run in self._runs if run.job.is_over()]:
            self._end(run)
        self._begin_again()
        parts = self._next_batch()
        if not parts:
            if self._stuck:
                self._give_way()
            return
        batch = Step()
        for work, count in parts:
            batch.extend(work.step, work.done, work.done + count)
        with self._guard:
            self._in_batch = tuple(work for work, _ in parts)
        try:
            rows = self.backend.decode(batch, threads)
        except Exception as error:  # as in `_admit`
            self._lose([work for work, _ in parts], error)
            return
        finally:
            with self._guard:
                self._in_batch = ()
        start = 0
        for work, count in parts:
            asked = sum(work.done <= row < work.done + count for row in work.step.rows)
            found = work.advance(count, rows[start : start + asked])
            start += asked
            if found is not None:
                self._work.remove(work)
                self._deliver(work.owner, found)

    def interrupt_if_over(self) -> None:
        """End the batch that runs now early if nobody waits for any of it."""
        with self._guard:
            owners = [work.owner for work in self._in_batch]
            if owners and all(isinstance(owner, _Run) and owner.job.is_over() for owner in owners):
                self.backend.interrupt()

    def fail_all(self, error: BaseException) -> None:
        """End every job with an error and forget all prefixes."""
        for run in list(self._runs):
            run.job.fail(error)
            self._end(run)
        for job in self._again:
            job.fail(error)
        self._again.clear()
        self._work.clear()
        self.prefixes.clear()

    def _next_batch(self) -> list[tuple[_Work, int]]:
        """What to evaluate next, with how many tokens of each: short steps together, or a part of a long one,
        in turns where there are both."""
        short = [work for work in self._work if work.left() <= BATCH_TOKENS]
        long = [work for work in self._work if work.left() > BATCH_TOKENS]
        self._was_long = bool(long) and not (short and self._was_long)
        if self._was_long:
            return [(long[0], _part(long[0].left()))]
        return [(work, work.left()) for work in _pack(short)]

    # ------------------------------------------------------------------------------------------- jobs

    def _make_room(self, job: Job[Any]) -> bool:
        cells, sequences, keep = self.prefixes.cost(job.prefix)
        room, asked = self._room()
        room -= job.cells
        asked += job.sequences
        if self.prefixes.make_room(room - cells, asked + sequences, keep):
            return True
        # What it would share is in its own way.
        return not self._runs and self.prefixes.make_room(room - len(job.prefix), asked + 1, None)

    def _room(self) -> tuple[int, int]:
        """The cells that no run has reserved, and the sequences that runs may still take."""
        reserved = sum(run.cells for run in self._runs)
        # A run may take its sequences at any time, so what it holds already is counted with what it may take.
        asked = sum(run.job.sequences - (run.cursor is not None) for run in self._runs)
        return self.backend.n_cells - reserved, asked

    def _grow(self, run: _Run) -> bool:
        """Reserve the cells that a run needs by now, unless there are none."""
        better, least = run.sizes()
        if least <= run.cells:
            return True
        room, asked = self._room()
        for cells in (better, least):
            if self.prefixes.make_room(room - (cells - run.cells), asked, None):
                run.cells = cells
                return True
        return False

    def _give_way(self) -> None:
        """Every run waits for cells: the youngest begins again later, with twice as many."""
        run = self._runs[-1]
        run.job.cells = min(2 * run.cells, run.job.most)
        self._again.append(run.job)
        self._end(run)

    def _begin_again(self) -> None:
        """Start what gave way, as far as there is room."""
        while self._again and len(self._runs) < MAX_RUNNING and self._admit(self._again[0]):
            self._again.pop(0)

    def _start(self, job: Job[Any]) -> None:
        if job.deadline is None and job.timeout is not None:
            job.deadline = time.monotonic() + job.timeout
        node, cached = None, 0
        if job.prefix:
            node = self.prefixes.find(job.prefix)
            cached = len(job.prefix)
            if node is None:
                node = self.prefixes.add(job.prefix)
                if not node.is_ready:
                    cached = node.shared
                    self._work.append(_Work(node.step(), node))
            self.prefixes.use(node)
            self.prefixes.trim(node)
        run = _Run(job, node, cached)
        self._runs.append(run)
        if node is None or node.is_ready:
            self._begin(run)

    def _begin(self, run: _Run) -> None:
        node, job = run.prefix, run.job
        sequence = self.pool.take() if node is None else self.pool.fork(node.sequence)
        start = 0 if node is None else len(node.tokens)
        run.cursor = Cursor(self.pool, sequence, start, list(job.pending))
        run.decoding = job.decode(run.cursor, run.cached)
        self._resume(run, None)

    def _resume(self, run: _Run, rows: Rows | None) -> None:
        """Send a run its rows; it asks for the next step, or ends."""
        assert run.decoding is not None
        try:
            # A generator that has not begun is sent `None`.
            step = run.decoding.send(rows)  # type: ignore[arg-type]
        except StopIteration as end:
            self._end(run)
            run.job.succeed(end.value)
        except Exception as error:  # as in `_admit`
            self._end(run)
            run.job.fail(error)
        else:
            self._ask(run, step)

    def _ask(self, run: _Run, step: Step) -> None:
        """Let a run's step be evaluated once there are cells for it."""
        if self._grow(run):
            self._work.append(_Work(step, run))
        else:
            self._stuck.append((run, step))

    def _deliver(self, owner: _Run | Prefix, rows: Rows) -> None:
        if isinstance(owner, _Run):
            self._resume(owner, rows)
            return
        self.prefixes.keep(owner)
        for run in [run for run in self._runs if run.prefix is owner]:
            self._begin(run)

    def _end(self, run: _Run) -> None:
        """Give back all that a run holds."""
        self._runs.remove(run)
        self._work = [work for work in self._work if work.owner is not run]
        if run.decoding is not None:
            run.decoding.close()
        if run.cursor is not None:
            self.pool.give_back(run.cursor.sequence)
        if run.prefix is not None:
            self.prefixes.leave(run.prefix)
        stuck, self._stuck = self._stuck, []
        for other, step in stuck:
            if other is not run:
                self._ask(other, step)

    def _lose(self, lost: Sequence[_Work], error: Exception) -> None:
        """A batch failed or was interrupted: end all that had a part in it."""
        for work in lost:
            owner = work.owner
            runs = [owner] if isinstance(owner, _Run) else [run for run in self._runs if run.prefix is owner]
            for run in runs:
                if not isinstance(error, Interrupted):  # who was interrupted is over already
                    run.job.fail(error)
                self._end(run)
            if isinstance(owner, Prefix):
                self._work.remove(work)
                self.prefixes.drop(owner)


def _pack(waiting: Sequence[_Work]) -> list[_Work]:
    """Which short steps go into the next batch together: the one that waits longest, which is the first, and
    of the others those with the fewest tokens."""
    packed = list(waiting[:1])
    room = BATCH_TOKENS - sum(map(_Work.left, packed))
    for work in sorted(waiting[1:], key=_Work.left):
        if work.left() > room:
            break
        packed.append(work)
        room -= work.left()
    return packed


def _part(left: int) -> int:
    """How much of a long text to evaluate next."""
    if left <= LONG_BATCH_TOKENS:
        return left
    return LONG_BATCH_TOKENS if left - LONG_BATCH_TOKENS >= _LEAST_PART else LONG_BATCH_TOKENS - _LEAST_PART
