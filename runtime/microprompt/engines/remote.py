"""What engines have in common that ask a server: when a call is sent, sent again, and given up.

Calls run as tasks of an event loop on a thread of its own, so neither threads nor other loops wait for the
network, and a call that is given up takes its connection along. At most `IN_FLIGHT` are sent at a time; a
server that asks for time gets it, from all of them. Nothing that is asked or answered is logged here.
"""

from __future__ import annotations

import asyncio
import email.utils
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import replace
from typing import Any, Final, NoReturn, TypeVar

import httpx2
import numpy as np

from ..answer import Answer, FieldAnswer, Usage
from ..errors import EngineError, ServerError
from ..explain import Explanation, TextPart
from ..heads.linear import Numbers
from ..locations import ModelServer
from ..program import Program
from ..prompts.filling import written
from ..prompts.layout import Argument, Blank, Literal, Segment
from ..scheduling.jobs import Pending, awaited, deadline_of, run_many, wait
from ..scheduling.loop import LoopThread
from ..scheduling.sampling import is_near_tie, sampler_of
from ..scheduling.scheduler import refuse_at_exit
from ..types import AnyKind
from .base import Call
from .keys import key_of, variables_of

T = TypeVar("T")

IN_FLIGHT: Final = 16
"""Calls that a server is sent at a time; others wait here, where giving them up costs nothing."""

_READ_SECONDS: Final = 300.0

TIMEOUT: Final = httpx2.Timeout(_READ_SECONDS, connect=10.0)
"""How long a server may take to be reached, and to say anything, where no deadline comes first."""

_TRIES: Final = 4
_PAUSE: Final = 0.5  # seconds before the second try, doubled before each one after it
_LONGEST_PAUSE: Final = 60.0  # seconds that a server may ask for
_TEMPORARY: Final = frozenset((408, 429, 500, 502, 503, 504))


class Retry(Exception):
    """A call that failed with `error`, and may be sent again: after so many seconds, if the server says."""

    def __init__(self, error: ServerError, after: float | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.after = after


class RemoteEngine(ABC):
    """Answers calls by asking a server: an `AnyEngine`. Safe from any thread.

    Raises `ModelError` for a key that would be sent in the clear.
    """

    def __init__(self, name: str, server: ModelServer) -> None:
        self.name = name
        self.server = server
        self.key = key_of(server)
        self.is_closed = False
        refuse_at_exit()
        self._thread = LoopThread("microprompt-server")
        self._admission = asyncio.Semaphore(IN_FLIGHT)
        self._rests_until = 0.0

    # ------------------------------------------------------------------------------ for each kind to say

    @abstractmethod
    def refuse(self, program: Program) -> None:
        """Raise `ModelError` for a program that such a server can't answer."""

    @abstractmethod
    async def ask(self, call: Call) -> Answer[object]:
        """Ask the server, by `self.sent`. Raises `ServerError`, and what an answer may raise."""

    @abstractmethod
    def segments(self, program: Program) -> Iterator[Segment]:
        """What the server is asked, as one text with its holes open: for people."""

    @abstractmethod
    def render(self, call: Call) -> str:
        """What the server is asked in a call."""

    @abstractmethod
    async def disconnect(self) -> None:
        """Close the connections."""

    # ---------------------------------------------------------------------------------- as an engine

    def submit(self, call: Call, *, waits: bool = False) -> Pending[Answer[object]]:
        """Begin a call. Raises what `refuse` raises, and `EngineError` once the engine is closed.

        Its `timeout` counts from now; with `waits`, from when it is sent.
        """
        if self.is_closed:
            raise EngineError(f"the engine of {self.name} is closed")
        refuse_at_exit()
        self.refuse(call.program)
        pending: Pending[Answer[object]] = Pending(
            deadline=deadline_of(call.timeout, waits=waits), timeout=call.timeout
        )
        running = asyncio.run_coroutine_threadsafe(self._run(call, pending), self._thread.loop)

        def ended(_: Future[None]) -> None:  # by the loop's end, before it could begin
            if running.cancelled():
                pending.fail(EngineError(f"the engine of {self.name} is closed"))

        running.add_done_callback(ended)
        pending.future.add_done_callback(lambda future: running.cancel() if future.cancelled() else None)
        return pending

    def result(self, pending: Pending[T], /) -> T:
        """Wait for a call. Raises what ended it; `DeadlineExceeded` at its deadline."""
        return wait(pending)

    def abandon(self, pending: Pending[Any], /) -> None:
        """Give up a call; its connection is closed."""
        pending.future.cancel()

    def run_many(self, calls: Iterable[Call], *, in_flight: int) -> Iterator[Answer[object]]:
        """The answers to many calls, in order. `calls` is read up to `in_flight` ahead."""
        return run_many(((self, self.submit(call, waits=True)) for call in calls), in_flight=in_flight)

    async def aanswer(self, call: Call) -> Answer[object]:
        """Answer a call without blocking the event loop. Cancelling the task gives the call up."""
        return await awaited(self.submit(call))

    def explain(self, program: Program) -> Explanation:
        """What the server is asked. It counts tokens, and they cost what it says: nothing is known here."""
        self.refuse(program)
        parts = [part for segment in self.segments(program) for part in _parts(segment)]
        return Explanation(
            function=program.name,
            source=f"{program.source}:{program.line}",
            model=self.name,
            layout="chat",
            prefix=(),
            tail=tuple(parts),
            prefix_tokens=0,
            call_tokens=0,
            expected_tokens=0,
            max_tokens=0,
            reasoning=None,
            context=0,
            cost=None,
            slots=(),
            waves=(),
            state=program.arrangement.state,
            server=self.server.url,
        )

    def close(self) -> None:
        """Give up all calls, and close the connections."""
        if self.is_closed:
            return
        self.is_closed = True
        closing = asyncio.run_coroutine_threadsafe(self.disconnect(), self._thread.loop)
        try:
            closing.result(1.0)
        except (TimeoutError, CancelledError):
            closing.cancel()
        self._thread.stop()

    # ------------------------------------------------------------------------------- on the loop's thread

    async def _run(self, call: Call, pending: Pending[Answer[object]]) -> None:
        """Answer a call, and say so to who waits."""
        start = time.monotonic()
        try:
            async with asyncio.timeout(pending.seconds_left()) as limit, self._admission:
                pending.begin()
                if (left := pending.seconds_left()) is not None:
                    limit.reschedule(asyncio.get_running_loop().time() + left)
                answer = await self.ask(replace(call, timeout=pending.seconds_left()))
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            if isinstance(error, TimeoutError):
                pending.expire()
            pending.fail(error)
        else:
            pending.succeed(replace(answer, seconds=time.monotonic() - start))

    async def sent(self, send: Callable[[], Awaitable[T]], timeout: float | None) -> T:
        """What `send` gives, which is sent again where it raises `Retry`: after as long as the server asks
        for, or ever longer pauses. `timeout` is what is left, in seconds, from now.

        Raises the error of the last try; at once where the server wants more time than there is.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        for tried in range(1, _TRIES + 1):
            while (left := self._rests_until - time.monotonic()) > 0:
                await asyncio.sleep(left)
            try:
                return await send()
            except Retry as retry:
                pause = self._pause(retry, tried)
                over = time.monotonic() + pause
                if tried == _TRIES or pause > _LONGEST_PAUSE or (deadline is not None and over > deadline):
                    raise retry.error from None
                await asyncio.sleep(pause)
        raise AssertionError("the last try raises")

    def _pause(self, retry: Retry, tried: int) -> float:
        """How many seconds to wait before a call is sent again. What a server asks for is for all calls."""
        if retry.after is None:
            # By chance a little more or less: those that failed together should not come back together.
            return _PAUSE * float(2 ** (tried - 1)) * random.uniform(0.75, 1.25)
        self._rests_until = max(self._rests_until, time.monotonic() + retry.after)
        return retry.after

    def chosen(
        self,
        call: Call,
        choice: AnyKind,
        probabilities: Numbers,
        *,
        taken: int | None = None,
        shortlist: int | None = None,
        answered_by: str,
        usage: Usage,
    ) -> Answer[object]:
        """The answer of a choice with these probabilities, shape (K,), in the order of its options: the one
        that was `taken`, or the one that the call takes by them."""
        using = call.program.using
        options = choice.options() or ()
        with np.errstate(divide="ignore"):
            log_probs = np.log(probabilities)
        if taken is None:
            taken = sampler_of(using).pick(log_probs)
        part = FieldAnswer(
            value=options[taken],
            confidence=float(probabilities[taken]),
            distribution=dict(zip(map(choice.outcome, options), map(float, probabilities), strict=True)),
            coverage=None,
            answered_by=answered_by,
            shortlist=shortlist,
        )
        return Answer.of(
            part.value,
            {"": part},
            declared=choice,
            near_tie=is_near_tie(log_probs, using),
            usage=usage,
            seconds=0.0,  # it is not there yet
            model=self.name,
        )

    def failed(self, status: int, headers: Mapping[str, str], message: str | None) -> NoReturn:
        """Raise what an HTTP status says, as `Retry` where the call may be sent again. `message` is what the
        server says of it."""
        said = "" if not message else f": {self._without_key(' '.join(message.split()))[:300]}"
        where = f"{self.server.url} ({status})"
        match status:
            case 401 | 403:
                what = "does not take the key that it was given" if self.key else "wants a key"
                raise ServerError(
                    f"the server {where} {what}{said}",
                    status=status,
                    help=f"set {' or '.join(variables_of(self.server))} to a key of it",
                )
            case 404:
                raise ServerError(
                    f"the server {where} has no such model or route{said}",
                    status=status,
                    help="check the address, and the model's name behind the `#`",
                )
            case 429:
                error = ServerError(
                    f"the server {where} has too many calls now{said}",
                    status=status,
                    help="call it less often, or allow more time",
                )
            case _ if 300 <= status < 400:
                raise ServerError(
                    f"the server {where} sends the call elsewhere",
                    status=status,
                    help="write the address where it leads to",
                )
            case _ if status in _TEMPORARY:
                error = ServerError(f"the server {where} failed{said}", status=status)
            case _:
                raise ServerError(f"the server {where} refuses the call{said}", status=status)
        raise Retry(error, retry_after(headers))

    def unconnected(self, error: Exception) -> ServerError | Retry:
        """The error for a server that is not reached or says nothing, and for a connection that ended before
        all was said: only then the call may be sent again."""
        match error:
            case httpx2.ConnectError() | httpx2.ConnectTimeout() | httpx2.InvalidURL():
                return ServerError(
                    f"no server answers at {self.server.url}: {_shown(error)}",
                    help="start it, or check the address in the program",
                )
            case httpx2.TimeoutException():
                return ServerError(
                    f"{self.server.url} said nothing for {_READ_SECONDS:.0f} s", help="allow calls less time"
                )
            case _:
                return Retry(ServerError(f"the connection to {self.server.url} broke off: {_shown(error)}"))

    def unreadable(self, why: str) -> ServerError:
        """The error for a reply that is none."""
        return ServerError(
            f"{self.server.url} does not answer as {_SPOKEN[self.server.protocol]} does: {why}",
            help="check that the address is that of such a server",
        )

    def _without_key(self, text: str) -> str:
        return text.replace(self.key, "...") if self.key else text


_SPOKEN: Final = {"systemone": "the System One API", "openai": "the OpenAI API"}


def connection(server: ModelServer, headers: Mapping[str, str] | None = None) -> httpx2.AsyncClient:
    """A client for a server, with these headers in all that it sends."""
    # Without TLS, certificates would be loaded for nothing.
    return httpx2.AsyncClient(verify=server.url.startswith("https:"), timeout=TIMEOUT, headers=headers)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds after which a server wants to be asked again, if it says: `retry-after-ms`, or
    `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3)."""
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    try:
        date = email.utils.parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    return max(0.0, date.timestamp() - time.time())


def _parts(segment: Segment) -> Iterator[TextPart]:
    match segment:
        case Literal() | Argument():
            yield TextPart(text=segment.text, tokens=None, is_hole=False)
        case Blank():
            for part in segment.parts:
                yield TextPart(text=written(part), tokens=None, is_hole=not isinstance(part, str))


def _shown(error: Exception) -> str:
    return str(error) or type(error).__name__
