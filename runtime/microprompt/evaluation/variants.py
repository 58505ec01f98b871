"""Functions to evaluate: prompts that differ from another in a part of their program, as in the model or the
examples; and flows."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from .. import abi, settings
from ..declared import DeclaredFunction
from ..errors import ArgumentError
from ..function import PromptFunction
from ..program import Program


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A function to evaluate beside others, under a name that tells it from them."""

    name: str
    function: DeclaredFunction[..., Any]


def on_models(function: DeclaredFunction[..., Any], models: Sequence[str]) -> tuple[Variant, ...]:
    """The function on each of the models, by their names or absolute paths; without any, on its own.

    Raises `ArgumentError` for a flow on a model, for it has none itself.
    """
    if not isinstance(function, PromptFunction):
        if models:
            raise ArgumentError(
                f"the flow {function.program.name} asks the models of its prompts",
                help="for prompts that name none, set MICROPROMPT_MODEL",
            )
        return (Variant(name=function.program.name, function=function),)
    using = function.program.using
    if not models:
        own = using.model.name if using.model else settings.current().model
        return (Variant(name=own, function=function),)
    return tuple(
        Variant(
            name=model,
            function=with_program(
                function,
                replace(function.program, using=replace(using, model=abi.Model(name=model))),
            ),
        )
        for model in dict.fromkeys(models)
    )


def with_program(function: PromptFunction[..., Any], program: Program) -> PromptFunction[..., Any]:
    """The same signature with another program."""
    return PromptFunction(inspect.unwrap(function), program=program)
