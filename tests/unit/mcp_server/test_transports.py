"""Tools over HTTP, on a server of this process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
import uvicorn
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.lowlevel import Server

from microprompt.mcp_server.transports import PATH, create_http_app

pytestmark = pytest.mark.usefixtures("engine")

CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


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


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize("key", [None, "a-key"])
def test_tools_are_called_over_http(server: Server[Any], mode: str, key: str | None) -> None:
    async def main() -> Any:
        async with at(server, () if key is None else (key,)) as url:
            headers = {} if key is None else {"Authorization": f"Bearer {key}"}
            async with (
                httpx2.AsyncClient(headers=headers) as http,
                Client(streamable_http_client(url, http_client=http), mode=mode) as client,
            ):
                assert len((await client.list_tools()).tools) == 4
                return (await client.call_tool("classify", {"text": "Who?"})).structured_content

    assert asyncio.run(main())["value"] == "question"


@pytest.mark.parametrize(
    ("headers", "keys", "status"),
    [
        ({"Host": "example.org"}, (), 421),
        ({"Origin": "https://example.org"}, (), 403),
        ({}, ("a-key",), 401),
        ({"Authorization": "Bearer another"}, ("a-key",), 401),
        ({"Content-Type": "text/plain"}, (), 415),
    ],
)
def test_who_may_not_ask_is_refused(
    server: Server[Any], headers: dict[str, str], keys: Sequence[str], status: int
) -> None:
    async def main() -> int:
        async with at(server, keys) as url, httpx2.AsyncClient() as http:
            usual = {"Accept": "application/json, text/event-stream"}
            return (await http.post(url, json=CALL, headers={**usual, **headers})).status_code

    assert asyncio.run(main()) == status
