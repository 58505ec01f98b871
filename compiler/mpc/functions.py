"""What a program's module holds: prompts and flows, and what their examples and tests give them."""

from __future__ import annotations

from types import ModuleType
from typing import Any, TypeAlias

from microprompt import abi
from microprompt.declared import DeclaredFunction
from microprompt.types import kind

AnyFunction: TypeAlias = DeclaredFunction[..., Any]


def own(module: ModuleType) -> tuple[AnyFunction, ...]:
    """The prompts and flows that a module itself declares, in the order of its text."""
    return tuple(
        value
        for value in vars(module).values()
        if isinstance(value, DeclaredFunction) and value.__module__ == module.__name__
    )


def arguments_of(called: AnyFunction, case: abi.Example) -> dict[str, object]:
    """The arguments of an example or a test of a function by name, as JSON data."""
    return {
        parameter.name: kind(parameter.type).to_data(value)
        for parameter, value in zip(called.program.parameters, case.arguments, strict=True)
    }
