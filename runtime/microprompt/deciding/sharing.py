"""Work that several calls want is done once: while it runs they share it, and a little later they find it.

Several questions about one text read the same hidden states of it, or embed it the same way. Whoever asks
first begins the work; who asks meanwhile waits for it too; and what came out is kept for a while, so that
questions asked one after the other share it as well.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future
from typing import Any, Generic, TypeVar

from ..scheduling.jobs import Answerer, Pending

T = TypeVar("T")


class _Work(Generic[T]):
    """What is done, for whom, and how it is given up once it has begun."""

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self.future: Future[T] = Future()
        self.users = 1
        self.give_up: Callable[[], None] | None = None


class Claim(Generic[T]):
    """One user's hold on shared work: its `future`, and whether the work was begun for this user."""

    def __init__(self, sharing: Sharing, work: _Work[T], is_first: bool) -> None:
        self.is_first = is_first
        self._sharing = sharing
        self._work = work

    @property
    def future(self) -> Future[T]:
        return self._work.future

    def release(self) -> None:
        """Wait no longer. Once nobody waits, what has begun is given up. To be called once."""
        self._sharing._release(self._work)


class Sharing:
    """The work of this process that can be shared. Keeps what came out of the last `limit` pieces. Safe from
    any thread."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._works: dict[Hashable, _Work[Any]] = {}
        # What is done has a place of its own, oldest first: to look for it among the rest costs more than
        # what a head says.
        self._kept: OrderedDict[Hashable, _Work[Any]] = OrderedDict()

    def claim(self, key: Hashable, begin: Callable[[], tuple[Answerer, Pending[T]]]) -> Claim[T]:
        """A hold on the work called `key`; begun by `begin` if nobody has. Raises what `begin` raises."""
        with self._lock:
            found = self._works.get(key)
            if found is None and (found := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
            if found is not None:
                found.users += 1
                return Claim(self, found, is_first=False)
            work = self._works[key] = _Work[T](key)
        # Not under the lock: it may have to wait for room in a queue.
        try:
            answerer, pending = begin()
        except BaseException as error:
            self._drop(work)
            work.future.set_exception(error)
            raise
        with self._lock:
            work.give_up = lambda: answerer.abandon(pending)
            is_wanted = work.users > 0
        pending.future.add_done_callback(lambda ended: self._end(work, ended))
        if not is_wanted:
            answerer.abandon(pending)
        return Claim(self, work, is_first=True)

    def clear(self) -> None:
        """Forget what came out of work that is done."""
        with self._lock:
            self._kept.clear()

    def _release(self, work: _Work[Any]) -> None:
        with self._lock:
            work.users -= 1
            is_last = not work.users and not work.future.done()
            if is_last and self._works.get(work.key) is work:
                del self._works[work.key]
        if is_last and work.give_up is not None:
            work.give_up()

    def _end(self, work: _Work[T], ended: Future[T]) -> None:
        """The work ended: tell its users, and keep it if it came to something."""
        error = _error_of(ended)
        if error is not None:
            self._drop(work)
            work.future.set_exception(error)
            return
        work.future.set_result(ended.result())
        with self._lock:
            if self._works.get(work.key) is work:
                del self._works[work.key]
                self._kept[work.key] = work
                if len(self._kept) > self._limit:
                    self._kept.popitem(last=False)

    def _drop(self, work: _Work[Any]) -> None:
        with self._lock:
            if self._works.get(work.key) is work:
                del self._works[work.key]


def _error_of(ended: Future[Any]) -> BaseException | None:
    return CancelledError() if ended.cancelled() else ended.exception()
