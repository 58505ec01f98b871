"""llama.cpp as a backend of a whole model: the logits of a context."""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import NDArray

from .context import LlamaCppContext
from .states import StatesBackend
from .weights import Weights


class LlamaCppBackend(LlamaCppContext):
    """A `FullBackend` on llama.cpp. `context` and what is raised are as in `LlamaCppContext`."""

    rows_are = "logits"
    has_outputs = True

    def __init__(self, weights: Weights, *, name: str, context: int | None = None) -> None:
        super().__init__(weights, name=name, context=context)
        self.width = self.n_vocab
        self.n_layers = weights.n_layers()

    def clone(self) -> LlamaCppBackend:
        self._require_open()
        return LlamaCppBackend(self.weights, name=self.name, context=self.n_cells)

    def exit_after(self, layer: int, cells: int) -> StatesBackend:
        self._require_open()
        return StatesBackend(self.weights, layer, name=self.name, context=cells)

    def _read(self, index: int, row: NDArray[np.float32]) -> None:
        pointer = self._lib.llama_get_logits_ith(self._context, index)
        ctypes.memmove(row.ctypes.data, pointer, row.nbytes)
