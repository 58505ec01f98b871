"""The cores of this process, shared by all models that run in it.

A batch that runs on all cores is slowed down several times by another one that does so too: the threads of
both wait for one another at every operation, and spin meanwhile. So where a call needs two models, as one
that is decided by a language model's states and by an embedder, their batches take turns. Each gets all the
cores that it asks for, in the order in which they ask. They are held for the batch and no longer, so whatever
is called when a job is done may wait for another model.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .jobs import Pending


class Cores:
    """So many cores, to be taken for a batch. Safe from any thread."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._free = count
        self._queue: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, wanted: int) -> Iterator[None]:
        """Wait until so many are free and nobody waits longer, and hold them in the block."""
        held = min(wanted, self.count)
        turn = object()
        with self._changed:
            self._queue.append(turn)
            self._changed.wait_for(lambda: self._queue[0] is turn and self._free >= held)
            self._queue.popleft()
            self._free -= held
            self._changed.notify_all()  # the next one may do with what is left
        try:
            yield
        finally:
            with self._changed:
                self._free += held
                self._changed.notify_all()


class Turns:
    """A lane's turns at the cores: one for each batch, which `interrupt` ends early. Only `interrupt_if_over`
    may be called by other threads than the lane's."""

    def __init__(self, cores: Cores, interrupt: Callable[[], None]) -> None:
        self._cores = cores
        self._interrupt = interrupt
        self._guard = threading.Lock()
        self._jobs: tuple[Pending[Any] | None, ...] = ()

    @contextmanager
    def taken(self, threads: int, jobs: Sequence[Pending[Any] | None]) -> Iterator[None]:
        """Hold so many cores in the block, for a batch of these jobs; with `None` among them it is of use for
        others too."""
        with self._cores.taken(threads):
            with self._guard:
                self._jobs = tuple(jobs)
            try:
                yield
            finally:
                with self._guard:
                    self._jobs = ()

    def interrupt_if_over(self) -> None:
        """End the batch that runs now early if nobody waits for any of it."""
        with self._guard:
            if self._jobs and all(job is not None and job.is_over() for job in self._jobs):
                self._interrupt()
