"""The line between what decides (plans, tries, guides) and what computes (a model with a KV cache)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ..layout import Template

if TYPE_CHECKING:
    from llguidance import LLMatcher

Rows = NDArray[np.float32]
"""Logits, shape (rows asked for, vocabulary)."""


@dataclass(slots=True)
class Step:
    """Tokens to evaluate in one batch, each at a position in one or more sequences, and the indexes (into
    `tokens`) of those whose logits are read."""

    tokens: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    sequences: list[tuple[int, ...]] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)

    def add(self, token: int, position: int, sequences: tuple[int, ...], *, row: bool = False) -> None:
        """Append one token."""
        if row:
            self.rows.append(len(self.tokens))
        self.tokens.append(token)
        self.positions.append(position)
        self.sequences.append(sequences)


class Backend(Protocol):
    """A model with a KV cache of many sequences. Used by one thread at a time.

    `n_cells` tokens fit into the cache in all, `n_context` into one sequence; `n_sequences` is how many
    sequences there are, numbered from 0.
    """

    name: str
    n_vocab: int
    n_cells: int
    n_context: int
    n_sequences: int
    template: Template | None

    def tokenize(self, text: str, *, control: bool) -> list[int]:
        """Token ids of a text by itself; with `control`, control tokens in it are recognised."""
        ...

    def start_tokens(self) -> list[int]:
        """What every prompt begins with for this model: its BOS token, or nothing."""
        ...

    def piece(self, token: int) -> bytes:
        """A token's bytes; control tokens have none."""
        ...

    def is_end(self, token: int) -> bool:
        """Whether the token ends a generation."""
        ...

    def decode(self, step: Step, deadline: float | None) -> Rows:
        """Evaluate a step and return its rows.

        `deadline` is in the time of `time.monotonic()`. Raises `DeadlineExceeded` and `EngineError`; what the
        step had written is then still in the cache, for the caller to `forget`.
        """
        ...

    def fork(self, source: int, target: int, start: int = 0, end: int = -1) -> None:
        """Let the sequence `target` share the positions `start` to `end` (excluded; -1 = all) of `source`."""
        ...

    def forget(self, sequence: int) -> None:
        """Empty a sequence. Raises `EngineError` if the model can't."""
        ...

    def matcher(self, grammar: str) -> LLMatcher:
        """A fresh matcher of a Lark grammar over this vocabulary. Raises `EngineError` for a bad grammar."""
        ...

    def close(self) -> None:
        """Free the cache and the model."""
        ...


class SequencePool:
    """The numbers of the sequences that are free."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._free = list(reversed(numbers))

    def __len__(self) -> int:
        return len(self._free)

    def take(self) -> int:
        return self._free.pop()

    def put(self, number: int) -> None:
        self._free.append(number)
