"""What the page has to know of a function to show it, to ask for its arguments, and to name its labels."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Final

from microprompt import FlowFunction, PromptFunction, abi, interface
from microprompt.program import Parameter
from microprompt.types import AnyKind, kind
from microprompt.types.leaves import leaves

from ..functions import AnyFunction, arguments_of

_MOST_LABELS: Final = 256


def brief(called: AnyFunction) -> dict[str, object]:
    """A function in a list of them."""
    return {
        "name": called.program.name,
        "kind": "flow" if isinstance(called, FlowFunction) else "prompt",
        "line": called.program.line,
    }


def described(called: AnyFunction) -> dict[str, object]:
    """A function with its types as JSON Schemas, its labels by the field that has them, and the rows that its
    source has: examples and tests."""
    program = called.program
    returns = kind(program.returns)
    defaults = called.defaults
    examples = called.program.examples if isinstance(called, PromptFunction) else ()
    cases = [
        *(_case("test", called, test) for test in program.tests),
        *(_case("example", called, example) for example in examples),
    ]
    return {
        **brief(called),
        "source": program.source,
        "text": inspect.cleandoc(called.__doc__ or ""),
        "parameters": [_parameter(each, defaults) for each in program.parameters],
        "returns": {"type": returns.describe(), "schema": returns.schema()},
        "labels": {name: found for name, leaf in leaves(returns) if (found := list(_labels(leaf)))},
        "cases": cases,
        "tests": len(program.tests) + len(program.tests_from),
        "has_effects": interface.has_effects(called),
    }


def _parameter(parameter: Parameter, defaults: Mapping[str, object]) -> dict[str, object]:
    declared = kind(parameter.type)
    default = {} if parameter.required else {"default": declared.to_data(defaults[parameter.name])}
    return {
        "name": parameter.name,
        "type": declared.describe(),
        "schema": declared.schema(),
        "required": parameter.required,
        **default,
    }


def _labels(declared: AnyKind) -> Iterator[dict[str, object]]:
    """The labels of a choice, with the word that the model sees and what that means."""
    for option in (declared.options() or ())[:_MOST_LABELS]:
        words = declared.words(option)
        yield {
            "key": declared.key(option),
            "word": words[0] if words else None,
            "meaning": words[1] if len(words) > 1 else None,
        }


def _case(origin: str, called: AnyFunction, case: abi.Example) -> dict[str, object]:
    return {
        "origin": origin,
        "line": case.line,
        "arguments": arguments_of(called, case),
        "answer": kind(called.program.returns).to_data(case.answer),
    }
