"""`mpc mcp` as a client starts it: a process that is talked to over its pipes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError

from .test_cli import PROGRAM

PRINTING = '''\
import sys

print("this is not the protocol")

def shout(text: str) -> str:
    print("neither is this")
    return text.upper() + sys.stdin.read()
'''

FLOW = '''
from python printing import shout

flow loud(text: str) -> str:
    """Say what it is, loudly."""
    act = classify(text)
    if act == question:
        return shout("a question")
    return shout("a command")
'''


@pytest.fixture
def server(tmp_path: Path) -> StdioServerParameters:
    (tmp_path / "printing.py").write_text(PRINTING)
    head, _, rest = PROGRAM.partition("enum Act")
    (tmp_path / "intake.mp").write_text(f"{head}enum Act{rest}{FLOW}")
    return StdioServerParameters(
        command=sys.executable,
        args=["-m", "mpc", "mcp", "intake.mp", "std.question"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )


@pytest.mark.model
def test_a_client_starts_it_lists_the_tools_and_calls_them(server: StdioServerParameters) -> None:
    async def main() -> None:
        async with Client(server, read_timeout_seconds=240) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert tools["loud"].description == "Say what it is, loudly."
            assert tools["loud"].annotations is not None
            assert tools["loud"].annotations.read_only_hint is False
            assert len(tools) > 2
            found = await client.call_tool("loud", {"text": "Where is the nearest station?"})
            assert found.structured_content["value"] == "A QUESTION"
            refused = await client.call_tool("classify", {"text": 7})
            assert refused.is_error

    asyncio.run(main())


# ---------------------------------------------------------------------------------- without the model


LACKING = {**os.environ, "MICROPROMPT_MODEL": "/no/such/model.gguf"}


def test_a_client_loses_a_server_whose_model_is_not_to_be_had(
    server: StdioServerParameters, tmp_path: Path
) -> None:
    server.env = LACKING
    log = tmp_path / "log"

    async def main() -> None:
        with log.open("w") as file:
            async with Client(stdio_client(server, errlog=file), read_timeout_seconds=240) as client:
                while True:
                    await client.list_tools()
                    await asyncio.sleep(0.01)

    with pytest.raises((MCPError, BaseExceptionGroup)) as raised:
        asyncio.run(main())
    assert isinstance(_first(raised.value), MCPError)
    assert "error: there is no model file /no/such/model.gguf" in log.read_text()


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


@contextmanager
def started(server: StdioServerParameters, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The server as a process, which is over behind the block."""
    with subprocess.Popen(
        [server.command, *server.args, *options],
        cwd=server.cwd,
        env=server.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("options", [(), ("--http", "--port", "0")])
def test_it_ends_where_the_model_is_not_to_be_had(
    server: StdioServerParameters, options: tuple[str, ...]
) -> None:
    server.env = LACKING
    with started(server, *options) as process:
        assert process.stderr is not None
        assert process.wait(60) == 3  # though nobody has closed its standard input
        said = process.stderr.read()
    assert "error: there is no model file /no/such/model.gguf" in said
    assert "help: " in said
    assert "Traceback" not in said


def test_it_is_stopped_by_ctrl_c(server: StdioServerParameters, tmp_path: Path) -> None:
    (tmp_path / "intake.mp").write_text("flow same(text: str) -> str:\n    return text\n")
    server.args = ["-m", "mpc", "mcp", "intake.mp"]
    with started(server) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write('{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n')
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr.read() == "stopped\n"
