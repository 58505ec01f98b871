"""Prompts' static prefixes, kept in the KV cache across calls."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from .base import Backend, SequencePool, Step


class PrefixCache:
    """Prefixes by their tokens, least recently used first; each holds a sequence of the backend."""

    def __init__(self, backend: Backend, pool: SequencePool) -> None:
        self._backend = backend
        self._pool = pool
        self._sequences: OrderedDict[tuple[int, ...], int] = OrderedDict()

    def cells(self) -> int:
        """Cache cells in use."""
        return sum(map(len, self._sequences))

    def holds(self, tokens: Sequence[int]) -> bool:
        return tuple(tokens) in self._sequences

    def sequence(self, tokens: tuple[int, ...], deadline: float | None) -> int:
        """The sequence that holds `tokens`, evaluated now if it was not there."""
        if tokens not in self._sequences:
            sequence = self._pool.take()
            step = Step()
            for position, token in enumerate(tokens):
                step.add(token, position, (sequence,))
            try:
                self._backend.decode(step, deadline)
            except BaseException:
                self._backend.forget(sequence)
                self._pool.put(sequence)
                raise
            self._sequences[tokens] = sequence
        self._sequences.move_to_end(tokens)
        return self._sequences[tokens]

    def make_room(self, cells: int, sequences: int, keep: tuple[int, ...]) -> None:
        """Drop prefixes, oldest first and never `keep`, until that much is free beside what stays."""
        for tokens in list(self._sequences):
            fits = self.cells() + cells <= self._backend.n_cells
            if fits and len(self._pool) >= sequences:
                return
            if tokens != keep:
                self._drop(tokens)

    def clear(self) -> None:
        for tokens in list(self._sequences):
            self._drop(tokens)

    def _drop(self, tokens: tuple[int, ...]) -> None:
        sequence = self._sequences.pop(tokens)
        self._backend.forget(sequence)
        self._pool.put(sequence)
