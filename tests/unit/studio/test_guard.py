"""Nobody else gets into the studio."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mpc.studio import guard
from mpc.studio.guard import Guard

from .conftest import PORT, TOKEN, Page

OWN = f"http://127.0.0.1:{PORT}"


def asked(app: ASGIApp, path: str, headers: list[tuple[str, str]], method: str = "GET") -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=OWN) as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(ask())


@pytest.mark.parametrize(
    "said", [None, "", "Bearer", "Bearer ", "Bearer wrong", f"bearer {TOKEN}", f"Bearer {TOKEN} ", TOKEN]
)
def test_without_the_token_nothing_is_told(app: ASGIApp, said: str | None) -> None:
    headers = [] if said is None else [("Authorization", said)]
    refused = asked(app, "/api/files", headers)
    assert refused.status_code == 401
    assert "support" not in refused.text


def test_the_page_itself_needs_no_token_and_holds_none(app: ASGIApp) -> None:
    found = asked(app, "/", [])
    assert found.status_code == 200
    assert TOKEN not in found.text


@pytest.mark.parametrize(
    "host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:1", "", f"0.0.0.0:{PORT}"]
)
def test_another_name_for_this_machine_is_refused(app: ASGIApp, host: str) -> None:
    for path in ("/", "/api/files"):
        found = asked(app, path, [("Host", host), ("Authorization", f"Bearer {TOKEN}")])
        assert found.status_code == 403


@pytest.mark.parametrize("host", [f"127.0.0.1:{PORT}", f"LOCALHOST:{PORT}", f"[::1]:{PORT}"])
def test_the_names_of_loopback_are_let_in(app: ASGIApp, host: str) -> None:
    headers = [("Host", host), ("Authorization", f"Bearer {TOKEN}")]
    assert asked(app, "/api/code/MP0203", headers).status_code == 200


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1:1", f"https://127.0.0.1:{PORT}"],
)
def test_another_page_is_refused_even_with_the_token(app: ASGIApp, origin: str) -> None:
    headers = [("Origin", origin), ("Authorization", f"Bearer {TOKEN}")]
    for method in ("GET", "POST", "OPTIONS"):
        found = asked(app, "/api/files", headers, method)
        assert found.status_code == 403
        assert "access-control-allow-origin" not in found.headers


def test_its_own_page_may_ask(app: ASGIApp) -> None:
    headers = [("Origin", OWN), ("Authorization", f"Bearer {TOKEN}")]
    assert asked(app, "/api/code/MP0203", headers).status_code == 200


def test_every_answer_says_what_the_page_may_load(app: ASGIApp) -> None:
    for path in ("/", "/main.js", "/nothing", "/api/files"):
        found = asked(app, path, [])
        assert "default-src 'none'" in found.headers["content-security-policy"]
        assert "unsafe" not in found.headers["content-security-policy"]
        assert found.headers["x-content-type-options"] == "nosniff"
        assert found.headers["referrer-policy"] == "no-referrer"
        assert found.headers["cache-control"] == "no-store"


def test_a_large_request_is_refused_before_it_is_read(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MAX_BODY", 1000)
    assert page.ask("POST", "/api/check", content=b" " * 1001).status_code == 413
    long = page.ask("POST", "/api/check", content=b"", headers={"Content-Length": "9" * 30})
    assert long.status_code == 413


def test_a_large_request_that_does_not_say_so_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MAX_BODY", 10)

    async def reads_all(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass

    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"x" * 8, "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", f"127.0.0.1:{PORT}".encode())]
    scope = {"type": "http", "path": "/", "method": "POST", "headers": headers, "query_string": b""}
    asyncio.run(Guard(reads_all, token=TOKEN, port=PORT)(scope, receive, send))
    assert sent[0]["status"] == 413


def test_there_are_no_sockets(app: ASGIApp) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def ask() -> None:
        await app({"type": "websocket", "path": "/api/files", "headers": []}, receive, send)

    asyncio.run(ask())
    assert [each["type"] for each in sent] == ["websocket.close"]
