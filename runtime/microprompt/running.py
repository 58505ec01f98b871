"""Flows that run: what a call that is made in one has to know of it.

That is in the context (`contextvars`), so it reaches the calls in a flow's tasks and threads too: the
deadline that all of them share, and the list of decisions where somebody asked for a trace. Outside of flows,
and where nobody asks, a call pays for one look.
"""

from __future__ import annotations

import sys
import time
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from dataclasses import dataclass, replace
from types import CodeType, FrameType, TracebackType
from typing import Final, TypeAlias

from .answer import Answer
from .errors import DeadlineExceeded, FlowFailed, MicropromptError
from .program import Signature
from .trace import Called, Decision
from .types.records import problem_of

Lines: TypeAlias = Sequence[tuple[int, int]]
"""Pairs of a generated module's line and the source's, in ascending order; a line that is not there belongs
to the pair before it."""

IN_FLIGHT: Final = 64
"""Calls of one caller that are worked on at a time, of a `map` and of a wave: enough to keep every lane's
batches full."""

_current: ContextVar[Run | None] = ContextVar("microprompt_flow", default=None)


@dataclass(frozen=True, slots=True, eq=False)
class FlowPlace:
    """Where a flow is written: at `line` of `source`. `codes` are those of its generated functions, whose
    lines `lines` knows."""

    name: str
    source: str
    line: int
    lines: Lines
    codes: frozenset[CodeType]

    def __str__(self) -> str:
        return f"in flow {self.name}, {self.source}"

    def line_of(self, generated: int) -> int:
        """The source's line that a generated one is made of."""
        at = bisect_right(self.lines, generated, key=lambda pair: pair[0])
        return self.lines[at - 1][1] if at else self.line

    def line_now(self) -> int:
        """The source's line that is running on this thread."""
        frame: FrameType | None = sys._getframe()
        while frame is not None:
            if frame.f_code in self.codes:
                return self.line_of(frame.f_lineno)
            frame = frame.f_back
        return self.line

    def line_raised(self, error: BaseException) -> int:
        """The source's line that an exception comes from."""
        found = self.line
        for code, line in _steps(error.__traceback__):
            if code in self.codes:
                found = self.line_of(line)
        return found


class Run:
    """A flow that runs, from `with` on; what is raised in the block gets a note that names the flow's line.

    `timeout`, in seconds, ends its calls, and so does that of the flow that called it. With `traced`, its
    calls are told in `decisions`; so are those of a flow that is called in one that is traced.
    """

    def __init__(self, place: FlowPlace, *, timeout: float | None = None, traced: bool = False) -> None:
        outer = _current.get()
        self.place = place
        self.timeout = timeout
        self.deadline: float | None = None if outer is None else outer.deadline
        if timeout is not None:
            own = time.monotonic() + timeout
            self.deadline = own if self.deadline is None else min(own, self.deadline)
        is_traced = traced or (outer is not None and outer.decisions is not None)
        self.decisions: list[Decision] | None = [] if is_traced else None
        self._outer = outer
        self.took = 0.0
        self._waves = 0
        self._blamed: BaseException | None = None
        self._start = time.monotonic()

    def __enter__(self) -> Run:
        _current.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _current.set(self._outer)
        self.took = time.monotonic() - self._start
        if not isinstance(error, Exception):
            return
        line = self.place.line_raised(error)
        if isinstance(error, _WITHOUT_RESULT) and not isinstance(error, MicropromptError):
            where, problem = problem_of(error)
            failed = FlowFailed(": ".join((f"{self.place.name} has no result", *where, problem)))
            self.blame(failed, line)
            raise failed from error
        self.blame(error, line)

    def blame(self, error: BaseException, line: int) -> None:
        """Note the line that an exception comes from; who tells it first knows best."""
        if error is self._blamed:
            return
        self._blamed = error
        is_late = isinstance(error, DeadlineExceeded) and self.seconds_left() == 0
        why = f", whose timeout is {self.timeout:g} s" if is_late and self.timeout is not None else ""
        error.add_note(f"{self.place}:{line}{why}")

    def seconds_left(self) -> float | None:
        """How long it may run on; `None` without a deadline."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    def next_wave(self) -> int:
        """The number of the calls that begin now."""
        self._waves += 1
        return self._waves


_WITHOUT_RESULT: Final = (ArithmeticError, LookupError, ValueError)
"""What Python raises where a calculation has no result: a division by zero, the least of no items, and a
record whose fields are not as it declares."""


def current() -> Run | None:
    """The flow that runs here; `None` outside of flows."""
    return _current.get()


def traced() -> Run | None:
    """The flow that runs here, if its decisions are told."""
    run = _current.get()
    return None if run is None or run.decisions is None else run


def tell(
    called: Called,
    signature: Signature,
    arguments: Mapping[str, object],
    value: object,
    seconds: float,
    *,
    answer: Answer[object] | None = None,
    decisions: Sequence[Decision] = (),
    line: int | None = None,
    wave: int | None = None,
) -> None:
    """Tell the flow that runs here of a call that it has made, if it is traced. Without a `line` it is the
    one that runs now, and without a `wave` the call was alone in one."""
    run = traced()
    if run is None:
        return
    assert run.decisions is not None
    # As they are now: the flow may go on to append to a list among them.
    arguments, value = deepcopy((dict(arguments), value))
    run.decisions.append(
        Decision(
            called=called,
            line=run.place.line_now() if line is None else line,
            wave=run.next_wave() if wave is None else wave,
            arguments=arguments,
            value=value,
            seconds=seconds,
            answer=None if answer is None else replace(answer, value=value),
            decisions=tuple(decisions),
            signature=signature,
        )
    )


@contextmanager
def function_called(signature: Signature, arguments: Mapping[str, object]) -> Iterator[list[object]]:
    """Tell the flow that runs here, if it is traced, of a function of Python that is called in the block, and
    of the prompts that this calls in its turn. The block adds what it returned."""
    outer = traced()
    returned: list[object] = []
    if outer is None:
        yield returned
        return
    line = outer.place.line_now()
    inner = Run(replace(outer.place, line=line, codes=frozenset()), traced=True)
    start = time.monotonic()
    _current.set(inner)
    try:
        yield returned
    finally:
        _current.set(outer)
    seconds = time.monotonic() - start
    tell("function", signature, arguments, returned[0], seconds, decisions=inner.decisions or (), line=line)


def time_left(timeout: float | None) -> float | None:
    """The timeout of a call that is made now: `timeout`, or what the flow that makes it has left if that is
    less.

    Raises `DeadlineExceeded` where it has nothing left.
    """
    run = _current.get()
    left = None if run is None else run.seconds_left()
    if left is None:
        return timeout
    if not left:
        raise DeadlineExceeded("there was no time left for the call")
    return left if timeout is None else min(left, timeout)


def _steps(traceback: TracebackType | None) -> Iterator[tuple[CodeType, int]]:
    """The code and the line of each frame of a traceback, the outermost first."""
    while traceback is not None:
        yield traceback.tb_frame.f_code, traceback.tb_lineno
        traceback = traceback.tb_next
