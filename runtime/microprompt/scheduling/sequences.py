"""What one call holds in a KV cache, written down so that it can be computed again.

A cache can't be asked which tokens its cells stand for. A call that loses its cells to an older one (see
`lane`) must get back exactly what it had, so each call keeps, beside its sequences in the cache, the tokens
that were evaluated in each of them.
"""

from __future__ import annotations

from .backend import SequencePool, Step


class Sequences:
    """The sequences of one call. Each holds the prompt's prefix, whose tokens are the positions before
    `start`, and behind it tokens of the call's own."""

    def __init__(self, pool: SequencePool, start: int) -> None:
        self.backend = pool.backend
        self._pool = pool
        self._start = start
        self._tokens: dict[int, list[int]] = {}

    def __len__(self) -> int:
        """How many the call holds."""
        return len(self._tokens)

    def open(self, prefix: int | None) -> int:
        """A sequence with nothing but the prefix, which the sequence `prefix` holds, if there is one."""
        number = self._pool.take() if prefix is None else self._pool.fork(prefix)
        self._tokens[number] = []
        return number

    def fork(self, source: int) -> int:
        """A sequence that shares all that `source` holds."""
        number = self._pool.fork(source)
        self._tokens[number] = self._tokens[source].copy()
        return number

    def extend(self, target: int, source: int, start: int, end: int) -> None:
        """Let `target`, which ends at position `start`, go on with the positions of `source` up to `end`
        (excluded)."""
        self.backend.fork(source, target, start, end)
        self._tokens[target] += self._tokens[source][start - self._start : end - self._start]

    def give_back(self, number: int) -> None:
        """End one of them."""
        del self._tokens[number]
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

    def evict(self) -> None:
        """Free the cells. The sequences stay the call's, for steps that it has asked for name them."""
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
