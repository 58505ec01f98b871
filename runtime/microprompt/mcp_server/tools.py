"""A function as a tool: what a client is told of it, and what it is told of an answer."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from mcp_types import CallToolResult, TextContent, Tool, ToolAnnotations

from .. import interface
from ..answer import Answer
from ..errors import ArgumentError
from ..serving.served import Served
from ..types.base import Schema
from ..types.schemas import closed_object

DETAIL: Final = "microprompt/detail"
"""Where the metadata of a result has all that is known of the answer, as `mpc run --json` prints it."""

_LONGEST_NAME: Final = 128
"""The most characters that a client has to take in a tool's name (SEP-986)."""

_CONFIDENCE: Final[Schema] = {
    "type": "number",
    "description": "How sure the model was, from 0 to 1. How often such an answer is right, if `calibrated`.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionTool:
    """A served function under its name as a tool."""

    name: str
    served: Served

    def declaration(self) -> Tool:
        """What a client is told of the tool.

        Prompts only read; so do flows, unless they call functions of Python, of which nobody knows what they
        do.
        """
        function = self.served.function
        annotations = (
            ToolAnnotations(read_only_hint=False)
            if interface.has_effects(function)
            else ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
        )
        value = interface.output_schema(function)
        answer: dict[str, Schema] = {
            "value": value,
            "confidence": _CONFIDENCE,
            "calibrated": {"type": "boolean"},
        }
        return Tool(
            name=self.name,
            title=interface.title(function),
            description=interface.description(function),
            input_schema=interface.input_schema(function),
            output_schema=closed_object(answer, answer),
            annotations=annotations,
        )


def function_tools(functions: Sequence[Served]) -> list[FunctionTool]:
    """The functions as tools. A name that several functions have follows the name of its module.

    Models are told the names of tools in letters, digits and `_`; what else is in a name is `_` there. Raises
    `ArgumentError` where two would have the same name.
    """
    own = Counter(served.function.program.name for served in functions)
    found: dict[str, FunctionTool] = {}
    for served in functions:
        name = served.function.program.name
        known = re.sub(r"[^A-Za-z0-9_]", "_", name if own[name] == 1 else served.name)[-_LONGEST_NAME:]
        if known in found:
            raise ArgumentError(
                f"{found[known].served.name} and {served.name} would both be the tool {known}",
                help="serve one of them alone",
            )
        found[known] = FunctionTool(name=known, served=served)
    return list(found.values())


def told(answer: Answer[Any]) -> CallToolResult:
    """The result that an answer is; the data that is `structured` is its text too, for models that only
    read that."""
    detail = answer.to_json()
    structured = {name: detail[name] for name in ("value", "confidence", "calibrated")}
    return CallToolResult(
        content=[TextContent(text=json.dumps(structured, ensure_ascii=False))],
        structured_content=structured,
        _meta={DETAIL: detail},
    )


def refused(message: str, help: str | None) -> CallToolResult:
    """The result of a call that has no answer, so that a model can see why and try otherwise."""
    said = message if help is None else f"{message}\nhelp: {help}"
    return CallToolResult(content=[TextContent(text=said)], is_error=True)
