"""Calls that somebody looks at: they are told to the record and to OpenTelemetry, where these are on.

Which call made which is in the context (`contextvars`), so it holds in tasks and threads too: a call that is
made in a flow is told as one of its own, in its trace. So is whether calls are recorded (`unrecorded`).
Where nobody looks, a call pays for that question.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from . import settings, telemetry
from .answer import Answer, Usage
from .errors import MicropromptError
from .program import Program, Signature
from .trace import Called, data_of
from .types import kind

if TYPE_CHECKING:
    from pathlib import Path

    from .engines.base import AnyEngine, Call
    from .recording.entry import CallEntry
    from .recording.keys import Keys
    from .recording.writer import RecordWriter
    from .scheduling.jobs import Pending
    from .settings import Settings
    from .telemetry import OpenSpan

T = TypeVar("T")

_current: ContextVar[ObservedCall | None] = ContextVar("microprompt_observed", default=None)
_trace: ContextVar[str | None] = ContextVar("microprompt_trace", default=None)
_is_unrecorded: ContextVar[bool] = ContextVar("microprompt_unrecorded", default=False)


class DeclaredSignature(Signature, Protocol):
    """What a function takes and gives, and the file that it is written in."""

    @property
    def source(self) -> str: ...


class ObservedCall:
    """A call that is told when it ends. Safe from any thread; of several ends the first counts."""

    def __init__(
        self,
        called: Called,
        module: str,
        signature: DeclaredSignature,
        arguments: Mapping[str, object],
        current: Settings,
        span: OpenSpan | None,
    ) -> None:
        self._called: Called = called
        self._module = module
        self._signature = signature
        self._span = span
        self._parent = _current.get()
        self.trace, self.span = (span and span.ids) or _new_ids(self._parent)
        self._keeps_arguments = current.record_arguments
        self._writer: RecordWriter | None = None
        if (record := _record(current)) is not None:
            from .recording.writer import writer_of  # not at the top: most programs keep no record

            self._writer = writer_of(record)
            # As they are now: the caller may go on to change a list among them.
            self._arguments = data_of(signature, arguments)
        self._answers: list[_Decided] = []
        self._ending = threading.Lock()
        self._is_over = False
        self._time, self._start = time.time(), time.monotonic()

    @contextmanager
    def current(self) -> Iterator[None]:
        """Let calls that are made in the block be made by this one. What is raised there ends it."""
        token = _current.set(self)
        try:
            if self._span is None:
                yield
            else:
                with self._span.current():
                    yield
        except BaseException as error:
            self.failed(error)
            raise
        finally:
            _current.reset(token)

    def answered(self, answer: Answer[Any]) -> None:
        """A prompt has answered."""
        with self._ending:
            if self._is_over:
                return
            self._is_over = True
            decided = _Decided(answer.confidence, answer.usage, answer.model)
            outer = self._parent
            # What a prompt asks in its body is a part of its own answer.
            while outer is not None and outer._called == "flow":
                outer._answers.append(decided)
                outer = outer._parent
            if self._span is not None:
                self._span.answered(answer)
            if self._writer is not None:
                self._write(answer.to_json(), decided, answer.seconds, answer=answer)

    def returned(self, value: object) -> None:
        """A flow has come to its end."""
        with self._ending:
            if self._is_over:
                return
            self._is_over = True
            seconds = time.monotonic() - self._start
            if self._span is not None:
                self._span.end(seconds)
            if self._writer is not None:
                data = {"value": kind(self._signature.returns).to_data(value)}
                self._write(data, _together(self._answers), seconds)

    def failed(self, error: BaseException) -> None:
        """There is no answer."""
        with self._ending:
            if self._is_over:
                return
            self._is_over = True
            seconds = time.monotonic() - self._start
            if self._span is not None:
                self._span.end(seconds, error=type(error).__name__)
            if self._writer is not None:
                self._write(None, _together(self._answers), seconds, error=error)

    def ended(self, future: Future[Answer[Any]]) -> None:
        """What was submitted for a prompt has ended, however it did."""
        if future.cancelled():
            from concurrent.futures import CancelledError

            self.failed(CancelledError())
        elif (error := future.exception()) is not None:
            self.failed(error)
        else:
            self.answered(future.result())

    def _write(
        self,
        said: Mapping[str, object] | None,
        decided: _Decided | None,
        seconds: float,
        *,
        answer: Answer[Any] | None = None,
        error: BaseException | None = None,
    ) -> None:
        assert self._writer is not None
        signature, arguments, keeps = self._signature, self._arguments, self._keeps_arguments

        def finished(keys: Keys) -> CallEntry:
            from .recording.entry import CallEntry, hash_of

            usage = None if decided is None else decided.usage
            return CallEntry(
                time=self._time,
                trace=self.trace,
                span=self.span,
                parent=None if self._parent is None else self._parent.span,
                called=self._called,
                module=self._module,
                function=signature.name,
                source=signature.source,
                key=keys.of(signature) if isinstance(signature, Program) else None,
                arguments=arguments if keeps else None,
                arguments_hash=hash_of(arguments),
                answer=said,
                confidence=None if decided is None else decided.confidence,
                model=None if decided is None else decided.model,
                answered_by=None if said is None else "flow" if answer is None else answer.answered_by,
                ms=1000 * seconds,
                prompt_tokens=None if usage is None else usage.prompt_tokens,
                cached_tokens=None if usage is None else usage.cached_tokens,
                decoded_tokens=None if usage is None else usage.decoded_tokens,
                abstained=answer is not None and answer.abstained,
                escalated=answer is not None and answer.first is not None,
                error=None if error is None else type(error).__name__,
                # It may quote the arguments.
                message=_message(error) if error is not None and keeps else None,
            )

        self._writer.put(finished)


def _new_ids(parent: ObservedCall | None) -> tuple[str, str]:
    """The numbers of a trace, that of the parent or of `in_trace` if there is one, and of a span in it, as
    OpenTelemetry has them."""
    trace = _trace.get() if parent is None else parent.trace
    return trace or os.urandom(16).hex(), os.urandom(8).hex()


class _Decided(NamedTuple):
    """How sure an answer was, what it cost, and what gave it."""

    confidence: float
    usage: Usage
    model: str


def _together(answers: list[_Decided]) -> _Decided | None:
    """What a flow's calls come to; nothing if there were none."""
    if not answers:
        return None
    return _Decided(
        min(each.confidence for each in answers),
        Usage.total(each.usage for each in answers),
        "+".join(dict.fromkeys(each.model for each in answers)),
    )


def _message(error: BaseException) -> str:
    return error.message if isinstance(error, MicropromptError) else str(error)


# ----------------------------------------------------------------------------------------- who looks at calls


@contextmanager
def unrecorded() -> Iterator[None]:
    """Let no call be recorded that is made in the block, in its tasks and threads neither: what is asked to
    look into a program is no call of it. OpenTelemetry is told of such calls too, for they cost the same."""
    token = _is_unrecorded.set(True)
    try:
        yield
    finally:
        _is_unrecorded.reset(token)


@contextmanager
def in_trace(trace: str) -> Iterator[None]:
    """Let what is called in the block be in one trace, that of the request that it is called for; it is named
    by 32 hexadecimal digits."""
    token = _trace.set(trace)
    try:
        yield
    finally:
        _trace.reset(token)


def request_trace() -> str | None:
    """The trace of the request that this runs for, if there is one."""
    return _trace.get()


def _record(current: Settings) -> Path | None:
    """The file that calls are recorded in here; `None` where they are not."""
    return None if _is_unrecorded.get() else current.record


def is_on() -> bool:
    """Whether anybody looks at calls here."""
    return _record(settings.current()) is not None or telemetry.is_on()


# ------------------------------------------------------------------------------------------------- prompts


def begin(module: str, call: Call) -> ObservedCall | None:
    """A call of a prompt of this module begins; `None` where nobody looks."""
    current, is_traced = settings.current(), telemetry.is_on()
    if _record(current) is None and not is_traced:
        return None
    program = call.program
    own = program.using.model
    span = telemetry.prompt_span(module, program, own.name if own else current.model) if is_traced else None
    return ObservedCall("prompt", module, program, call.arguments, current, span)


class ObservedEngine:
    """Puts the calls of a prompt of `module` to its engine, and tells each when it ends. What `engine` raises
    ends the call, too. An `Answerer`."""

    def __init__(self, module: str, engine: Callable[[], AnyEngine]) -> None:
        self._module = module
        self._load = engine
        self._loaded: AnyEngine | None = None
        self._open: dict[int, ObservedCall] = {}

    def submit(self, call: Call, *, waits: bool = False) -> Pending[Answer[object]]:
        """Begin a call, as the engine does."""
        seen = begin(self._module, call)
        if seen is None:
            return self._engine().submit(call, waits=waits)
        with seen.current():
            pending = self._engine().submit(call, waits=waits)
        self._open[id(pending)] = seen
        pending.future.add_done_callback(seen.ended)
        return pending

    def result(self, pending: Pending[T], /) -> T:
        """Wait for the answer to a submitted call, as the engine does. It has been told by then."""
        seen = self._open.pop(id(pending), None)
        try:
            return self._engine().result(pending)
        finally:
            # The waiting are woken before a future calls back.
            if seen is not None and pending.future.done():
                seen.ended(pending.future)  # type: ignore[arg-type]  # it was submitted here

    def abandon(self, pending: Pending[Any], /) -> None:
        """Give up a submitted call, as the engine does."""
        self._open.pop(id(pending), None)
        self._engine().abandon(pending)

    def run_many(self, calls: Iterable[Call], *, in_flight: int) -> Iterator[Answer[object]]:
        """The answers to many calls, in order, as the engine gives them."""
        from .scheduling.jobs import run_many  # not at the top: the first call loads what calls run on

        return run_many(((self, self.submit(call, waits=True)) for call in calls), in_flight=in_flight)

    def _engine(self) -> AnyEngine:
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded


# --------------------------------------------------------------------------------------------------- flows


@contextmanager
def flow(
    module: str, signature: DeclaredSignature, arguments: Mapping[str, object]
) -> Iterator[Callable[[T], T]]:
    """Tell a flow that runs in the block. What it returns is given to what the block is given, and back."""
    current, is_traced = settings.current(), telemetry.is_on()
    if _record(current) is None and not is_traced:
        yield lambda value: value
        return
    span = telemetry.flow_span(module, signature.name) if is_traced else None
    seen = ObservedCall("flow", module, signature, arguments, current, span)
    with seen.current():

        def told(value: T) -> T:
            seen.returned(value)
            return value

        yield told


@contextmanager
def function(module: str, name: str) -> Iterator[None]:
    """Tell a function of Python that a flow calls in the block: to OpenTelemetry, for the record is of what
    models decide."""
    if not telemetry.is_on():
        yield
        return
    span = telemetry.tool_span(module, name)
    start = time.monotonic()
    error: str | None = None
    try:
        with span.current():
            yield
    except BaseException as raised:
        error = type(raised).__name__
        raise
    finally:
        span.end(time.monotonic() - start, error=error)
