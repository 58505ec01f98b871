"""Steps on their way through batches, and how much goes into one: short work together, long work in parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Generic, TypeVar

import numpy as np

from .backend import BATCH_TOKENS, LONG_BATCH_TOKENS, Rows, Step

Owner = TypeVar("Owner")

_LEAST_PART: Final = 4
"""A single token goes through other kernels than several do; a step is never cut so that it is left."""


class Work(Generic[Owner]):
    """A step that its `owner` waits for, of which so many tokens are `done`."""

    def __init__(self, step: Step, owner: Owner, done: int = 0, rows: Sequence[Rows] = ()) -> None:
        self.step = step
        self.owner = owner
        self.done = done
        self._rows = list(rows)

    def left(self) -> int:
        return len(self.step.tokens) - self.done

    def advance(self, count: int, rows: Rows) -> Rows | None:
        """Note that `count` tokens were evaluated; all rows of the step once it is complete."""
        self.done += count
        self._rows.append(rows)
        return self.rows()

    def rows(self) -> Rows | None:
        """All rows of the step, once it is complete."""
        if self.left() or not self._rows:
            return None
        return self._rows[0] if len(self._rows) == 1 else np.concatenate(self._rows)

    def put_before(self, step: Step) -> None:
        """Let `step` be evaluated first, which reads no rows."""
        step.extend(self.step, self.done, len(self.step.tokens))
        self.step, self.done = step, 0


def pack(waiting: Sequence[Work[Owner]]) -> list[Work[Owner]]:
    """Which short work goes into the next batch together: the one that waits longest, which is the first, and
    of the others those with the fewest tokens."""
    packed = list(waiting[:1])
    room = BATCH_TOKENS - sum(map(Work.left, packed))
    for work in sorted(waiting[1:], key=Work.left):
        if work.left() > room:
            break
        packed.append(work)
        room -= work.left()
    return packed


def part(left: int) -> int:
    """How much of a long text to evaluate next."""
    if left <= LONG_BATCH_TOKENS:
        return left
    return LONG_BATCH_TOKENS if left - LONG_BATCH_TOKENS >= _LEAST_PART else LONG_BATCH_TOKENS - _LEAST_PART
