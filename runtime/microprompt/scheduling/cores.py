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
from collections.abc import Iterator
from contextlib import contextmanager


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
