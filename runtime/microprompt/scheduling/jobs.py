"""What is asked of an engine: one answer to wait for, or many, taken in order."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from ..errors import DeadlineExceeded
from .cancelling import wait_until_done

if TYPE_CHECKING:
    from .decoding import Cursor, Decoding
    from .drafts import Drafts

T = TypeVar("T")


def deadline_of(timeout: float | None, *, waits: bool = False) -> float | None:
    """The deadline of what may take `timeout` seconds from now; `None` without one, and for what `waits`: its
    time counts from its start (`Pending.begin`)."""
    return None if waits or timeout is None else time.monotonic() + timeout


@dataclass(slots=True, eq=False, kw_only=True)
class Pending(Generic[T]):
    """Something that was asked for: `future` tells how it ends, and cancelling it ends it. It may run until
    `deadline`, in the time of `time.monotonic()`, if there is one. Without a deadline it may run for
    `timeout` seconds from its start. All that have an equal `together` are run in one place, where what the
    first of them has made is there for the others."""

    future: Future[T] = field(default_factory=Future)
    deadline: float | None = None
    timeout: float | None = None
    together: Hashable | None = None

    def begin(self) -> None:
        """It starts to run."""
        if self.deadline is None and self.timeout is not None:
            self.deadline = time.monotonic() + self.timeout

    def seconds_left(self) -> float | None:
        """How long it may still run, in seconds that a thread can wait; `None` without a deadline."""
        if self.deadline is None:
            return None
        return min(max(0.0, self.deadline - time.monotonic()), threading.TIMEOUT_MAX)

    def is_over(self) -> bool:
        """Whether nobody waits for it any more; tells the waiting if the deadline has passed."""
        if self.deadline is not None and time.monotonic() >= self.deadline:
            self.expire()
        return self.future.done()

    async def ended(self) -> None:
        """Wait until it ends, however it does, without blocking the event loop."""
        # Not by `asyncio.wrap_future`: the loop would complain of what ends a call that nobody waits for.
        loop = asyncio.get_running_loop()
        is_over = asyncio.Event()

        def tell(_: object) -> None:
            with suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(is_over.set)

        self.future.add_done_callback(tell)
        await is_over.wait()

    def succeed(self, result: T) -> None:
        with suppress(InvalidStateError):  # cancelled meanwhile
            self.future.set_result(result)

    def fail(self, error: BaseException) -> None:
        with suppress(InvalidStateError):
            self.future.set_exception(error)

    def expire(self) -> None:
        """Its deadline has passed."""
        self.fail(DeadlineExceeded("the call took longer than its timeout"))


@dataclass(slots=True, eq=False, kw_only=True)
class Job(Pending[T]):
    """A call for a lane to run, on the whole model or, with `exit`, on its first so many layers.

    `prefix` comes from the cache or goes into it, for a while only if it `ends_in_state`; `pending` is
    evaluated for this job alone. Beside the prefix it evaluates `expected_tokens` as a rule and never more
    than `max_tokens` (the same number where it is left out), in at most `max_sequences` sequences at a time.
    `decode` is told its place, and how many tokens of the prefix had been evaluated before. `drafts` guesses
    what it asks for, if anything does.
    """

    prefix: tuple[int, ...]
    ends_in_state: bool = False
    pending: Sequence[int]
    expected_tokens: int
    max_tokens: int = 0
    max_sequences: int
    decode: Callable[[Cursor, int], Decoding[T]]
    exit: int | None = None
    drafts: Drafts | None = None

    def __post_init__(self) -> None:
        self.max_tokens = max(self.max_tokens, self.expected_tokens)
        if self.ends_in_state:
            self.together = self.prefix


class Answerer(Protocol):
    """Where what was asked for is waited for, or given up."""

    def result(self, pending: Pending[T], /) -> T: ...

    def abandon(self, pending: Pending[Any], /) -> None: ...


def wait(pending: Pending[T]) -> T:
    """Wait for what ends without help. Raises what ended it, `DeadlineExceeded` at its deadline; it is given
    up where waiting is interrupted."""
    try:
        wait_until_done(pending.future, pending.seconds_left())
    except TimeoutError:
        pending.expire()
    except BaseException:
        pending.future.cancel()
        raise
    return pending.future.result()


async def awaited(pending: Pending[T]) -> T:
    """As `wait`, without blocking the event loop; it is given up where the task is cancelled."""
    try:
        async with asyncio.timeout(pending.seconds_left()):
            await pending.ended()
    except TimeoutError:
        pending.expire()
    except BaseException:
        pending.future.cancel()
        raise
    return pending.future.result()


def run_many(asked: Iterable[tuple[Answerer, Pending[T]]], *, in_flight: int) -> Iterator[T]:
    """The results of many, in order.

    `asked` submits each as it is read, with where to take its result; it is read up to `in_flight` ahead.
    Raises what ended the first that failed, and what reading the next one raised, when its turn comes. What
    is left then, or when the caller leaves, is abandoned.
    """
    reading = iter(asked)
    is_read = False
    failure: Exception | None = None
    ahead: deque[tuple[Answerer, Pending[T]]] = deque()
    try:
        while True:
            while not is_read and len(ahead) < in_flight and not (ahead and ahead[0][1].future.done()):
                try:
                    ahead.append(next(reading))
                except StopIteration:
                    is_read = True
                except Exception as error:  # whatever it is: those before it are answered first
                    failure, is_read = error, True
            if not ahead:
                break
            taker, pending = ahead.popleft()
            yield taker.result(pending)
        if failure is not None:
            raise failure
    finally:
        for taker, pending in ahead:
            taker.abandon(pending)
