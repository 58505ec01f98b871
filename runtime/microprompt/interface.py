"""What a function of the language says of itself to other programs: its English, and JSON Schemas (2020-12)
of its arguments and of its value, as `rows.from_inputs` reads the one and `Answer.to_json` writes the
other."""

from __future__ import annotations

import inspect
from typing import Any, TypeAlias

from .declared import DeclaredFunction
from .flows.function import FlowFunction
from .flows.tool import Tool
from .function import PromptFunction
from .types import kind
from .types.base import Schema, as_words
from .types.schemas import closed_object

AnyFunction: TypeAlias = DeclaredFunction[..., Any]


def title(function: AnyFunction) -> str:
    """The name in words: "Is fresh" of `is_fresh`."""
    words = as_words(function.program.name)
    return words[:1].upper() + words[1:]


def description(function: AnyFunction) -> str | None:
    """What the program says of the function: a prompt's instruction, a flow's text; `None` where there is
    none."""
    if isinstance(function, PromptFunction) and function.program.instruction:
        return function.program.instruction
    return inspect.getdoc(function)


def has_effects(function: AnyFunction) -> bool:
    """Whether a call may do something: whether a function of Python is called on its way."""
    return isinstance(function, FlowFunction) and any(
        isinstance(each, Tool) or has_effects(each) for each in function.calls
    )


def input_schema(function: AnyFunction) -> Schema:
    """The schema of the arguments by name, as an object without others."""
    defaults = function.defaults
    properties, required = {}, []
    for parameter in function.program.parameters:
        declared = kind(parameter.type)
        properties[parameter.name] = declared.schema()
        if parameter.required:
            required.append(parameter.name)
        else:
            properties[parameter.name]["default"] = declared.to_data(defaults[parameter.name])
    return closed_object(properties, required)


def output_schema(function: AnyFunction) -> Schema:
    """The schema of the value."""
    return kind(function.program.returns).schema()
