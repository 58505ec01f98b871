"""The gate before all routes: who may ask, and what body a request has. Pure ASGI.

The order is that of what it costs: the Host header, the key, the length, the body, its compression. Behind
the gate a body is whole, unpacked and within its bounds.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Sequence
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .bodies import unpacked
from .limits import ServingLimits
from .problems import INTERNAL, NO_KEY, Problem, Refused, log, too_large

OPEN: Final = ("/healthz", "/readyz")
"""What needs no key: who watches over a service has none."""

_LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")


class Gate:
    """Lets through what may pass, with its body read."""

    def __init__(self, app: ASGIApp, *, keys: Sequence[str], limits: ServingLimits) -> None:
        self._app = app
        self._keys = [key.encode() for key in keys]
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            self._require_host(headers)
            if scope["path"] not in OPEN:
                self._require_key(headers)
            if scope["method"] == "POST":
                _require_json(headers)
            body = await self._body(headers, receive)
        except Refused as refused:
            await refused.problem.reply(scope["path"])(scope, receive, send)
            return
        if body is None:
            return
        sending = _Sending(send, self._limits.send_seconds)
        try:
            await self._app(_unpacked_scope(scope), _Replayed(body, receive), sending)
        except _Stalled:
            return  # the connection ends in the middle of the response
        except Exception as error:  # a defect of ours
            log(scope["path"], error)
            if not sending.has_begun:
                await INTERNAL.reply(scope["path"])(scope, receive, send)

    def _require_host(self, headers: Headers) -> None:
        if self._keys:
            return  # no page of a browser can ask in its user's name, whatever its host is called
        host = headers.get("host", "")
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if name.lower() not in _LOOPBACK:
            raise Refused(
                Problem(
                    status=421,
                    kind="wrong-host",
                    title="Wrong host",
                    detail="this service answers for its own machine only",
                    help="ask for http://127.0.0.1 or http://localhost, or start it with --key-file",
                )
            )

    def _require_key(self, headers: Headers) -> None:
        if not self._keys:
            return
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not given.strip():
            raise Refused(_unauthorized(NO_KEY, "No key", "the request has no key"))
        # Each is compared whole: how long it takes tells nobody how much of a key is right.
        found = [hmac.compare_digest(given.strip().encode(), key) for key in self._keys]
        if not any(found):
            raise Refused(_unauthorized("wrong-key", "Wrong key", "this key is none of the service's"))

    async def _body(self, headers: Headers, receive: Receive) -> bytes | None:
        """The whole body, unpacked; none if the client went away meanwhile. Raises `Refused`."""
        try:
            async with asyncio.timeout(self._limits.receive_seconds):
                packed = await _received(receive, headers, self._limits.body_bytes)
        except TimeoutError:
            if _is_too_large(headers, self._limits.body_bytes):
                raise Refused(too_large(self._limits.body_bytes)) from None
            raise Refused(
                Problem(
                    status=408,
                    kind="slow-request",
                    title="Slow request",
                    detail=f"the body was not there after {self._limits.receive_seconds:g} s",
                    headers={"Connection": "close"},
                )
            ) from None
        if not packed:
            return packed
        return unpacked(packed, headers.get("content-encoding", ""), self._limits.body_bytes)


def _require_json(headers: Headers) -> None:
    """Raise `Refused` for a body that is not JSON: a page of another site can have a browser send forms and
    plain text to this machine without being asked for leave, but not this."""
    media_type = headers.get("content-type", "")
    if media_type.partition(";")[0].strip().lower() != "application/json":
        raise Refused(
            Problem(
                status=415,
                kind="not-json",
                title="Not JSON",
                detail="the body's content type is not application/json",
                help="send the header `Content-Type: application/json`",
            )
        )


def _is_too_large(headers: Headers, most: int) -> bool:
    """Whether a body will have more than `most` bytes, by what its header says."""
    declared = headers.get("content-length", "")
    return declared.isdigit() and len(declared) < 20 and int(declared) > most


async def _received(receive: Receive, headers: Headers, most: int) -> bytes | None:
    is_large = _is_too_large(headers, most)
    if is_large and "expect" in headers:
        raise Refused(too_large(most))  # the client waits for leave to send it
    found = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        # What is too large is read to its end, and forgotten: a client that is still sending when its
        # connection ends would never see why.
        is_large = is_large or len(found) + len(message.get("body", b"")) > most
        if is_large:
            found.clear()
        else:
            found += message.get("body", b"")
        if not message.get("more_body", False):
            break
    if is_large:
        raise Refused(too_large(most))
    return bytes(found)


def _unauthorized(kind: str, title: str, detail: str) -> Problem:
    return Problem(
        status=401,
        kind=kind,
        title=title,
        detail=detail,
        help="send it as in `Authorization: Bearer KEY`",
        headers={"WWW-Authenticate": "Bearer"},
    )


def _unpacked_scope(scope: Scope) -> Scope:
    """The scope as it is once the body is unpacked: neither of these headers is true any more."""
    left = [pair for pair in scope["headers"] if pair[0] not in (b"content-encoding", b"content-length")]
    return {**scope, "headers": left}


class _Stalled(Exception):
    """A client takes nothing of its response."""


class _Sending:
    """Sends a response for as long as its client takes it. Raises `_Stalled`."""

    def __init__(self, send: Send, seconds: float) -> None:
        self.has_begun = False
        self._send = send
        self._seconds = seconds

    async def __call__(self, message: Message) -> None:
        self.has_begun = True
        try:
            async with asyncio.timeout(self._seconds):
                await self._send(message)
        except TimeoutError:
            raise _Stalled from None


class _Replayed:
    """Gives the body first, then what the connection gives: that the client went away."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        return await self._receive()
