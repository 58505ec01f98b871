"""Calls of functions for requests: how many at a time, for how long, and for whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, Any, Final, TypeAlias

from fastapi import Header
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive

from ..answer import Answer
from ..errors import DeadlineExceeded, MicropromptError
from ..running import IN_FLIGHT
from .limits import ServingLimits
from .metrics import Metrics
from .problems import INTERNAL, Problem, Refused, log, problem_of
from .served import Served

Outcome: TypeAlias = Answer[Any] | Problem

Timeout: TypeAlias = Annotated[
    float | None,
    Header(
        alias="X-Request-Timeout",
        gt=0,
        le=24 * 3600,
        description="After how many seconds the call is given up.",
    ),
]
"""The deadline that a client sets, as a header of its request."""

_GIVEN_UP: Final = "given-up"
"""What figures call the end of a call whose client went away or has waited long enough."""


class Calls:
    """All calls of a service."""

    def __init__(self, functions: Sequence[Served], limits: ServingLimits) -> None:
        self.limits = limits
        self.running = 0
        self.metrics = Metrics([served.name for served in functions], lambda: self.running)

    async def one(
        self,
        served: Served,
        arguments: dict[str, object],
        *,
        listener: Callable[[bytes], None] | None = None,
    ) -> Outcome:
        """What becomes of a call. Raises `Refused` where the queue is full."""
        with self._places(served.name, 1):
            return await self._outcome(served, arguments, listener)

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
                    found[number] = self._failed(served.name, problem_of(error))
                else:
                    found[number] = await self._outcome(served, arguments)

        free = max(1, self.limits.queue - self.running)
        with self._places(served.name, min(len(rows), IN_FLIGHT, free)) as workers:
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(work())
        return [found[number] for number in range(len(rows))]

    async def admitted(self, request: Request, seconds: Timeout = None) -> AsyncIterator[None]:
        """Have the call of another route take part in the queue, and end it as `wanted` does: a dependency
        of FastAPI."""
        with self._places(request.url.path, 1):
            async with wanted(request.receive, seconds):
                yield

    @contextmanager
    def _places(self, name: str, count: int) -> Iterator[int]:
        """So many places of the queue. Raises `Refused` if it has not as many."""
        if self.running + count > self.limits.queue:
            raise Refused(self._failed(name, _busy(self.limits.queue)))
        self.running += count
        try:
            yield count
        finally:
            self.running -= count

    async def _outcome(
        self,
        served: Served,
        arguments: dict[str, object],
        listener: Callable[[bytes], None] | None = None,
    ) -> Outcome:
        try:
            answer = await served.answer(arguments, listener)
        except Exception as error:  # of the caller, of a model, or a defect of ours
            return self._failed(served.name, _told(served, error))
        except asyncio.CancelledError:
            self.metrics.failed(served.name, _GIVEN_UP)
            raise
        self.metrics.answered(served.name, answer.usage, answer.seconds)
        return answer

    def _failed(self, name: str, problem: Problem) -> Problem:
        self.metrics.failed(name, problem.kind)
        return problem


def _told(served: Served, error: Exception) -> Problem:
    """The problem that an exception is. What is not the caller's is told to the log."""
    problem = problem_of(error) if isinstance(error, MicropromptError) else INTERNAL
    if problem.status >= 500 and not isinstance(error, DeadlineExceeded):
        log(served.name, error)
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
