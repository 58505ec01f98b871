"""Tools over HTTP, on a server of this process: the SDK's own client, and clients that misbehave."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import httpx2
import numpy as np
import pytest
import uvicorn
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import CLIENT_CAPABILITIES_META_KEY, PROTOCOL_VERSION_META_KEY

from microprompt import Answer, abi, flow, tool
from microprompt.engines.base import Call
from microprompt.engines.engine import Engine
from microprompt.engines.loaded import override
from microprompt.engines.scripted import VOCABULARY, ByteBackend
from microprompt.mcp_server.transports import PATH, create_http_app
from microprompt.scheduling.backend import Rows, Step
from microprompt.scheduling.jobs import Job
from microprompt.serving.served import Served

from ..runtime.programs import wait_until_idle
from .conftest import serving

pytestmark = pytest.mark.usefixtures("engine")

MODES = pytest.mark.parametrize("mode", ["legacy", "auto"])
LISTING = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@asynccontextmanager
async def at(server: Server[Any], keys: Sequence[str] = ()) -> AsyncIterator[str]:
    """The address of a server that runs in the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(create_http_app(server, keys=keys), log_level="warning", ws="none")
        running = uvicorn.Server(config)
        task = asyncio.create_task(running.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}{PATH}"
        finally:
            running.should_exit = True
            await task


@asynccontextmanager
async def client_of(url: str, mode: str, key: str | None = None) -> AsyncIterator[Client]:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    async with (
        httpx2.AsyncClient(headers=headers) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


@MODES
@pytest.mark.parametrize("key", [None, "a-key"])
def test_tools_are_called_over_http(server: Server[Any], mode: str, key: str | None) -> None:
    async def main() -> Any:
        async with (
            at(server, () if key is None else (key,)) as url,
            client_of(url, mode, key) as client,
        ):
            assert len((await client.list_tools()).tools) == 4
            return (await client.call_tool("classify", {"text": "Who?"})).structured_content

    assert asyncio.run(main())["value"] == "question"


# ------------------------------------------------------------------------------------------- who may not ask


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize(
    ("headers", "keys", "status"),
    [
        ({"Host": "example.org"}, (), 421),
        ({"Host": "127.0.0.1.example.org:80"}, (), 421),
        ({"Origin": "https://example.org"}, (), 403),
        ({"Origin": "null"}, (), 403),
        ({}, ("a-key",), 401),
        ({"Authorization": "a-key"}, ("a-key",), 401),
        ({"Authorization": "Bearer another"}, ("a-key",), 401),
        ({"Authorization": "Bearer a-key2"}, ("a-key",), 401),
    ],
)
@pytest.mark.parametrize("version", ["2025-11-25", "2026-07-28"])
def test_who_may_not_ask_is_refused(
    server: Server[Any],
    method: str,
    headers: dict[str, str],
    keys: Sequence[str],
    status: int,
    version: str,
) -> None:
    usual = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": version}

    async def main() -> int:
        async with at(server, keys) as url, httpx2.AsyncClient() as http:
            body = LISTING if method == "POST" else None
            return (await http.request(method, url, json=body, headers={**usual, **headers})).status_code

    assert asyncio.run(main()) == status


def test_the_page_of_another_site_can_not_have_a_form_sent(server: Server[Any]) -> None:
    async def main() -> int:
        async with at(server) as url, httpx2.AsyncClient() as http:
            return (await http.post(url, json=LISTING, headers={"Content-Type": "text/plain"})).status_code

    assert asyncio.run(main()) == 415


def test_a_client_with_a_wrong_key_is_not_let_in(server: Server[Any]) -> None:
    async def main() -> None:
        async with at(server, ("a-key",)) as url, client_of(url, "auto", "another"):
            pytest.fail("it was let in")

    with pytest.raises(ExceptionGroup) as raised:
        asyncio.run(main())
    assert raised.group_contains(MCPError)


# -------------------------------------------------------------------------------- clients that want no answer


class Waiting:
    """A tool that waits: whether it has begun, and how it ended."""

    def __init__(self) -> None:
        self.has_begun = asyncio.Event()
        self.is_given_up = asyncio.Event()

    async def wait(self) -> None:
        self.has_begun.set()
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            self.is_given_up.set()
            raise


waiting: list[Waiting] = []


async def _hold(text: str) -> str:
    await waiting[-1].wait()
    return text


hold = tool(_hold)


@flow
def held(text: str) -> str:
    return hold(text)


@held.in_tasks
async def _held(text: str) -> str:
    return await hold.acall(text)


held.body = abi.Flow(source="own.mp", line=1)


class Raw:
    """A connection for one call, as a client of a revision makes it: by hand."""

    def __init__(self, url: str, version: str) -> None:
        self._place = urlsplit(url)
        self._headers = {
            "Host": self._place.netloc,
            "Accept": "application/json, text/event-stream",
            "Content-Type": "application/json",
            "MCP-Protocol-Version": version,
        }
        self._meta = {PROTOCOL_VERSION_META_KEY: version, CLIENT_CAPABILITIES_META_KEY: {}}

    async def greet(self) -> None:
        """Begin a session, as up to 2025-11-25."""
        asked = {
            "protocolVersion": self._headers["MCP-Protocol-Version"],
            "capabilities": {},
            "clientInfo": {"name": "raw", "version": "1"},
        }
        reply = await self.posted({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": asked})
        (session,) = [line for line in reply.decode().split("\r\n") if line.startswith("mcp-session-id")]
        self._headers["MCP-Session-Id"] = session.partition(":")[2].strip()
        await self.posted({"jsonrpc": "2.0", "method": "notifications/initialized"})

    async def posted(self, message: dict[str, Any]) -> bytes:
        """The reply to a message."""
        reader, writer = await self.sent(message, {"Connection": "close"})
        reply = await reader.read()
        writer.close()
        return reply

    async def called(self, name: str, text: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection on which a call was sent."""
        params: dict[str, Any] = {"name": name, "arguments": {"text": text}, "_meta": self._meta}
        call = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}
        return await self.sent(call, {"Mcp-Method": "tools/call", "Mcp-Name": name})

    async def sent(
        self, message: dict[str, Any], headers: dict[str, str]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(self._place.hostname, self._place.port)
        body = json.dumps(message).encode()
        given = {**self._headers, **headers, "Content-Length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        writer.write(f"POST {self._place.path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        await writer.drain()
        return reader, writer


Leave: TypeAlias = "Callable[[str, str, Waiting], Awaitable[None]]"
"""Has the tool `held` called at an address, in a mode, and wants no answer once it has begun."""


async def _cancels(url: str, mode: str, begun: Waiting) -> None:
    async with client_of(url, mode) as client:
        call = asyncio.create_task(client.call_tool("held", {"text": "x"}))
        await begun.has_begun.wait()
        call.cancel()
        await begun.is_given_up.wait()


async def _leaves(url: str, mode: str, begun: Waiting) -> None:
    async def ask() -> None:
        async with client_of(url, mode) as client:
            await client.call_tool("held", {"text": "x"})

    asking = asyncio.create_task(ask())
    await begun.has_begun.wait()
    asking.cancel()
    await asyncio.wait([asking])


async def _vanishes(url: str, mode: str, begun: Waiting) -> None:
    client = Raw(url, "2025-11-25" if mode == "legacy" else "2026-07-28")
    if mode == "legacy":
        await client.greet()
    _, writer = await client.called("held", "x")
    await begun.has_begun.wait()
    writer.transport.abort()


async def _says_so(url: str, mode: str, begun: Waiting) -> None:
    client = Raw(url, "2025-11-25")
    await client.greet()
    reader, writer = await client.called("held", "x")
    await begun.has_begun.wait()
    said = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}
    assert b" 202 " in await client.posted(said)
    assert b"Request cancelled" in await reader.readuntil(b"}}")
    writer.close()


@pytest.mark.parametrize(
    ("leave", "mode"),
    [
        (_cancels, "legacy"),
        (_cancels, "auto"),
        (_leaves, "legacy"),
        (_leaves, "auto"),
        (_vanishes, "legacy"),
        (_vanishes, "auto"),
        (_says_so, "legacy"),
    ],
)
def test_a_call_that_its_client_does_not_want_any_more_is_given_up(
    functions: Sequence[Served], leave: Leave, mode: str
) -> None:
    own = [*functions, Served(module="own", function=held)]

    async def main() -> Any:
        begun = Waiting()
        waiting.append(begun)
        async with at(serving(own)) as url, asyncio.timeout(60):
            await leave(url, mode, begun)
            await begun.is_given_up.wait()
            async with client_of(url, mode) as client:  # it goes on to answer others
                return (await client.call_tool("classify", {"text": "Who?"})).structured_content

    try:
        assert asyncio.run(main())["value"] == "question"
    finally:
        waiting.clear()


class HeldBackend(ByteBackend):
    """Does not end its first batch until it is let go on."""

    def __init__(self) -> None:
        super().__init__(lambda _: np.zeros(VOCABULARY, dtype=np.float32))
        self.go = threading.Event()
        self.batches = 0

    def decode(self, step: Step, threads: int) -> Rows:
        self.batches += 1
        assert self.go.wait(60)
        return super().decode(step, threads)


class WatchedEngine(Engine):
    """Remembers its jobs."""

    def __init__(self, backend: ByteBackend) -> None:
        super().__init__(backend)
        self.jobs: list[Job[Answer[object]]] = []

    def job(self, call: Call, **options: Any) -> Job[Answer[object]]:
        made = super().job(call, **options)
        self.jobs.append(made)
        return made


@pytest.mark.parametrize("version", ["2025-11-25", "2026-07-28"])
def test_the_engine_does_not_go_on_for_clients_that_vanish(functions: Sequence[Served], version: str) -> None:
    async def called(url: str, number: int) -> asyncio.StreamWriter:
        client = Raw(url, version)
        if version == "2025-11-25":
            await client.greet()
        _, writer = await client.called("reply", f"Who is {number}?")
        return writer

    async def main(backend: HeldBackend, engine: WatchedEngine) -> None:
        async with at(serving(own)) as url, asyncio.timeout(60):
            writers = await asyncio.gather(*(called(url, number) for number in range(30)))
            while len(engine.jobs) < 30 or not backend.batches:
                await asyncio.sleep(0.01)
            for writer in writers:
                writer.transport.abort()
            while not all(job.future.cancelled() for job in engine.jobs):
                await asyncio.sleep(0.01)
            backend.go.set()
            await asyncio.to_thread(wait_until_idle, engine)

    own = [served for served in functions if served.function.program.name == "reply"]
    backend = HeldBackend()
    with closing(WatchedEngine(backend)) as engine, override(engine):
        try:
            asyncio.run(main(backend, engine))
        finally:
            backend.go.set()
    assert backend.batches == 1
