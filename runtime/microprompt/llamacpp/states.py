"""Early exit: a llama.cpp context that ends after some of the layers, and gives their hidden states.

What a text *is* (a question, a complaint, a change of subject) stands more plainly in a model's middle layers
than in its last ones, which are busy with the next word. A readout takes it from there, so the layers above
and the vocabulary need not be computed at all: with 18 of SmolLM2's 30 layers a call costs less than half.

llama.cpp has no function for that, but its public `cb_eval` is enough. Before it computes a graph it asks a
callback of every node, in order, whether somebody wants to see its value; it computes up to the first node
that somebody wants, and shows it. If the callback then returns false, the rest of the graph is skipped:

    ask embd? no   ask norm-0? no   ...   ask l_out-17? yes   [computes so far]   show l_out-17: thanks, stop

So the weights are loaded once and shared; the context has a KV cache of its own. In that cache no cell has
anything in the layers above, so nothing of it is of any use to a context that goes on to the end, and the
prefixes in it are its own.

The callback is Python, and needs the interpreter's lock each time: 559 times a batch for 18 layers. That
sounds as if it had to wait for other busy threads as often. It waits once: the questions follow one another
within a fraction of a microsecond, and whoever else wants the lock is still waking up when it is taken
again. Measured beside none to two threads of pure Python, all questions together take 0.14 ms, and 0.3 ms
beside three. (Calling `llama_decode` with the lock held makes that 0.11 to 0.2 ms, and stops all other
threads for as long as the batch takes, also the one that would interrupt it.) What costs is looking at
names; so the place of the wanted node is noted in the first graph, and in later ones only the name at this
place is looked at.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..errors import EngineError
from ..scheduling.backend import LONG_BATCH_TOKENS, Step
from . import library as llama
from .context import LlamaCppContext
from .weights import Weights

_SEQUENCES: Final = 64
"""A readout takes one, and so does each prefix. Room for 256 rows of logits, which nobody reads here, would
take more memory than 1,024 cells: 36 MB more for SmolLM2, 200 MB for Gemma."""


class StatesBackend(LlamaCppContext):
    """A `Backend` whose rows are the hidden states behind the first `layer` layers, `width` numbers each, as
    they go into the next layer: not normalised. `context` is as in `LlamaCppContext`.

    Raises, beside what that raises, `EngineError` if the model does not have more layers than these. The
    states behind the last one would be no exit, and llama.cpp computes them only for tokens with outputs.
    """

    rows_are = "hidden states"
    has_outputs = False

    def __init__(self, weights: Weights, layer: int, *, name: str, context: int | None = None) -> None:
        if not 1 <= layer < weights.n_layers():
            raise EngineError(
                f"{name} has {weights.n_layers()} layers; there is no early exit behind layer {layer}",
                help="a readout that was fitted for another model does not fit this one",
            )
        self.layer = layer
        self.width = weights.n_embd()
        self._node = f"l_out-{layer - 1}".encode()
        self._place = 0  # of the node among those that are asked for; 0 until a graph has been searched
        self._asked = 0
        self._is_found = False
        self._count = 0
        self._states = np.empty((LONG_BATCH_TOKENS, self.width), dtype=np.float32)
        self._tensors = llama.tensors()
        # The C side holds only a pointer, so this has to live as long as the context.
        self._watch = llama.load().ggml_backend_sched_eval_callback(self._on_node)
        super().__init__(weights, name=name, context=context, sequences=_SEQUENCES, watch=self._watch)

    def clone(self) -> StatesBackend:
        self._require_open()
        return StatesBackend(self.weights, self.layer, name=self.name, context=self.n_cells)

    def close(self) -> None:
        super().close()
        self._watch = None  # it refers to this object, which would stay alive

    def _on_node(self, tensor: int, is_asked: bool, _: object) -> bool:
        """Answer llama.cpp's question whether a node is wanted; then take what was wanted, and stop.

        What is raised in here is lost on the way through C, so nothing may be raised.
        """
        if is_asked:
            self._asked += 1
            # A graph that is computed on several devices is cut into parts, and goes on behind an exit.
            if self._asked < self._place or self._is_found:
                return False
            if self._tensors.ggml_get_name(tensor) != self._node:
                return False
            self._place = self._asked
            return True
        size = self._count * self.width * self._states.itemsize
        if self._tensors.ggml_nbytes(tensor) == size:
            self._tensors.ggml_backend_tensor_get(tensor, self._states.ctypes.data, 0, size)
            self._is_found = True
        return False

    def _evaluate(self, step: Step, start: int, end: int, wanted: Container[int]) -> None:
        self._asked, self._is_found, self._count = 0, False, end - start
        super()._evaluate(step, start, end, wanted)
        if not self._is_found:
            self._place = 0
            raise EngineError(
                f"llama.cpp gives no hidden states of {self.name}: its graph has no {self._node.decode()}",
                help="decide on the labels, or use another model",
            )

    def _read(self, index: int, row: NDArray[np.float32]) -> None:
        row[:] = self._states[index]
