"""The trace of a request (W3C Trace Context, https://www.w3.org/TR/trace-context-2/). Pure ASGI.

All that is called for a request is in one trace: that of its header `traceparent`, or a new one. Where
OpenTelemetry is on, FastAPI has read the header, and begun a span for the request. The response
names it in the header `traceresponse`, as the working group's draft has it and OpenTelemetry's propagators
write it, so that who was answered can find the calls behind the answer.
"""

from __future__ import annotations

import os
import re
from typing import Final, NamedTuple

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .. import telemetry
from ..observed import in_trace

_TRACEPARENT: Final = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-"
    r"(?P<flags>[0-9a-f]{2})(?P<more>-.*)?",
    re.ASCII,
)
"""What later versions of the format may have `more` of, the first one has not."""

_SAMPLED: Final = 1  # a flag: who asks may have recorded it
_RANDOM: Final = 2  # a flag: the trace's number is random


class _Named(NamedTuple):
    """A trace as headers name it: in hexadecimal digits."""

    trace: str
    span: str
    flags: int

    def response(self) -> bytes:
        return f"00-{self.trace}-{self.span}-{self.flags:02x}".encode()


class Traced:
    """Puts requests into traces."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        span = telemetry.current_span()
        named = _named(Headers(scope=scope)) if span is None else _Named(*span)

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), (b"traceresponse", named.response())]
                message = {**message, "headers": headers}
            await send(message)

        with in_trace(named.trace):
            await self._app(scope, receive, tell)


def _named(headers: Headers) -> _Named:
    """The trace that a request names if it names one as it should, else a new one; and a span of ours."""
    span = os.urandom(8).hex()
    given = headers.getlist("traceparent")
    found = _TRACEPARENT.fullmatch(given[0].strip(" \t")) if len(given) == 1 else None
    if found is None or (found["version"] == "00" and found["more"]):
        return _Named(os.urandom(16).hex(), span, _RANDOM)
    return _Named(found["trace"], span, int(found["flags"], 16) & (_SAMPLED | _RANDOM))
