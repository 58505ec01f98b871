"""What a program's module holds: prompts and flows."""

from __future__ import annotations

from types import ModuleType
from typing import Any, TypeAlias

from microprompt.declared import DeclaredFunction

AnyFunction: TypeAlias = DeclaredFunction[..., Any]


def own(module: ModuleType) -> tuple[AnyFunction, ...]:
    """The prompts and flows that a module itself declares, in the order of its text."""
    return tuple(
        value
        for value in vars(module).values()
        if isinstance(value, DeclaredFunction) and value.__module__ == module.__name__
    )
