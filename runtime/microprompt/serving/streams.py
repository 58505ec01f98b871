"""A text as it is written: an answer in pieces, as server-sent events (WHATWG HTML, 9.2).

event: text      {"text": "..."}, a piece, where the model writes one
event: answer    the answer, whole
event: problem   why there is none
"""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncGenerator
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ..answer import Answer
from .calls import Calls, wanted
from .problems import Refused
from .replies import answer_data, encoded
from .served import Served

MEDIA_TYPE: Final = "text/event-stream"

_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""A proxy is not to keep pieces back until there are more."""


class EventStream(Response):
    """A call whose answer is told as it is written, for as long as the client listens."""

    def __init__(
        self,
        calls: Calls,
        served: Served,
        arguments: dict[str, object],
        *,
        detail: bool,
        seconds: float | None,
    ) -> None:
        super().__init__(media_type=MEDIA_TYPE, headers=_HEADERS)
        del self.headers["content-length"]
        self._events = _events(calls, served, arguments, detail=detail)
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})

        async def tell(event: bytes, *, more: bool = True) -> None:
            await send({"type": "http.response.body", "body": event, "more_body": more})

        try:
            async with wanted(receive, self._seconds):
                async for event in self._events:
                    await tell(event)
        except ClientDisconnect:
            return
        except Refused as refused:
            await tell(_event("problem", refused.problem.to_json()))
        finally:
            await self._events.aclose()
        await tell(b"", more=False)


async def _events(
    calls: Calls, served: Served, arguments: dict[str, object], *, detail: bool
) -> AsyncGenerator[bytes, None]:
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[bytes | None] = asyncio.Queue()

    def listen(piece: bytes) -> None:  # on the thread that computes
        loop.call_soon_threadsafe(pieces.put_nowait, piece)

    call = asyncio.create_task(calls.one(served, arguments, listener=listen))
    call.add_done_callback(lambda _: pieces.put_nowait(None))
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    try:
        while (piece := await pieces.get()) is not None:
            if text := decoder.decode(piece):
                yield _event("text", {"text": text})
        outcome = await call
    finally:
        call.cancel()
    if isinstance(outcome, Answer):
        yield _event("answer", answer_data(outcome, detail=detail))
    else:
        yield _event("problem", outcome.to_json())


def _event(name: str, data: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), encoded(data))
