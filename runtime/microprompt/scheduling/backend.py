"""The line between what decides (plans, tries, guides) and what computes (a model with a KV cache)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import EngineError
from ..prompts.layout import Template

if TYPE_CHECKING:
    from llguidance import LLMatcher

BATCH_TOKENS: Final = 60
"""Tokens of different calls that are evaluated together. From 64 on, llama.cpp's flash attention works on
tiles of queries, where keys and values have one type, and a token's logits would depend on how many others
are in its batch (decisions/0005)."""

LONG_BATCH_TOKENS: Final = 128
"""Tokens of one long text that are evaluated together, by themselves. In tiles they cost half as much."""

PASS_TOKENS: Final = 4.0
"""`Backend.pass_tokens` where nobody has measured it: it is about 6 with weights of 16 bits, and 2 with those
of 4."""

Rows = NDArray[np.float32]
"""What a model says behind each token that was asked for: logits, shape (rows, vocabulary), or, where it ends
early, hidden states, shape (rows, n_embd)."""


@dataclass(slots=True)
class Step:
    """Tokens to evaluate in one batch, each at a position in one or more sequences, and the indexes (into
    `tokens`) of those whose rows are read."""

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

    def extend(self, other: Step, start: int, end: int) -> None:
        """Append the tokens `start` to `end` (excluded) of another step."""
        shift = len(self.tokens) - start
        self.rows.extend(row + shift for row in other.rows if start <= row < end)
        self.tokens.extend(other.tokens[start:end])
        self.positions.extend(other.positions[start:end])
        self.sequences.extend(other.sequences[start:end])


class Interrupted(Exception):
    """A decode ended early because `Backend.interrupt` was called."""


class Backend(Protocol):
    """A model with a KV cache of many sequences. Used by one thread at a time, but for `interrupt` and what
    only reads the vocabulary.

    `n_cells` tokens fit into the cache in all, `n_context` into one sequence; `n_sequences` is how many
    sequences there are, numbered from 0, and one token may belong to `max_sequences_per_token` of them.
    A batch takes by itself, beside its tokens, the time of `pass_tokens` more.
    """

    name: str
    n_vocab: int
    n_cells: int
    n_context: int
    n_sequences: int
    max_sequences_per_token: int
    pass_tokens: float
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

    def turn_ends(self) -> list[int]:
        """What ends a turn of a chat, or a text."""
        ...

    def decode(self, step: Step, threads: int) -> Rows:
        """Evaluate a step on that many threads and return its rows.

        Raises `Interrupted` and `EngineError`; what the step had written is then still in the cache, for the
        caller to `forget`.
        """
        ...

    def interrupt(self) -> None:
        """Have the decode that runs now end early. May be called by any thread."""
        ...

    def fork(self, source: int, target: int, start: int = 0, end: int = -1) -> None:
        """Let the sequence `target` share the positions `start` to `end` (excluded; -1 = all) of `source`."""
        ...

    def forget(self, sequence: int, start: int = 0) -> None:
        """Empty a sequence from a position on. Raises `EngineError` if the model can't."""
        ...

    def save(self, sequence: int) -> bytes:
        """What the cache holds of a sequence, to `restore` later or in a clone."""
        ...

    def restore(self, sequence: int, saved: bytes) -> None:
        """Fill an empty sequence with what was saved. Raises `EngineError` if there is no room."""
        ...

    def clone(self) -> Backend:
        """Another cache of the same size over the same weights. Raises `ModelError` without memory for it."""
        ...

    def matcher(self, grammar: str) -> LLMatcher:
        """A fresh matcher of a Lark grammar over this vocabulary. Raises `EngineError` for a bad grammar."""
        ...

    def close(self) -> None:
        """Free the cache, and the model with the last cache over it."""
        ...


class FullBackend(Backend, Protocol):
    """A backend of a whole model of `n_layers` layers, whose rows are logits."""

    n_layers: int

    def clone(self) -> FullBackend: ...

    def exit_after(self, layer: int, cells: int) -> Backend:
        """The same model ended after its first `layer` layers, with a cache of so many cells: rows are the
        hidden states there.

        Raises `ModelError` without memory for it, `EngineError` if there is no layer behind these.
        """
        ...


def check_fits(step: Step, backend: Backend) -> None:
    """Raise `EngineError` for a step that is larger than what `backend` has made room for.

    Some backends keep tokens in arrays of a fixed size outside Python, where writing past the end is not an
    error but damage; so nothing reaches `decode` that was not checked here.
    """
    if len(step.tokens) > backend.n_cells:
        raise EngineError(f"a step of {len(step.tokens)} tokens; the cache holds {backend.n_cells}")
    if not step.tokens:
        return
    if (most := max(map(len, step.sequences))) > backend.max_sequences_per_token:
        raise EngineError(
            f"a token in {most} sequences; {backend.name} takes {backend.max_sequences_per_token}"
        )
    if not all(0 <= position < backend.n_context for position in step.positions):
        raise EngineError(f"a token at a position outside the {backend.n_context} of the context")


class SequencePool:
    """The sequences of a backend, each free or taken."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._free = list(reversed(range(backend.n_sequences)))

    def __len__(self) -> int:
        """How many are free."""
        return len(self._free)

    def take(self) -> int:
        """An empty sequence."""
        return self._free.pop()

    def fork(self, source: int, end: int = -1) -> int:
        """A sequence that shares the positions of `source` up to `end` (excluded; -1 = all)."""
        number = self._free.pop()
        self.backend.fork(source, number, 0, end)
        return number

    def give_back(self, number: int) -> None:
        """Empty a sequence for the next one who takes it."""
        self.backend.forget(number)
        self._free.append(number)
