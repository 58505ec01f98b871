"""The server: which tools there are, and calls of them."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, Final

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CONNECTION_CLOSED,
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
)
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from ..serving.calls import Calls, wanted
from ..serving.limits import ServingLimits
from ..serving.problems import Problem, Refused
from ..serving.readiness import Readiness
from ..serving.served import Served
from .tools import function_tools, refused, told

_INSTRUCTIONS: Final = (
    "Each tool puts one narrow question to a small local model, or runs a flow of such questions. It answers "
    "with a typed value, and how sure the model was of it."
)

OVER: Final = "microprompt.over"
"""Where the scope of an HTTP request has the event that it is over."""


def create_server(
    functions: Sequence[Served], readiness: Readiness, *, name: str = "microprompt"
) -> Server[Any]:
    """A server whose tools are these functions. Their models are loaded when it starts, which is the
    `readiness` of the same functions.

    Raises `ArgumentError` if two functions would be tools of the same name.
    """
    tools = {tool.name: tool for tool in function_tools(functions)}
    calls = Calls(functions, ServingLimits())

    @asynccontextmanager
    async def lifespan(_: Server[Any]) -> AsyncIterator[None]:
        async with readiness.prepared():
            yield

    async def list_tools(_: object, __: object) -> ListToolsResult:
        return ListToolsResult(tools=[tool.declaration() for tool in tools.values()])

    async def call_tool(
        context: ServerRequestContext[Any, Any], params: CallToolRequestParams
    ) -> CallToolResult:
        tool = tools.get(params.name)
        if tool is None:
            raise MCPError(INVALID_PARAMS, _unknown(params.name, tools))
        try:
            arguments = calls.arguments(tool.served, params.arguments or {})
            async with wanted(_until_over(context), None):
                outcome = await calls.one(tool.served, arguments)
        except ClientDisconnect:
            raise MCPError(CONNECTION_CLOSED, "the client has gone away") from None
        except Refused as error:
            outcome = error.problem
        if isinstance(outcome, Problem):
            return refused(outcome.detail, outcome.help)
        return told(outcome)

    return Server(
        name,
        version=version("microprompt"),
        instructions=_INSTRUCTIONS,
        lifespan=lifespan,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _until_over(context: ServerRequestContext[Any, Any]) -> Receive:
    """What tells that the HTTP request is over which a call came with; over standard input and output,
    nothing does."""

    async def receive() -> Message:
        request = context.request
        over = asyncio.Event() if request is None else request.scope[OVER]
        await over.wait()
        return {"type": "http.disconnect"}

    return receive


def _unknown(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    return f"there is no tool {name[:100]!r}; {hint}"
