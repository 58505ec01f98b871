"""A llama.cpp context that gives each text one vector."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..errors import EngineError, ModelError
from ..scheduling.embedding import Vectors
from . import library as llama
from .gguf_file import read_tensor
from .native import MAX_THREADS, NativeContext
from .weights import Weights

WINDOW: Final = 256
"""Tokens of a text that are embedded at once, those that enclose it included, if the model was trained on so
many. MiniLM's own library cuts texts there; and for each token of a batch llama.cpp keeps room for logits
that nobody reads, 122 kB with MiniLM's vocabulary."""

_SEQUENCES: Final = 64

_WORDS: Final = "token_embd.weight"
"""GGUF's name of the vectors of a vocabulary's tokens."""


class LlamaCppEncoder(NativeContext):
    """An `Encoder` on llama.cpp. A text is pooled as the model's file says, or, if that says nothing, by the
    mean over its tokens.

    Encoders see a text from all sides at once and have no KV cache. Language models that were trained to
    embed read from left to right, and have one, which is emptied after each batch.

    Raises `ModelError` if there is no memory for it.
    """

    def __init__(self, weights: Weights, *, name: str) -> None:
        lib = llama.load()
        self.dimension = weights.n_embd()
        self.n_tokens = min(WINDOW, weights.n_context_trained())
        # Each text has a token at least, and llama.cpp has room for as many outputs as a batch has tokens.
        self.n_sequences = min(_SEQUENCES, self.n_tokens)
        self.before, self.after = tuple(weights.start_tokens()), tuple(weights.end_tokens())
        params = lib.llama_context_default_params()
        # A text has to be whole in one batch, and a batch in one go.
        params.n_ctx = params.n_batch = params.n_ubatch = self.n_tokens
        params.n_seq_max = self.n_sequences
        params.kv_unified = True
        params.embeddings = True
        if not weights.pools():
            params.pooling_type = lib.LLAMA_POOLING_TYPE_MEAN
        size = self.n_tokens
        super().__init__(weights, params, name=name, size=size, batch=(size, 1), help="free some memory")

    def word_vectors(self) -> NDArray[np.float32]:
        try:
            return read_tensor(self.weights.path, _WORDS)  # llama.cpp does not give its weights out
        except (OSError, ValueError) as error:
            raise ModelError(f"the vectors of words can't be read from {self.name}: {error}") from error

    def encode(self, texts: Sequence[Sequence[int]], threads: int) -> Vectors:
        if not self._context:
            raise EngineError(f"the embedder {self.name} was closed")
        self._check(texts, threads)
        self._fill(texts)
        self._go_on()
        self._lib.llama_set_n_threads(self._context, threads, threads)
        evaluate = self._lib.llama_decode if self._memory else self._lib.llama_encode
        status = evaluate(self._context, self._batch)
        if self._memory:
            self._lib.llama_memory_clear(self._memory, False)
        self._require_done(status, f"embed {len(texts)} texts")
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for sequence, row in enumerate(vectors):
            pointer = self._lib.llama_get_embeddings_seq(self._context, sequence)
            if not pointer:
                raise EngineError(f"{self.name} gives no embeddings of texts")
            ctypes.memmove(row.ctypes.data, pointer, row.nbytes)
        if not np.isfinite(vectors).all():
            raise EngineError(
                f"the embeddings of {self.name} are not finite",
                help="its file may be damaged: `mpc doctor` reads it again",
            )
        return vectors

    def clone(self) -> LlamaCppEncoder:
        return LlamaCppEncoder(self.weights, name=self.name)

    def _check(self, texts: Sequence[Sequence[int]], threads: int) -> None:
        """Refuse what would be written past the end of an array of llama.cpp's."""
        tokens = [token for text in texts for token in text]
        if not (0 < len(tokens) <= self.n_tokens and len(texts) <= self.n_sequences and all(texts)):
            raise EngineError(f"{len(texts)} texts of {len(tokens)} tokens are no batch for {self.name}")
        if min(tokens) < 0 or max(tokens) >= self.weights.n_vocab() or not 1 <= threads <= MAX_THREADS:
            raise EngineError(f"a batch for {self.name} has tokens or threads that it does not have")

    def _fill(self, texts: Sequence[Sequence[int]]) -> None:
        batch = self._batch
        place = 0
        for sequence, text in enumerate(texts):
            for position, token in enumerate(text):
                batch.token[place] = token
                batch.pos[place] = position
                batch.n_seq_id[place] = 1
                batch.seq_id[place][0] = sequence
                batch.logits[place] = True  # each has a part in what is pooled
                place += 1
        batch.n_tokens = place
