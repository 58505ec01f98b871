"""Models, loaded and warmed when the service starts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from ..engines.steps import StepwiseEngine
from ..errors import EngineError, MicropromptError, ModelError, ServerError
from ..function import PromptFunction
from ..observed import unrecorded
from .served import Served


class Readiness:
    """Whether all models are loaded and warm. `failure` is why they never will be, if they won't, and
    `settled` is set once either is known."""

    def __init__(self, functions: Sequence[Served], *, beside: Callable[[], None] = lambda: None) -> None:
        """`beside` loads what is needed beside them."""
        self.is_ready = False
        self.failure: Exception | None = None
        self.settled = asyncio.Event()
        self._functions = functions
        self._beside = beside

    @asynccontextmanager
    async def prepared(self) -> AsyncIterator[None]:
        """Prepare the models while the block runs."""
        preparing = asyncio.create_task(asyncio.to_thread(self._prepare))
        preparing.add_done_callback(lambda _: self.settled.set())
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
            self._beside()
        except Exception as error:
            self.failure = error
        else:
            self.is_ready = True


def _warm(served: Served) -> None:
    """Load a prompt's model, and have the prefix evaluated, by an example that is thrown away.

    A flow is not called for nothing: what it calls in its turn may do something. Raises `ModelError`,
    `EngineError` and `TuningError`; a server that does not answer now may do so when it is asked.
    """
    function = served.function
    if not isinstance(function, PromptFunction):
        return
    with suppress(ServerError):
        engine = function.engine()
        if isinstance(engine, StepwiseEngine):
            engine.warm_up()
        program = function.program
        example = next(iter((*program.examples, *program.tests)), None)
        if example is not None:
            _ask(function, example.arguments)


def _ask(function: PromptFunction[..., object], arguments: Sequence[object]) -> None:
    try:
        with unrecorded():
            function.detail(*arguments)
    except (ModelError, EngineError):
        raise
    except MicropromptError:
        pass  # that the example has no answer is for `mpc test` to say
