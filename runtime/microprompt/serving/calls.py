"""Calls of functions for requests: how many at a time, for how long, and for whom."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, Any, Final, TypeAlias

from fastapi import Header
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive

from ..answer import Answer, Usage
from ..errors import ArgumentError, DeadlineExceeded, MicropromptError
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

_QUESTIONS: Final = "systemone"
"""What figures call the function that questions made at run time are put to: those of programs have the name
of a module before their own."""


class Calls:
    """All calls of a service."""

    def __init__(self, functions: Sequence[Served], limits: ServingLimits) -> None:
        self.limits = limits
        self.running = 0
        names = [*(served.name for served in functions), _QUESTIONS]
        self.metrics = Metrics(names, lambda: self.running)

    def arguments(self, served: Served, data: object) -> dict[str, object]:
        """The arguments in the data of a request. Raises `Refused`."""
        try:
            return served.arguments(data)
        except ArgumentError as error:
            raise Refused(self._failed(served.name, problem_of(error))) from None

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
                    arguments = self.arguments(served, row)
                except Refused as refused:
                    found[number] = refused.problem
                else:
                    found[number] = await self._outcome(served, arguments)

        free = max(1, self.limits.queue - self.running)
        with self._places(served.name, min(len(rows), IN_FLIGHT, free)) as workers:
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(work())
        return [found[number] for number in range(len(rows))]

    async def admitted(self, request: Request, seconds: Timeout = None) -> AsyncIterator[None]:
        """Have a request for answers to questions take part in the queue, and end it as `wanted` does: a
        dependency of FastAPI."""
        with self._places(_QUESTIONS, 1):
            async with wanted(request.receive, seconds):
                yield

    @contextmanager
    def asked(self) -> Iterator[Callable[[Usage], None]]:
        """Count a request for answers to questions, which the block answers; it tells what that took.

        What the service itself is to blame for is told to the log, and raised as `Refused`.
        """
        try:
            with self._counted(_QUESTIONS) as count:
                yield count
        except MicropromptError as error:
            problem = _told(_QUESTIONS, error)
            if problem.status == INTERNAL.status:
                raise Refused(problem) from error
            raise

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
            with self._counted(served.name) as count:
                answer = await served.answer(arguments, listener)
                count(answer.usage)
                return answer
        except Exception as error:  # of the caller, of a model, or a defect of ours
            return _told(served.name, error)

    @contextmanager
    def _counted(self, name: str) -> Iterator[Callable[[Usage], None]]:
        """Count what is called in the block: its answer, of which the block tells what it took, or what is
        raised."""
        start = time.monotonic()
        try:
            yield lambda usage: self.metrics.answered(name, usage, time.monotonic() - start)
        except Exception as error:
            self.metrics.failed(name, _problem(error).kind)
            raise
        except asyncio.CancelledError:
            self.metrics.failed(name, _GIVEN_UP)
            raise

    def _failed(self, name: str, problem: Problem) -> Problem:
        self.metrics.failed(name, problem.kind)
        return problem


def _told(name: str, error: Exception) -> Problem:
    """The problem that an exception is. What is not the caller's is told to the log."""
    problem = _problem(error)
    if problem.status >= 500 and not isinstance(error, DeadlineExceeded):
        log(name, error)
    return problem


def _problem(error: Exception) -> Problem:
    return problem_of(error) if isinstance(error, MicropromptError) else INTERNAL


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
