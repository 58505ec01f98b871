"""Several calls at a time: `gather` for threads, `agather` for tasks.

They are one *wave*: their tokens share batches, the first that fails ends the others, and when the caller is
cancelled or interrupted all of them are. Of a long wave, so many are worked on at a time as of a `map`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from . import running
from .errors import ArgumentError

if TYPE_CHECKING:
    from .scheduling.jobs import Answerer, Pending

R = TypeVar("R")
T = TypeVar("T", covariant=True)
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")
G = TypeVar("G")
H = TypeVar("H")
J = TypeVar("J")
K = TypeVar("K")
M = TypeVar("M")
N = TypeVar("N")


class Later(ABC, Generic[T]):
    """A call that has not begun; `gather` runs it. It belongs to the flow that it was made in."""

    def __init__(self) -> None:
        run = running.current()
        self.line = None if run is None else run.place.line_now()

    @abstractmethod
    def begin(self) -> tuple[Answerer, Pending[Any]]:
        """Begin the call. Gives where its outcome is to be had."""

    @abstractmethod
    async def outcome(self) -> Any:
        """What comes of the call, without blocking the event loop."""

    def over(self, state: object) -> Later[T] | None:
        """The same call, asked about a state that other calls are asked about too; nothing if it has no such
        argument."""
        return self

    @abstractmethod
    def placed(self) -> AbstractContextManager[object]:
        """Let what is raised in the block name the line of what is called."""

    @abstractmethod
    def given(self, outcome: Any, wave: int) -> T:
        """What the caller is given of the outcome, of which a flow that is traced is told."""


@overload
def gather(a: Later[A], /, *, state: object = None) -> tuple[A]: ...
@overload
def gather(a: Later[A], b: Later[B], /, *, state: object = None) -> tuple[A, B]: ...
@overload
def gather(a: Later[A], b: Later[B], c: Later[C], /, *, state: object = None) -> tuple[A, B, C]: ...
@overload
def gather(
    a: Later[A], b: Later[B], c: Later[C], d: Later[D], /, *, state: object = None
) -> tuple[A, B, C, D]: ...
@overload
def gather(
    a: Later[A], b: Later[B], c: Later[C], d: Later[D], e: Later[E], /, *, state: object = None
) -> tuple[A, B, C, D, E]: ...
@overload
def gather(
    a: Later[A], b: Later[B], c: Later[C], d: Later[D], e: Later[E], f: Later[F], /, *, state: object = None
) -> tuple[A, B, C, D, E, F]: ...
@overload
def gather(
    a: Later[A], b: Later[B], c: Later[C], d: Later[D], e: Later[E], f: Later[F], g: Later[G], /, *,
    state: object = None,
) -> tuple[A, B, C, D, E, F, G]: ...
@overload
def gather(
    a: Later[A], b: Later[B], c: Later[C], d: Later[D], e: Later[E], f: Later[F], g: Later[G], h: Later[H], /,
    *, state: object = None,
) -> tuple[A, B, C, D, E, F, G, H]: ...
@overload
def gather(
    a: Later[A], b: Later[B], c: Later[C], d: Later[D], e: Later[E], f: Later[F], g: Later[G], h: Later[H],
    j: Later[J], /, *, state: object = None
) -> tuple[A, B, C, D, E, F, G, H, J]: ...
@overload
def gather(
    a: Later[A], b: Later[B], c: Later[C], d: Later[D], e: Later[E], f: Later[F], g: Later[G], h: Later[H],
    j: Later[J], k: Later[K], /, *, state: object = None
) -> tuple[A, B, C, D, E, F, G, H, J, K]: ...
@overload
def gather(
    a: Later[A], b: Later[B], c: Later[C], d: Later[D], e: Later[E], f: Later[F], g: Later[G], h: Later[H],
    j: Later[J], k: Later[K], m: Later[M], /, *, state: object = None
) -> tuple[A, B, C, D, E, F, G, H, J, K, M]: ...
@overload
def gather(
    a: Later[A], b: Later[B], c: Later[C], d: Later[D], e: Later[E], f: Later[F], g: Later[G], h: Later[H],
    j: Later[J], k: Later[K], m: Later[M], n: Later[N], /, *, state: object = None
) -> tuple[A, B, C, D, E, F, G, H, J, K, M, N]: ...
@overload
def gather(*calls: Later[R], state: object = None) -> tuple[R, ...]: ...
def gather(*calls: Later[Any], state: object = None) -> tuple[Any, ...]:
    """The values of several calls, in order, whose tokens share batches, as in
    `gather(classify.later(text), is_urgent.later(text))`.

    The functions may use different models. Raises what ended the first call that failed, with a note that
    names its function's line; the others are cancelled. In tasks, `agather` does the same.

    With a `state`, as in `gather(classify.later(text), is_urgent.later(text), state=text)`, the calls that
    have it as an argument lay it out first (`PromptFunction.over`), so that it is evaluated once for all of
    them: worth it for a long text and short prompts without examples. Each answers as it does alone, though
    less well than with its instruction first (decisions/0010); other calls are asked as ever. Raises
    `ArgumentError` if no call has it.
    """
    return tuple(_gathered(_over(calls, state)))


@overload
async def agather(a: Later[A], /, *, state: object = None) -> tuple[A]: ...
@overload
async def agather(a: Later[A], b: Later[B], /, *, state: object = None) -> tuple[A, B]: ...
@overload
async def agather(a: Later[A], b: Later[B], c: Later[C], /, *, state: object = None) -> tuple[A, B, C]: ...
@overload
async def agather(
    a: Later[A], b: Later[B], c: Later[C], d: Later[D], /, *, state: object = None
) -> tuple[A, B, C, D]: ...
@overload
async def agather(
    a: Later[A], b: Later[B], c: Later[C], d: Later[D], e: Later[E], /, *, state: object = None
) -> tuple[A, B, C, D, E]: ...
@overload
async def agather(
    a: Later[A], b: Later[B], c: Later[C], d: Later[D], e: Later[E], f: Later[F], /, *, state: object = None
) -> tuple[A, B, C, D, E, F]: ...
@overload
async def agather(
    a: Later[A], b: Later[B], c: Later[C], d: Later[D], e: Later[E], f: Later[F], g: Later[G], /, *,
    state: object = None,
) -> tuple[A, B, C, D, E, F, G]: ...
@overload
async def agather(
    a: Later[A], b: Later[B], c: Later[C], d: Later[D], e: Later[E], f: Later[F], g: Later[G], h: Later[H], /,
    *, state: object = None,
) -> tuple[A, B, C, D, E, F, G, H]: ...
@overload
async def agather(
    a: Later[A], b: Later[B], c: Later[C], d: Later[D], e: Later[E], f: Later[F], g: Later[G], h: Later[H],
    j: Later[J], /, *, state: object = None
) -> tuple[A, B, C, D, E, F, G, H, J]: ...
@overload
async def agather(
    a: Later[A], b: Later[B], c: Later[C], d: Later[D], e: Later[E], f: Later[F], g: Later[G], h: Later[H],
    j: Later[J], k: Later[K], /, *, state: object = None
) -> tuple[A, B, C, D, E, F, G, H, J, K]: ...
@overload
async def agather(
    a: Later[A], b: Later[B], c: Later[C], d: Later[D], e: Later[E], f: Later[F], g: Later[G], h: Later[H],
    j: Later[J], k: Later[K], m: Later[M], /, *, state: object = None
) -> tuple[A, B, C, D, E, F, G, H, J, K, M]: ...
@overload
async def agather(
    a: Later[A], b: Later[B], c: Later[C], d: Later[D], e: Later[E], f: Later[F], g: Later[G], h: Later[H],
    j: Later[J], k: Later[K], m: Later[M], n: Later[N], /, *, state: object = None
) -> tuple[A, B, C, D, E, F, G, H, J, K, M, N]: ...
@overload
async def agather(*calls: Later[R], state: object = None) -> tuple[R, ...]: ...
async def agather(*calls: Later[Any], state: object = None) -> tuple[Any, ...]:
    """As `gather`, without blocking the event loop. Cancelling the task cancels all calls."""
    return tuple(await _agathered(_over(calls, state)))


@overload
def gather_lists(
    a: Iterable[Later[A]], b: Iterable[Later[B]], /, *, state: object = None
) -> tuple[list[A], list[B]]: ...
@overload
def gather_lists(
    a: Iterable[Later[A]], b: Iterable[Later[B]], c: Iterable[Later[C]], /, *, state: object = None
) -> tuple[list[A], list[B], list[C]]: ...
@overload
def gather_lists(
    a: Iterable[Later[A]], b: Iterable[Later[B]], c: Iterable[Later[C]], d: Iterable[Later[D]], /, *,
    state: object = None,
) -> tuple[list[A], list[B], list[C], list[D]]: ...
@overload
def gather_lists(
    a: Iterable[Later[A]], b: Iterable[Later[B]], c: Iterable[Later[C]], d: Iterable[Later[D]],
    e: Iterable[Later[E]], /, *, state: object = None
) -> tuple[list[A], list[B], list[C], list[D], list[E]]: ...
@overload
def gather_lists(
    a: Iterable[Later[A]], b: Iterable[Later[B]], c: Iterable[Later[C]], d: Iterable[Later[D]],
    e: Iterable[Later[E]], f: Iterable[Later[F]], /, *, state: object = None
) -> tuple[list[A], list[B], list[C], list[D], list[E], list[F]]: ...
def gather_lists(*lists: Iterable[Later[Any]], state: object = None) -> tuple[list[Any], ...]:
    """The values of several lists of calls, all of which are one wave: a list for each."""
    calls = [list(each) for each in lists]
    return _apart(calls, _gathered(_over([*chain(*calls)], state)))


@overload
async def agather_lists(
    a: Iterable[Later[A]], b: Iterable[Later[B]], /, *, state: object = None
) -> tuple[list[A], list[B]]: ...
@overload
async def agather_lists(
    a: Iterable[Later[A]], b: Iterable[Later[B]], c: Iterable[Later[C]], /, *, state: object = None
) -> tuple[list[A], list[B], list[C]]: ...
@overload
async def agather_lists(
    a: Iterable[Later[A]], b: Iterable[Later[B]], c: Iterable[Later[C]], d: Iterable[Later[D]], /, *,
    state: object = None,
) -> tuple[list[A], list[B], list[C], list[D]]: ...
@overload
async def agather_lists(
    a: Iterable[Later[A]], b: Iterable[Later[B]], c: Iterable[Later[C]], d: Iterable[Later[D]],
    e: Iterable[Later[E]], /, *, state: object = None
) -> tuple[list[A], list[B], list[C], list[D], list[E]]: ...
@overload
async def agather_lists(
    a: Iterable[Later[A]], b: Iterable[Later[B]], c: Iterable[Later[C]], d: Iterable[Later[D]],
    e: Iterable[Later[E]], f: Iterable[Later[F]], /, *, state: object = None
) -> tuple[list[A], list[B], list[C], list[D], list[E], list[F]]: ...
async def agather_lists(*lists: Iterable[Later[Any]], state: object = None) -> tuple[list[Any], ...]:
    """As `gather_lists`, without blocking the event loop."""
    calls = [list(each) for each in lists]
    return _apart(calls, await _agathered(_over([*chain(*calls)], state)))


def _over(calls: Sequence[Later[R]], state: object) -> Sequence[Later[R]]:
    """The calls, those with the state as an argument over that."""
    if state is None:
        return calls
    over = [call.over(state) for call in calls]
    if calls and all(found is None for found in over):
        raise ArgumentError(
            "no call has the state as an argument",
            help="give the same to both: gather(classify.later(text), is_urgent.later(text), state=text)",
        )
    return [call if found is None else found for call, found in zip(calls, over, strict=True)]


def _gathered(calls: Sequence[Later[R]]) -> list[R]:
    from .scheduling.jobs import run_many  # not at the top: the first call loads what calls run on

    working = run_many((call.begin() for call in calls), in_flight=running.IN_FLIGHT)
    outcomes = []
    for call in calls:
        with _placed(call):
            outcomes.append(next(working))
    return _given(calls, outcomes)


async def _agathered(calls: Sequence[Later[R]]) -> list[R]:
    import asyncio  # not at the top: who uses it has it, and others do without

    outcomes: dict[int, Any] = {}
    failures: dict[int, Exception] = {}
    waiting = iter(enumerate(calls))

    async def work() -> None:
        for place, call in waiting:
            try:
                outcomes[place] = await call.outcome()
            except Exception as error:
                failures[place] = error
                raise

    tasks = [asyncio.ensure_future(work()) for _ in calls[: running.IN_FLIGHT]]
    try:
        if tasks:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        left = [task for task in tasks if not task.done()]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)
        for task in tasks:
            if not task.cancelled():
                task.exception()  # asyncio complains of one that nobody has looked at
    if failures:
        first = min(failures)
        with _placed(calls[first]):
            raise failures[first]
    for task in tasks:
        task.result()
    return _given(calls, [outcomes[place] for place in range(len(calls))])


@contextmanager
def _placed(call: Later[Any]) -> Iterator[None]:
    """Let what is raised in the block name the line of what is called, and that of the flow that calls it."""
    run = running.current()
    try:
        with call.placed():
            yield
    except Exception as error:
        if run is not None and call.line is not None:
            run.blame(error, call.line)
        raise


def _given(calls: Sequence[Later[R]], outcomes: Iterable[Any]) -> list[R]:
    run = running.traced()
    wave = run.next_wave() if run is not None and calls else 0
    return [call.given(outcome, wave) for call, outcome in zip(calls, outcomes, strict=True)]


def _apart(lists: Sequence[Sequence[object]], values: Iterable[Any]) -> tuple[list[Any], ...]:
    """Values of lists that were put in a row, by list."""
    rest = iter(values)
    return tuple(list(islice(rest, len(each))) for each in lists)
