"""Work that several calls want is done once: while it runs they share it, and a little later they find it.

Several questions about one text read the same hidden states of it, or embed it the same way. Whoever asks
first begins the work; who asks meanwhile waits for it too; and what came out is kept for a while, so that
questions asked one after the other share it as well.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import CancelledError, Future
from typing import Any, Generic, TypeVar

from ..scheduling.jobs import Answerer, Pending

T = TypeVar("T")


R = TypeVar("R")


class _Work(Generic[T]):
    """What is done, for whom, and how it is given up once it has begun. `together` is all that was begun with
    it, which is given up with it."""

    def __init__(self, key: Hashable, together: list[_Work[T]]) -> None:
        self.key = key
        self.future: Future[T] = Future()
        self.users = 1
        self.together = together
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
        (found,) = self.claim_each((key,), lambda _: begin(), lambda result, _: result)
        return found

    def claim_each(
        self,
        keys: Sequence[Hashable],
        begin: Callable[[Sequence[int]], tuple[Answerer, Pending[R]]],
        part: Callable[[R, int], T],
    ) -> list[Claim[T]]:
        """Holds on the works called `keys`.

        What of them nobody has begun is begun together, by `begin`, which gets their places among the keys,
        and is given up once nobody waits for any of it. From what came out of all that was begun, `part`
        takes what came out of each, by its place there. Raises what `begin` raises.
        """
        new: list[_Work[T]] = []
        places: list[int] = []
        claims = []
        with self._lock:
            for place, key in enumerate(keys):
                found = self._works.get(key)
                if found is None and (found := self._kept.get(key)) is not None:
                    self._kept.move_to_end(key)
                if found is not None:
                    found.users += 1
                    claims.append(Claim(self, found, is_first=False))
                else:
                    work = self._works[key] = _Work[T](key, new)
                    new.append(work)
                    places.append(place)
                    claims.append(Claim(self, work, is_first=True))
        if not new:
            return claims
        # Not under the lock: it may have to wait for room in a queue.
        try:
            answerer, pending = begin(places)
        except BaseException as error:
            self._fail(new, error)
            for claim in claims:
                claim.release()
            raise
        with self._lock:
            for work in new:
                work.give_up = lambda: answerer.abandon(pending)
            is_wanted = any(work.users for work in new)
        pending.future.add_done_callback(lambda ended: self._end(new, ended, part))
        if not is_wanted:
            answerer.abandon(pending)
        return claims

    def clear(self) -> None:
        """Forget what came out of work that is done."""
        with self._lock:
            self._kept.clear()

    def _release(self, work: _Work[Any]) -> None:
        with self._lock:
            work.users -= 1
            is_over = bool(work.users or work.future.done())
            if not is_over and self._works.get(work.key) is work:
                del self._works[work.key]
            is_last = not is_over and not any(other.users for other in work.together)
        if is_last and work.give_up is not None:
            work.give_up()

    def _end(self, works: Sequence[_Work[T]], ended: Future[R], part: Callable[[R, int], T]) -> None:
        """The work ended: tell its users, and keep it if it came to something."""
        error = _error_of(ended)
        if error is not None:
            self._fail(works, error)
            return
        for place, work in enumerate(works):
            work.future.set_result(part(ended.result(), place))
        with self._lock:
            for work in works:
                work.together, work.give_up = [], None
                if self._works.get(work.key) is work:
                    del self._works[work.key]
                    self._kept[work.key] = work
            while len(self._kept) > self._limit:
                self._kept.popitem(last=False)

    def _fail(self, works: Sequence[_Work[Any]], error: BaseException) -> None:
        with self._lock:
            for work in works:
                if self._works.get(work.key) is work:
                    del self._works[work.key]
        for work in works:
            work.future.set_exception(error)


def _error_of(ended: Future[Any]) -> BaseException | None:
    return CancelledError() if ended.cancelled() else ended.exception()
