"""What all llama.cpp contexts have, whatever they compute: a batch, a way to stop, and an end."""

from __future__ import annotations

import ctypes
from typing import Any, Final

from ..errors import EngineError, ModelError
from ..scheduling.backend import Interrupted
from . import library as llama
from .weights import Weights

MAX_THREADS: Final = 512
"""llama.cpp's own limit."""

_ABORTED: Final = 2
"""What llama.cpp gives for a batch that was to stop."""


class NativeContext:
    """A llama.cpp context with these parameters, for `size` tokens, and a batch with room for so many tokens,
    each in so many sequences.

    Raises `ModelError`, with `help`, if there is no memory for it.
    """

    def __init__(
        self, weights: Weights, params: Any, *, name: str, size: int, batch: tuple[int, int], help: str
    ) -> None:
        lib = self._lib = llama.load()
        self.name = name
        self.weights = weights
        self._context: Any = lib.llama_init_from_model(weights.model, params)
        if not self._context:
            raise ModelError(
                f"no context of {size} tokens for {name}: {llama.last_error() or 'out of memory'}", help=help
            )
        weights.hold()
        tokens, sequences = batch
        self._memory: Any = lib.llama_get_memory(self._context)
        self._batch: Any = lib.llama_batch_init(tokens, 0, sequences)
        self._stop = ctypes.create_string_buffer(2)
        lib.llama_set_abort_callback(self._context, llama.stop_asked(), self._stop)

    def tokenize(self, text: str, *, control: bool) -> list[int]:
        return self.weights.encode(text, control=control)

    def interrupt(self) -> None:
        self._stop[0] = b"x"

    def close(self) -> None:
        if self._context:
            self._lib.llama_batch_free(self._batch)
            self._lib.llama_free(self._context)
            self._context = self._memory = self._batch = None
            self.weights.release()

    def _go_on(self) -> None:
        """Forget that something was to stop."""
        self._stop[0] = b"\0"

    def _require_done(self, status: int, task: str) -> None:
        """Raise `Interrupted` or `EngineError` for the status of a batch that was not evaluated."""
        if status == _ABORTED:
            raise Interrupted
        if status != 0:
            reason = llama.last_error() or "no reason given"
            raise EngineError(f"llama.cpp failed to {task} ({status}): {reason}")
