"""Models, loaded and warmed when the service starts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from ..errors import MicropromptError
from ..function import PromptFunction
from ..observed import unrecorded
from .served import Served


class Readiness:
    """Whether all models are loaded and warm. `failure` is why they never will be, if they won't."""

    def __init__(self, functions: Sequence[Served]) -> None:
        self.is_ready = False
        self.failure: Exception | None = None
        self._functions = functions

    @asynccontextmanager
    async def prepared(self) -> AsyncIterator[None]:
        """Prepare the models while the block runs."""
        preparing = asyncio.create_task(asyncio.to_thread(self._prepare))
        try:
            yield
        finally:
            preparing.cancel()
            with suppress(asyncio.CancelledError):
                await preparing

    def _prepare(self) -> None:
        try:
            for served in self._functions:
                _warm(served)
        except Exception as error:
            self.failure = error
        else:
            self.is_ready = True


def _warm(served: Served) -> None:
    """Load a prompt's model, and have the prefix evaluated, by an example that is thrown away.

    A flow is not called for nothing: what it calls in its turn may do something.
    """
    function = served.function
    if not isinstance(function, PromptFunction):
        return
    function.engine()
    program = function.program
    example = next(iter((*program.examples, *program.tests)), None)
    if example is not None:
        # That the example has no answer is for `mpc test` to say.
        with unrecorded(), suppress(MicropromptError):
            function.detail(*example.arguments)
