"""A llama.cpp context of many sequences over one unified KV cache."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..errors import EngineError, ModelError
from ..scheduling.backend import LONG_BATCH_TOKENS, Interrupted, Rows, Step
from . import library as llama
from .weights import Weights

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLTokenizer

SEQUENCES: Final = 256
"""llama.cpp's own limit; a batch has to be as long."""

DEFAULT_CELLS: Final = 4096
MAX_IDS: Final = 66
"""Sequences that one token of a batch may belong to: a call's own and those of a trie's paths."""

_ABORTED = 2


class LlamaCppBackend:
    """A `Backend` on llama.cpp. `context` is the cache's size in tokens, at most what the model was trained
    on. Raises `ModelError` if there is no memory for it, or if the model's memory is of a kind that can't be
    forked (recurrent and hybrid models)."""

    def __init__(self, weights: Weights, *, name: str, context: int | None = None) -> None:
        lib = self._lib = llama.load()
        self.name = name
        self.weights = weights
        self.n_vocab = weights.n_vocab()
        if lib.llama_model_is_recurrent(weights.model) or lib.llama_model_is_hybrid(weights.model):
            raise ModelError(
                f"{name} is a recurrent model: its state can't be shared between prompts token by token",
                help="use a model with attention in every layer",
            )
        trained = int(lib.llama_model_n_ctx_train(weights.model))
        if context is not None and context > trained:
            raise ModelError(
                f"{name} was trained on contexts of {trained} tokens; context = {context} is more",
                help=f"use context = {trained} or less",
            )
        self.n_cells = self.n_context = context or min(DEFAULT_CELLS, trained)
        self.n_sequences = SEQUENCES
        self.max_sequences_per_token = MAX_IDS
        self.template = weights.template
        params = lib.llama_context_default_params()
        params.n_ctx = self.n_cells
        params.n_batch = params.n_seq_max = SEQUENCES
        params.n_ubatch = LONG_BATCH_TOKENS
        # One pool of cells for all sequences, so that they can share what they have in common.
        params.kv_unified = True
        # A sliding window would forget what later calls fork.
        params.swa_full = True
        # It skips the cells of other sequences, where plain attention computes them and masks the result.
        params.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_ENABLED
        self._context: Any = lib.llama_init_from_model(weights.model, params)
        if not self._context:
            raise ModelError(
                f"no context of {self.n_cells} tokens for {name}: {llama.last_error() or 'out of memory'}",
                help="free some memory, or set a smaller context",
            )
        self._memory: Any = lib.llama_get_memory(self._context)
        self._batch: Any = lib.llama_batch_init(SEQUENCES, 0, MAX_IDS)
        self._threads = 0
        # llama.cpp asks between operations whether to stop. `strlen` of this flag answers without Python.
        self._stop = ctypes.create_string_buffer(2)
        lib.llama_set_abort_callback(self._context, llama.strlen(), self._stop)
        self._tokenizer: LLTokenizer | None = None
        self._original: LlamaCppBackend | None = None

    def tokenize(self, text: str, *, control: bool) -> list[int]:
        return self.weights.encode(text, control=control)

    def start_tokens(self) -> list[int]:
        return self.weights.start_tokens()

    def piece(self, token: int) -> bytes:
        return self.weights.piece(token)

    def is_end(self, token: int) -> bool:
        return self.weights.is_end(token)

    def decode(self, step: Step, threads: int) -> Rows:
        if threads != self._threads:
            self._threads = threads
            self._lib.llama_set_n_threads(self._context, threads, threads)
        self._stop[0] = b"\0"
        rows = np.empty((len(step.rows), self.n_vocab), dtype=np.float32)
        wanted = {place: row for row, place in enumerate(step.rows)}
        for start in range(0, len(step.tokens), SEQUENCES):
            end = min(start + SEQUENCES, len(step.tokens))
            self._decode_part(step, start, end, wanted)
            for place in range(start, end):
                if place in wanted:
                    pointer = self._lib.llama_get_logits_ith(self._context, place - start)
                    ctypes.memmove(rows[wanted[place]].ctypes.data, pointer, self.n_vocab * 4)
        return rows

    def interrupt(self) -> None:
        self._stop[0] = b"x"

    def fork(self, source: int, target: int, start: int = 0, end: int = -1) -> None:
        self._lib.llama_memory_seq_cp(self._memory, source, target, start, end)

    def forget(self, sequence: int) -> None:
        if not self._lib.llama_memory_seq_rm(self._memory, sequence, -1, -1):
            raise EngineError(f"{self.name} can't drop a sequence from its memory")

    def save(self, sequence: int) -> bytes:
        size = self._lib.llama_state_seq_get_size(self._context, sequence)
        saved = (ctypes.c_uint8 * size)()
        count = self._lib.llama_state_seq_get_data(self._context, saved, size, sequence)
        return bytes(saved)[:count]

    def restore(self, sequence: int, saved: bytes) -> None:
        data = (ctypes.c_uint8 * len(saved)).from_buffer_copy(saved)
        if not self._lib.llama_state_seq_set_data(self._context, data, len(saved), sequence):
            raise EngineError(f"{self.name} has no room for a saved prefix: {llama.last_error()}")

    def clone(self) -> LlamaCppBackend:
        twin = LlamaCppBackend(self.weights, name=self.name, context=self.n_cells)
        twin._original = self
        return twin

    def matcher(self, grammar: str) -> LLMatcher:
        from llguidance import LLMatcher

        matcher = LLMatcher(self._guide_tokenizer(), grammar)
        if matcher.is_error():
            raise EngineError(f"llguidance refuses a grammar: {matcher.get_error()}")
        return matcher

    def close(self) -> None:
        if self._context:
            self._lib.llama_batch_free(self._batch)
            self._lib.llama_free(self._context)
            self._context = None
            if self._original is None:
                self.weights.close()

    def _guide_tokenizer(self) -> LLTokenizer:
        """Made at first need, for it takes a quarter of a second, or one for a large vocabulary."""
        if self._tokenizer is None:
            from .vocabulary import guide_tokenizer

            self._tokenizer = guide_tokenizer(self.weights)
        return self._tokenizer

    def _decode_part(self, step: Step, start: int, end: int, wanted: dict[int, int]) -> None:
        batch = self._batch
        batch.n_tokens = end - start
        tokens, positions, counts = batch.token, batch.pos, batch.n_seq_id
        ids, logits = batch.seq_id, batch.logits
        for index in range(end - start):
            place = start + index
            tokens[index] = step.tokens[place]
            positions[index] = step.positions[place]
            sequences = step.sequences[place]
            counts[index] = len(sequences)
            row = ids[index]
            for which, sequence in enumerate(sequences):
                row[which] = sequence
            logits[index] = place in wanted
        status = self._lib.llama_decode(self._context, batch)
        if status == _ABORTED:
            raise Interrupted
        if status != 0:
            reason = llama.last_error() or "no reason given"
            raise EngineError(f"llama.cpp failed to evaluate {end - start} tokens ({status}): {reason}")
