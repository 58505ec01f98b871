"""`mpc mcp` on the default model, as a client starts it: a process that is talked to over its pipes."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from .test_cli import PROGRAM

pytestmark = pytest.mark.model

PRINTING = '''\
print("this is not the protocol")

def shout(text: str) -> str:
    print("neither is this")
    return text.upper()
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
