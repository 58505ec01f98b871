"""Several calls at once: `gather(classify.later(text), is_urgent.later(text))`.

In tasks, `asyncio.gather(classify.acall(text), is_urgent.acall(text))` does the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

if TYPE_CHECKING:
    from .answer import Answer
    from .engines.engine import Call, Engine
    from .function import PromptFunction
    from .scheduling.lane import Job

R = TypeVar("R")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Later(Generic[R]):
    """A call of a prompt function that has not begun; `gather` runs it."""

    function: PromptFunction[..., R]
    call: Call


@overload
def gather(a: Later[A], /) -> tuple[A]: ...
@overload
def gather(a: Later[A], b: Later[B], /) -> tuple[A, B]: ...
@overload
def gather(a: Later[A], b: Later[B], c: Later[C], /) -> tuple[A, B, C]: ...
@overload
def gather(a: Later[A], b: Later[B], c: Later[C], d: Later[D], /) -> tuple[A, B, C, D]: ...
@overload
def gather(a: Later[A], b: Later[B], c: Later[C], d: Later[D], e: Later[E], /) -> tuple[A, B, C, D, E]: ...
@overload
def gather(
    a: Later[A], b: Later[B], c: Later[C], d: Later[D], e: Later[E], f: Later[F], /
) -> tuple[A, B, C, D, E, F]: ...
@overload
def gather(*calls: Later[R]) -> tuple[R, ...]: ...
def gather(*calls: Later[Any]) -> tuple[Any, ...]:
    """The values of several calls, in order, whose tokens share batches.

    The functions may use different models. Raises what ended the first call that failed, with a note that
    names its prompt's line; the others are cancelled.
    """
    return tuple(answer.value for answer in gather_details(calls))


def gather_details(calls: tuple[Later[R], ...]) -> list[Answer[R]]:
    """As `gather`, with details."""
    jobs: list[tuple[Engine, Job[Answer[object]]]] = []
    answers: list[Answer[R]] = []
    try:
        for later in calls:
            with later.function.placed():
                engine = later.function.engine()
                jobs.append((engine, engine.job(later.call)))
        for engine, job in jobs:
            engine.scheduler.submit(job)
        for later, (engine, job) in zip(calls, jobs, strict=True):
            with later.function.placed():
                answers.append(cast("Answer[R]", engine.scheduler.result(job)))
    except BaseException:
        for engine, job in jobs:
            engine.scheduler.abandon(job)
        raise
    return answers
