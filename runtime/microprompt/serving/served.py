"""A function that is served, under a name that callers know it by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import rows
from ..declared import DeclaredFunction
from ..errors import ArgumentError


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A prompt or a flow, and the name of the module that it is served in, such as `intake` or
    `std.request`."""

    module: str
    function: DeclaredFunction[..., Any]

    @property
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
