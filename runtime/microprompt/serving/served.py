"""A function that is served, under a name that callers know it by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from .. import rows
from ..answer import Answer
from ..declared import DeclaredFunction
from ..errors import ArgumentError
from ..function import PromptFunction
from ..types import DeclaredType, kind


@dataclass(frozen=True, kw_only=True)
class Served:
    """A prompt or a flow, and the name of the module that it is served in, such as `intake` or
    `std.request`."""

    module: str
    function: DeclaredFunction[..., Any]

    @cached_property
    def name(self) -> str:
        """The name of its module and its own: `intake.triage`."""
        return f"{self.module}.{self.function.program.name}"

    @property
    def path(self) -> str:
        """Where it is called."""
        return f"/functions/{self.module}/{self.function.program.name}"

    def arguments(self, data: object) -> dict[str, object]:
        """The arguments in a JSON object. Raises `ArgumentError`."""
        if not isinstance(data, dict):
            raise ArgumentError(
                "the arguments are not a JSON object",
                help='give them by name, as in {"text": "..."}, or several such objects in an array',
            )
        return rows.from_inputs(self.function.program, data)

    @cached_property
    def is_streamed(self) -> bool:
        """Whether it answers with a text that can be told as it is written: a prompt that gives one."""
        function = self.function
        return isinstance(function, PromptFunction) and _is_text(function.program.returns)

    async def answer(
        self, arguments: dict[str, object], listener: Callable[[bytes], None] | None = None
    ) -> Answer[Any]:
        """Call it; the `listener` is told a text as `engines.base.Call` says. Raises what a call raises."""
        function = self.function
        if listener is None or not isinstance(function, PromptFunction):
            return await function.adetail(**arguments)
        with function.placed():
            return await function.answered(replace(function.call_with(arguments), listener=listener))


def _is_text(declared: DeclaredType) -> bool:
    found = kind(declared)
    return found.is_free_text() and found.schema().get("type") == "string"
