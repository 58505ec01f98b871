"""Functions as tools, seen by the SDK's own client: in memory, on the scripted engine."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from typing import Any, TypeVar

import numpy as np
import pytest
from mcp import Client
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent, Tool
from numpy.typing import NDArray

from microprompt import abi, flow, tool
from microprompt.engines.engine import Engine
from microprompt.engines.loaded import override
from microprompt.engines.scripted import VOCABULARY, ByteBackend
from microprompt.errors import ArgumentError
from microprompt.mcp_server.tools import function_tools
from microprompt.serving.served import Served

from ..runtime.programs import wait_until_idle
from .conftest import serving

pytestmark = pytest.mark.usefixtures("engine")

T = TypeVar("T")

MODES = pytest.mark.parametrize("mode", ["legacy", "auto"])
"""The handshake up to 2025-11-25, and the revision of 2026-07-28."""


def asked(server: Server[Any], ask: Callable[[Client], Awaitable[T]], mode: str = "auto") -> T:
    async def main() -> T:
        async with Client(server, mode=mode) as client:
            return await ask(client)

    return asyncio.run(main())


def called(server: Server[Any], name: str, arguments: dict[str, Any], mode: str = "auto") -> CallToolResult:
    return asked(server, lambda client: client.call_tool(name, arguments), mode)


def listed(server: Server[Any]) -> dict[str, Tool]:
    return {tool.name: tool for tool in asked(server, lambda client: client.list_tools()).tools}


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


# --------------------------------------------------------------------------------------------- what there is


def test_each_function_is_a_tool_with_its_english_and_its_types(server: Server[Any]) -> None:
    found = listed(server)
    assert list(found) == ["classify", "rate", "reply", "answer"]
    rate = found["rate"]
    assert (rate.title, rate.description) == ("Rate", "Rate the ticket.")
    assert rate.input_schema["required"] == ["ticket"]
    assert rate.input_schema["properties"]["ticket"]["properties"]["mood"]["enum"] == ["calm", "angry"]
    assert rate.input_schema["properties"]["note"]["default"] is None
    assert rate.output_schema is not None
    assert rate.output_schema["properties"]["value"] == {"type": "integer", "minimum": 1, "maximum": 5}


def test_what_may_have_effects_is_not_read_only(functions: Sequence[Served]) -> None:
    own = [Served(module="own", function=logged)]
    found = listed(serving([*functions, *own]))
    hints = {name: tool.annotations and tool.annotations.read_only_hint for name, tool in found.items()}
    assert hints == {"classify": True, "rate": True, "reply": True, "answer": True, "logged": False}


def test_functions_of_one_name_have_that_of_their_module_too(functions: Sequence[Served]) -> None:
    (classify, *_) = functions
    other = Served(module="std.request", function=classify.function)
    assert [tool.name for tool in function_tools([classify, other])] == [
        "intake_classify",
        "std_request_classify",
    ]
    with pytest.raises(ArgumentError, match="would both be the tool intake_classify"):
        function_tools([classify, classify])


# --------------------------------------------------------------------------------------------------- calls


@MODES
def test_a_call_gives_the_value_and_how_sure_it_is(server: Server[Any], mode: str) -> None:
    result = called(server, "classify", {"text": "Who is it?"}, mode)
    assert not result.is_error
    assert result.structured_content == {
        "value": "question",
        "confidence": pytest.approx(0.75, abs=0.01),
        "calibrated": False,
    }
    assert json.loads(text_of(result)) == result.structured_content
    assert result.meta is not None
    assert result.meta["microprompt/detail"]["distribution"].keys() == {"question", "command"}


def test_records_and_flows_are_called_by_name(server: Server[Any]) -> None:
    ticket = {"mood": "angry", "urgency": 5}
    rated = called(server, "rate", {"ticket": ticket, "note": None, "tags": ["late"]})
    assert rated.structured_content["value"] == 4
    answered = called(server, "answer", {"text": "Who is it?", "share": 2})
    assert answered.structured_content["value"] == "Yes, it is."


@MODES
@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("classify", {}, "classify needs `text`"),
        ("classify", {"text": 7}, "`text` must be str, not 7"),
        ("classify", {"text": "Who?", "txt": "x"}, "classify has no parameter `txt`"),
        ("rate", {"ticket": {"mood": "glad", "urgency": 1}}, "help: it is one of calm, angry"),
        ("answer", {"text": "Go.", "share": 0}, "division by zero"),
        ("classify", {"text": "\ud800"}, "surrogate"),
    ],
)
def test_a_call_that_has_no_answer_says_why_to_the_model(
    server: Server[Any], mode: str, name: str, arguments: dict[str, Any], said: str
) -> None:
    if "\ud800" in str(arguments) and mode == "legacy":
        pytest.skip("its client can't send it")
    result = called(server, name, arguments, mode)
    assert result.is_error
    assert said in text_of(result)


@MODES
def test_a_tool_that_there_is_not_is_refused_by_the_protocol(server: Server[Any], mode: str) -> None:
    async def ask(client: Client) -> None:
        with pytest.raises(MCPError, match=r"there is no tool 'clasify'; did you mean classify\?"):
            await client.call_tool("clasify", {"text": "x"})

    asked(server, ask, mode)


def test_what_a_function_of_python_raises_is_told_without_its_words(
    functions: Sequence[Served], caplog: pytest.LogCaptureFixture
) -> None:
    result = called(serving([Served(module="own", function=logged)]), "logged", {"text": "secret"})
    assert result.is_error
    assert "secret" not in caplog.text


@MODES
def test_a_cancelled_call_leaves_nothing_behind(functions: Sequence[Served], mode: str) -> None:
    go = threading.Event()

    def voice(_: bytes) -> NDArray[np.float32]:
        assert go.wait(20)
        return np.zeros(VOCABULARY, dtype=np.float32)

    async def ask(client: Client, engine: Engine) -> None:
        task = asyncio.create_task(client.call_tool("reply", {"text": "Who?"}))
        while engine.scheduler.is_idle():
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go.set()
        await asyncio.to_thread(wait_until_idle, engine)

    with closing(Engine(ByteBackend(voice))) as engine, override(engine):
        # No prompts with examples: these are asked when the server starts.
        own = [served for served in functions if served.function.program.name == "reply"]
        asked(serving(own), lambda client: ask(client, engine), mode)


def _log(text: str) -> str:
    raise ValueError(text)


log = tool(_log)


@flow
def logged(text: str) -> str:
    return log(text)


@logged.in_tasks
async def _logged(text: str) -> str:
    return await log.acall(text)


logged.body = abi.Flow(source="own.mp", line=1)
