"""A llama.cpp context of many sequences over one unified KV cache."""

from __future__ import annotations

import ctypes
import os
import time
import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ... import llama
from ...errors import DeadlineExceeded, EngineError, ModelError
from ..base import Rows, Step
from .weights import Weights

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLTokenizer

SEQUENCES: Final = 256
"""llama.cpp's own limit."""

BATCH: Final = 2048
UBATCH: Final = 512
DEFAULT_CELLS: Final = 4096
MAX_IDS: Final = 66
"""Sequences that one token of a batch may belong to: a call's own and those of a trie's paths."""

_ABORTED = 2


class LlamaCppBackend:
    """Implements `engines.base.Backend`. `context` is the cache's size in tokens (at most what the model was
    trained on); raises `ModelError` if there is no memory for it."""

    def __init__(self, weights: Weights, *, name: str, threads: int, context: int | None = None) -> None:
        lib = self._lib = llama.load()
        self.name = name
        self.weights = weights
        self.n_vocab = weights.n_vocab()
        trained = int(lib.llama_model_n_ctx_train(weights.model))
        if context is not None and context > trained:
            raise ModelError(
                f"{name} was trained on contexts of {trained} tokens; context = {context} is more",
                help=f"use context = {trained} or less",
            )
        self.n_cells = self.n_context = context or min(DEFAULT_CELLS, trained)
        self.n_sequences = SEQUENCES
        self.template = weights.template
        params = lib.llama_context_default_params()
        params.n_ctx = self.n_cells
        params.n_batch = BATCH
        params.n_ubatch = UBATCH
        params.n_seq_max = SEQUENCES
        params.n_threads = params.n_threads_batch = threads
        # One pool of cells for all sequences, so that they can share what they have in common.
        params.kv_unified = True
        # A sliding window would forget what later calls fork.
        params.swa_full = True
        params.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_DISABLED
        self._context: Any = lib.llama_init_from_model(weights.model, params)
        if not self._context:
            raise ModelError(
                f"no context of {self.n_cells} tokens for {name}: {llama.last_error() or 'out of memory'}",
                help="free some memory, or set a smaller context",
            )
        self._memory: Any = lib.llama_get_memory(self._context)
        self._batch: Any = lib.llama_batch_init(BATCH, 0, MAX_IDS)
        self._deadline: float | None = None
        self._abort: Any = lib.ggml_abort_callback(self._is_late)
        self._tokenizer: LLTokenizer | None = None
        self._process = os.getpid()

    def tokenize(self, text: str, *, control: bool) -> list[int]:
        return self.weights.encode(text, control=control)

    def start_tokens(self) -> list[int]:
        return self.weights.start_tokens()

    def piece(self, token: int) -> bytes:
        return self.weights.piece(token)

    def is_end(self, token: int) -> bool:
        return self.weights.is_end(token)

    def decode(self, step: Step, deadline: float | None) -> Rows:
        if os.getpid() != self._process:
            raise EngineError(
                "the model was loaded before this process was forked, and does not survive that",
                help='start processes with the "spawn" method, or load the model in the child',
            )
        rows = np.empty((len(step.rows), self.n_vocab), dtype=np.float32)
        wanted = {place: row for row, place in enumerate(step.rows)}
        for start in range(0, len(step.tokens), BATCH):
            end = min(start + BATCH, len(step.tokens))
            self._decode_chunk(step, start, end, wanted, deadline)
            for place in range(start, end):
                if place in wanted:
                    pointer = self._lib.llama_get_logits_ith(self._context, place - start)
                    ctypes.memmove(rows[wanted[place]].ctypes.data, pointer, self.n_vocab * 4)
        return rows

    def fork(self, source: int, target: int, start: int = 0, end: int = -1) -> None:
        self._lib.llama_memory_seq_cp(self._memory, source, target, start, end)

    def forget(self, sequence: int) -> None:
        if not self._lib.llama_memory_seq_rm(self._memory, sequence, -1, -1):
            raise EngineError(f"{self.name} can't drop a sequence from its memory")

    def matcher(self, grammar: str) -> LLMatcher:
        from llguidance import LLMatcher

        matcher = LLMatcher(self.guide_tokenizer(), grammar)
        if matcher.is_error():
            raise EngineError(f"llguidance refuses a grammar: {matcher.get_error()}")
        return matcher

    def guide_tokenizer(self) -> LLTokenizer:
        """The vocabulary as llguidance reads it, byte by byte. Takes about half a second, once."""
        if self._tokenizer is None:
            from llguidance.llamacpp import lltokenizer_from_vocab

            with warnings.catch_warnings():
                # llguidance still calls functions that llama-cpp-python has given other names.
                warnings.simplefilter("ignore", DeprecationWarning)
                self._tokenizer = lltokenizer_from_vocab(self.weights.vocab)
        return self._tokenizer

    def close(self) -> None:
        if self._context:
            self._lib.llama_batch_free(self._batch)
            self._lib.llama_free(self._context)
            self._context = None
            self.weights.close()

    def _decode_chunk(
        self, step: Step, start: int, end: int, wanted: dict[int, int], deadline: float | None
    ) -> None:
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
        self._watch(deadline)
        status = self._lib.llama_decode(self._context, batch)
        if status == _ABORTED:
            raise DeadlineExceeded("the call took longer than its timeout")
        if status != 0:
            reason = llama.last_error() or "no reason given"
            raise EngineError(f"llama.cpp failed to evaluate {end - start} tokens ({status}): {reason}")

    def _watch(self, deadline: float | None) -> None:
        """Have llama.cpp ask between operations whether `deadline` has passed; not at all without one."""
        if deadline is not None and time.monotonic() >= deadline:
            raise DeadlineExceeded("the call took longer than its timeout")
        if deadline is None and self._deadline is None:
            return
        self._deadline = deadline
        none = self._lib.ggml_abort_callback()
        self._lib.llama_set_abort_callback(self._context, none if deadline is None else self._abort, None)

    def _is_late(self, _: object) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline
