"""Calls of functions for requests: how many at a time, for how long, and for whom."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, TypeAlias

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from ..answer import Answer
from ..errors import DeadlineExceeded, MicropromptError
from ..running import IN_FLIGHT
from .limits import ServingLimits
from .problems import Problem, Refused, internal, problem_of
from .served import Served

Outcome: TypeAlias = Answer[Any] | Problem

_log: Final = logging.getLogger(__name__)


class Calls:
    """All calls of a service."""

    def __init__(self, limits: ServingLimits) -> None:
        self.limits = limits
        self.running = 0

    async def one(self, served: Served, arguments: dict[str, object]) -> Outcome:
        """What becomes of a call. Raises `Refused` where the queue is full."""
        with self.places(1):
            return await self._outcome(served, arguments)

    async def many(self, served: Served, rows: Sequence[object]) -> list[Outcome]:
        """What becomes of many, in order: what is wrong with a row is the outcome of that row.

        Not more than a part of the queue is theirs at a time. Raises `Refused` where it is full.
        """
        found: dict[int, Outcome] = {}
        waiting = iter(enumerate(rows))

        async def work() -> None:
            for number, row in waiting:
                try:
                    arguments = served.arguments(row)
                except MicropromptError as error:
                    found[number] = problem_of(error)
                else:
                    found[number] = await self._outcome(served, arguments)

        with self.places(min(len(rows), IN_FLIGHT, max(1, self.limits.queue - self.running))) as workers:
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(work())
        return [found[number] for number in range(len(rows))]

    @contextmanager
    def places(self, count: int) -> Iterator[int]:
        """So many places of the queue. Raises `Refused` if it has not as many."""
        if self.running + count > self.limits.queue:
            raise Refused(_busy(self.limits.queue))
        self.running += count
        try:
            yield count
        finally:
            self.running -= count

    async def _outcome(self, served: Served, arguments: dict[str, object]) -> Outcome:
        try:
            return await served.function.adetail(**arguments)
        except MicropromptError as error:
            return told(served, error)
        except Exception as error:  # a defect of ours, or of a function of the user's
            return told(served, error)


def told(served: Served, error: Exception) -> Problem:
    """The problem that an exception is. What is not the caller's is told to the log: where it was raised, and
    at the level DEBUG what it says, for that may have arguments in it."""
    problem = problem_of(error) if isinstance(error, MicropromptError) else internal()
    if problem.status >= 500 and not isinstance(error, DeadlineExceeded):
        places = "".join(traceback.format_tb(error.__traceback__)).rstrip()
        _log.error("%s: %s\n%s", served.name, type(error).__name__, places)
        _log.debug("%s: %s", served.name, error)
    return problem


@asynccontextmanager
async def wanted(receive: Receive, seconds: float | None) -> AsyncIterator[None]:
    """Run the block for as long as its client wants it: it is cancelled when that goes away, and after
    `seconds`, if they are given.

    Raises `ClientDisconnect`, and `Refused` after that time.
    """
    task = asyncio.current_task()
    assert task is not None
    is_gone = False

    async def watch() -> None:
        nonlocal is_gone
        while (await receive())["type"] != "http.disconnect":
            pass
        is_gone = True
        task.cancel()

    watching = asyncio.create_task(watch())
    try:
        async with asyncio.timeout(seconds):
            yield
    except asyncio.CancelledError:
        if is_gone and not task.uncancel():
            raise ClientDisconnect from None
        raise
    except TimeoutError:
        raise Refused(_late(seconds)) from None
    finally:
        watching.cancel()


def _late(seconds: float | None) -> Problem:
    return Problem(
        status=408,
        kind="request-timeout",
        title="Request timeout",
        detail=f"the call was given up after the {seconds:g} s that the request allows",
        help="allow more in X-Request-Timeout",
    )


def _busy(most: int) -> Problem:
    return Problem(
        status=429,
        kind="queue-full",
        title="Queue full",
        detail=f"{most} calls are worked on or wait already",
        help="ask again later",
        headers={"Retry-After": "1"},
    )
