"""A llama.cpp context of many sequences over one unified KV cache, whatever is read from it."""

from __future__ import annotations

import ctypes
from abc import ABC, abstractmethod
from collections.abc import Container, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import EngineError, ModelError
from ..scheduling.backend import LONG_BATCH_TOKENS, Rows, Step
from ..scheduling.decoding import MAX_SEQUENCES
from ..scheduling.guides import make_guide
from . import library as llama
from .native import MAX_THREADS, NativeContext
from .weights import ValueType, Weights

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLTokenizer

SEQUENCES: Final = 256
"""llama.cpp's own limit on sequences. A batch, and so the cache, has to have room for a token of each."""

_GGML_TYPES: Final[Mapping[ValueType, int]] = {ValueType.F16: 1, ValueType.BF16: 30}
"""ggml's numbers of types; the bindings have no name for the second."""

DEFAULT_CELLS: Final = 4096


class LlamaCppContext(NativeContext, ABC):
    """What backends on llama.cpp have in common: a KV cache, its sequences, and how a step is evaluated.

    What a row is differs, and is said by a subclass: `width` numbers, called `rows_are` in messages. Rows
    that are llama.cpp's own outputs (`has_outputs`) cost a pass through the vocabulary each; where nothing
    needs these, none is asked for.

    `context` is the cache's size in tokens, at most what the model was trained on, and `sequences` how many
    it has, for each of which llama.cpp keeps room for a row of logits. `watch` is a C function
    that llama.cpp asks of every node of a graph whether its value is wanted, and tells when it is there.

    Raises `ModelError` if there is no memory for it, or if the model's memory is of a kind that can't be
    forked (recurrent and hybrid models).
    """

    width: int
    rows_are: ClassVar[str]
    has_outputs: ClassVar[bool]

    def __init__(
        self,
        weights: Weights,
        *,
        name: str,
        context: int | None,
        sequences: int = SEQUENCES,
        watch: Any = None,
    ) -> None:
        lib = llama.load()
        self.n_vocab = weights.n_vocab()
        if lib.llama_model_is_recurrent(weights.model) or lib.llama_model_is_hybrid(weights.model):
            raise ModelError(
                f"{name} is a recurrent model: its state can't be shared between prompts token by token",
                help="use a model with attention in every layer",
            )
        trained = weights.n_context_trained()
        self.n_cells = self.n_context = min(DEFAULT_CELLS, trained) if context is None else context
        if self.n_cells > trained:
            raise ModelError(
                f"{name} was trained on contexts of {trained} tokens; context = {context} is more",
                help=f"use context = {trained} or less",
            )
        if self.n_cells < 1:
            raise ModelError(f"{name} can't have a context of {self.n_cells} tokens")
        self.n_sequences = sequences
        self.max_sequences_per_token = MAX_SEQUENCES
        self.pass_tokens = weights.pass_tokens
        self.template = weights.template
        params = lib.llama_context_default_params()
        # llama.cpp cuts the batch down to the context and then asserts that it holds a row for each sequence.
        # It rounds the context up to a multiple of 256 anyhow, so a smaller one costs what this one does.
        params.n_ctx = max(self.n_cells, sequences)
        params.n_batch = max(sequences, LONG_BATCH_TOKENS)
        params.n_seq_max = sequences
        params.n_ubatch = LONG_BATCH_TOKENS
        # One pool of cells for all sequences, so that they can share what they have in common.
        params.kv_unified = True
        # A sliding window would forget what later calls fork.
        params.swa_full = True
        # It skips the cells of other sequences, where plain attention computes them and masks the result.
        params.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_ENABLED
        params.type_v = _GGML_TYPES[weights.values]
        if watch is not None:
            params.cb_eval = watch
        super().__init__(
            weights,
            params,
            name=name,
            size=self.n_cells,
            batch=(LONG_BATCH_TOKENS, MAX_SEQUENCES),
            help="free some memory, or set a smaller context",
        )
        self._threads = 0
        self._tokenizer: LLTokenizer | None = None

    def start_tokens(self) -> list[int]:
        return self.weights.start_tokens()

    def piece(self, token: int) -> bytes:
        return self.weights.piece(token)

    def is_end(self, token: int) -> bool:
        return self.weights.is_end(token)

    def turn_ends(self) -> list[int]:
        return self.weights.turn_ends()

    def decode(self, step: Step, threads: int) -> Rows:
        self._require_open()
        self._check(step, threads)
        if threads != self._threads:
            self._threads = threads
            self._lib.llama_set_n_threads(self._context, threads, threads)
        self._go_on()
        rows = np.empty((len(step.rows), self.width), dtype=np.float32)
        wanted = {place: row for row, place in enumerate(step.rows)}
        for start in range(0, len(step.tokens), LONG_BATCH_TOKENS):
            end = min(start + LONG_BATCH_TOKENS, len(step.tokens))
            self._evaluate(step, start, end, wanted)
            for place in range(start, end):
                if place in wanted:
                    row = rows[wanted[place]]
                    self._read(place - start, row)
                    # Damaged weights give numbers that no answer may be taken from. One of them that is not
                    # finite makes this difference so too.
                    if not np.isfinite(row.max() - row.min()):
                        raise EngineError(
                            f"the {self.rows_are} of {self.name} are not finite",
                            help="its file may be damaged: `mpc doctor` reads it again",
                        )
        return rows

    def fork(self, source: int, target: int, start: int = 0, end: int = -1) -> None:
        self._check_sequences(source, target)
        self._lib.llama_memory_seq_cp(self._memory, source, target, start, end)

    def forget(self, sequence: int, start: int = 0) -> None:
        self._check_sequences(sequence)
        if not self._lib.llama_memory_seq_rm(self._memory, sequence, start, -1):
            raise EngineError(f"{self.name} can't drop a sequence from its memory")

    def save(self, sequence: int) -> bytes:
        self._check_sequences(sequence)
        size = self._lib.llama_state_seq_get_size(self._context, sequence)
        saved = (ctypes.c_uint8 * size)()
        count = self._lib.llama_state_seq_get_data(self._context, saved, size, sequence)
        return bytes(saved)[:count]

    def restore(self, sequence: int, saved: bytes) -> None:
        self._check_sequences(sequence)
        data = (ctypes.c_uint8 * len(saved)).from_buffer_copy(saved)
        if not self._lib.llama_state_seq_set_data(self._context, data, len(saved), sequence):
            raise EngineError(f"{self.name} has no room for a saved prefix: {llama.last_error()}")

    @abstractmethod
    def clone(self) -> LlamaCppContext:
        """Another one of the same size over the same weights. Raises `ModelError` without memory for it."""

    def matcher(self, grammar: str) -> LLMatcher:
        self._require_open()
        return make_guide(self._guide_tokenizer(), grammar)

    def close(self) -> None:
        super().close()
        self._tokenizer = None

    def _guide_tokenizer(self) -> LLTokenizer:
        """Made at first need, for it takes a quarter of a second, or one for a large vocabulary."""
        if self._tokenizer is None:
            from .vocabulary import guide_tokenizer

            self._tokenizer = guide_tokenizer(self.weights)
        return self._tokenizer

    def _require_open(self) -> None:
        if not self._context:
            raise EngineError(f"the engine of {self.name} was closed")

    def _check_sequences(self, *numbers: int) -> None:
        self._require_open()
        if not all(0 <= number < self.n_sequences for number in numbers):
            raise EngineError(f"{self.name} has no sequence {max(numbers)}; it has {self.n_sequences}")

    def _check(self, step: Step, threads: int) -> None:
        """Refuse a step that would be written past the end of an array of llama.cpp's, or that it would end
        the process for. Python's integers are cut to 32 bits on the way there, so each is bounded here."""
        count = len(step.tokens)
        bounds = (
            ("threads", [threads], 1, MAX_THREADS),
            ("tokens", step.tokens, 0, self.n_vocab - 1),
            ("positions", step.positions, 0, max(self.n_cells, self.n_sequences) - 1),
            ("sequences", [number for each in step.sequences for number in each], 0, self.n_sequences - 1),
            ("sequences of a token", [len(each) for each in step.sequences], 1, MAX_SEQUENCES),
            ("lengths", [len(step.positions), len(step.sequences)], count, count),
            ("rows", step.rows, 0, count - 1),
        )
        for what, numbers, least, most in bounds:
            if numbers and (min(numbers) < least or max(numbers) > most):
                raise EngineError(
                    f"a batch for {self.name} has {what} from {min(numbers)} to {max(numbers)}; "
                    f"{least} to {most} are possible"
                )

    @abstractmethod
    def _read(self, index: int, row: NDArray[np.float32]) -> None:
        """Copy the row of a token of the batch that was evaluated last."""

    def _evaluate(self, step: Step, start: int, end: int, wanted: Container[int]) -> None:
        """Evaluate the tokens `start` to `end` (excluded) of a step, in one batch."""
        batch = self._batch
        batch.n_tokens = end - start
        tokens, positions, counts = batch.token, batch.pos, batch.n_seq_id
        ids, outputs = batch.seq_id, batch.logits
        for index in range(end - start):
            place = start + index
            tokens[index] = step.tokens[place]
            positions[index] = step.positions[place]
            sequences = step.sequences[place]
            counts[index] = len(sequences)
            row = ids[index]
            for which, sequence in enumerate(sequences):
                row[which] = sequence
            outputs[index] = self.has_outputs and place in wanted
        status = self._lib.llama_decode(self._context, batch)
        self._require_done(status, f"evaluate {end - start} tokens")
