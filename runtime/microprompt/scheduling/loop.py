"""An event loop on a thread of its own, for what other threads wait for."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future

from ..errors import EngineError


class LoopThread:
    """A loop that runs on a thread until it is stopped; tasks that are left then are cancelled.

    Raises `EngineError` where no thread can be started.
    """

    def __init__(self, name: str) -> None:
        """`name` is the thread's."""
        ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self.thread = threading.Thread(target=lambda: asyncio.run(_serve(ready)), name=name, daemon=True)
        try:
            self.thread.start()
        except RuntimeError as error:  # too many threads, or the process ends
            raise EngineError(f"no thread for {name}: {error}") from error
        self.loop, self._stopped = ready.result()

    def stop(self) -> None:
        """End the loop. Waits for what is cancelled, but not long."""
        self.loop.call_soon_threadsafe(self._stopped.set)
        self.thread.join(1.0)  # no longer for a coroutine that does not let itself be cancelled


async def _serve(ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    stopped = asyncio.Event()
    ready.set_result((asyncio.get_running_loop(), stopped))
    await stopped.wait()
