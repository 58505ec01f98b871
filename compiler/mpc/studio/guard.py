"""Who may ask the studio: this machine, the studio's own page, and nobody without the token.

The token is in the address that the terminal shows, behind the `#`, which browsers send to no server. The
page keeps it and says it with each request, so no other page can make one: a request with such a header is
asked about first, and refused here. `Host` is checked against pages that have their own name lead to this
machine (DNS rebinding), `Origin` against all others.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Final

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

API: Final = "/api/"
MAX_BODY: Final = 32 << 20
"""Bytes of a request: the largest program, all of it escaped once."""

_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class _TooLargeError(Exception):
    pass


class Guard:
    """ASGI middleware around the studio on a `port` of loopback."""

    def __init__(self, app: ASGIApp, *, token: str, port: int) -> None:
        self._app = app
        self._token = token.encode()
        hosts = ("127.0.0.1", "localhost", "[::1]")
        self._hosts = {f"{host}:{port}".encode() for host in hosts}
        if port == 80:
            self._hosts |= {host.encode() for host in hosts}
        self._origins = {b"http://" + host for host in self._hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # there are no sockets here, and who asks for one is not the page
            await send({"type": "websocket.close", "code": 1008})
            return
        send = _with_headers(send)
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, _limited(receive), noting)
        except _TooLargeError:
            if not begun:
                await _refused(413, "the request is too large")(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        host = [value.lower() for name, value in headers if name == b"host"]
        if len(host) != 1 or host[0] not in self._hosts:
            return _refused(403, "this is not the studio's address")
        if any(value not in self._origins for name, value in headers if name == b"origin"):
            return _refused(403, "another page may not ask the studio")
        if any(_number(value) > MAX_BODY for name, value in headers if name == b"content-length"):
            return _refused(413, "the request is too large")
        if scope["path"].startswith(API) and not self._knows_token(headers):
            return _refused(401, "the token is missing or wrong")
        return None

    def _knows_token(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        said = [value for name, value in headers if name == b"authorization"]
        return len(said) == 1 and hmac.compare_digest(said[0], b"Bearer " + self._token)


def _number(value: bytes) -> int:
    return int(value) if value.isdigit() and len(value) < 20 else MAX_BODY + 1


def _limited(receive: Receive) -> Receive:
    left = MAX_BODY

    async def limited() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise _TooLargeError
        return message

    return limited


def _with_headers(send: Send) -> Send:
    added = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *added]}
        await send(message)

    return sending


def _refused(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": {"kind": "refused", "message": message, "help": None}}, status)
