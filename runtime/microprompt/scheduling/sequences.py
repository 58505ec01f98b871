"""What one call holds in a KV cache, written down so that it can be computed again.

A cache can't be asked which tokens its cells stand for. A call that loses its cells to an older one (see
`lane`) must get back exactly what it had, so each call keeps, beside its sequences in the cache, the tokens
that were evaluated in each of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .backend import Rows, SequencePool, Step


class Sequences:
    """The sequences of one call. Each holds the prompt's prefix, whose tokens are the positions before
    `start`, and behind it tokens of the call's own.

    Behind these the cache may hold a draft (see `drafts`): tokens that were evaluated before it is known
    whether they come there. They are the call's once `take_drafted` finds them in a step.
    """

    def __init__(self, pool: SequencePool, start: int) -> None:
        self.backend = pool.backend
        self._pool = pool
        self._start = start
        self._tokens: dict[int, list[int]] = {}
        self._drafted: dict[int, list[tuple[int, NDArray[np.float32] | None]]] = {}

    def __len__(self) -> int:
        """How many the call holds."""
        return len(self._tokens)

    def open(self, prefix: int | None) -> int:
        """A sequence with nothing but the prefix, which the sequence `prefix` holds, if there is one."""
        number = self._pool.take() if prefix is None else self._pool.fork(prefix)
        self._tokens[number] = []
        return number

    def tokens(self, number: int) -> Sequence[int]:
        """The call's own tokens in a sequence."""
        return self._tokens[number]

    def fork(self, source: int) -> int:
        """A sequence that shares all that `source` holds, but for a draft."""
        number = self._pool.fork(source, self._end(source))
        self._tokens[number] = self._tokens[source].copy()
        return number

    def extend(self, target: int, source: int, start: int, end: int) -> None:
        """Let `target`, which ends at position `start`, go on with the positions of `source` up to `end`
        (excluded)."""
        self._drop_draft(target)
        self.backend.fork(source, target, start, end)
        self._tokens[target] += self._tokens[source][start - self._start : end - self._start]

    def give_back(self, number: int) -> None:
        """End one of them."""
        del self._tokens[number]
        self._drafted.pop(number, None)
        self._pool.give_back(number)

    def close(self) -> None:
        """End all of them."""
        for number in list(self._tokens):
            self.give_back(number)

    def note(self, step: Step, start: int, end: int) -> None:
        """The tokens `start` to `end` (excluded) of a step were evaluated."""
        for place in range(start, end):
            for number in step.sequences[place]:
                self._tokens[number].append(step.tokens[place])

    def note_draft(self, step: Step, rows: Rows) -> None:
        """A step of one sequence, with these rows, was evaluated behind what the sequence will hold when all
        that was evaluated with it is noted."""
        found = dict(zip(step.rows, rows, strict=True))
        drafted = [(token, found.get(place)) for place, token in enumerate(step.tokens)]
        self._drafted.setdefault(step.sequences[0][0], []).extend(drafted)

    def take_drafted(self, step: Step) -> tuple[int, list[Rows]]:
        """How many of the first tokens of a step that is to be evaluated were drafted, and the rows that it
        asks for among them. They are noted, and what was drafted in place of others is forgotten."""
        number = step.sequences[0][0] if step.tokens else -1
        drafted = self._drafted.get(number)
        if not drafted:
            return 0, []
        count = 0
        for token, sequences, (guess, row) in zip(step.tokens, step.sequences, drafted, strict=False):
            if token != guess or sequences != (number,) or (count in step.rows and row is None):
                break
            count += 1
        if count == len(step.tokens) - 1:  # a single token goes through other kernels than several do
            count = max(0, count - 1)
        asked = (row for place, (_, row) in enumerate(drafted[:count]) if place in step.rows)
        rows = [row[np.newaxis] for row in asked if row is not None]
        self._tokens[number] += step.tokens[:count]
        if count == len(step.tokens):
            del drafted[:count]
        else:
            self._drop_draft(number)
        return count, rows

    def _drop_draft(self, number: int) -> None:
        """Forget what a sequence holds behind its own tokens."""
        if self._drafted.pop(number, None):
            self.backend.forget(number, self._end(number))

    def _end(self, number: int) -> int:
        """The position behind a sequence's own tokens."""
        return self._start + len(self._tokens[number])

    def evict(self) -> None:
        """Free the cells. The sequences stay the call's, for steps that it has asked for name them."""
        self._drafted.clear()
        for number in self._tokens:
            self.backend.forget(number)

    def restore(self, prefix: int | None) -> Step:
        """After `evict`: put every sequence behind the prefix again, and return the step that evaluates what
        each of them held. What several held in common is in it once, for all of them, as it was before."""
        if prefix is not None:
            for number in self._tokens:
                self.backend.fork(prefix, number)
        held, self._tokens = self._tokens, {number: [] for number in self._tokens}
        step = Step()
        groups = [list(held)]  # of sequences that are the same up to here
        for place in range(max(map(len, held.values()))):
            parted: dict[tuple[int, int], list[int]] = {}
            for index, group in enumerate(groups):
                for number in group:
                    if place < len(held[number]):
                        parted.setdefault((index, held[number][place]), []).append(number)
            for (_, token), group in parted.items():
                step.add(token, self._start + place, tuple(group))
            groups = list(parted.values())
        return step
