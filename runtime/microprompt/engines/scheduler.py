"""One scheduler a model: prompts' prefixes stay in its KV cache, and many decodings share each batch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ..errors import DeadlineExceeded, MicropromptError
from .base import Backend, SequencePool, Step
from .decoding import Cursor, Decoding
from .prefixes import PrefixCache

T = TypeVar("T")

MAX_BATCH = 16
"""Jobs that run side by side. Fixed, so that the same jobs in the same order meet the same batches."""


@dataclass(frozen=True, slots=True)
class Job(Generic[T]):
    """A call to run.

    `prefix` comes from the cache or goes into it, `pending` is evaluated for this job alone; `cells` and
    `sequences` are the most it can take beside the prefix. `decode` is told its place and how many tokens of
    the prefix had been in the cache.
    """

    prefix: tuple[int, ...]
    pending: Sequence[int]
    cells: int
    sequences: int
    decode: Callable[[Cursor, int], Decoding[T]]


class Scheduler:
    """Runs jobs on a backend. Safe from several threads: one group of jobs runs at a time."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.pool = SequencePool(range(backend.n_sequences))
        self._prefixes = PrefixCache(backend, self.pool)
        self._lock = threading.Lock()

    def run(self, jobs: Sequence[Job[T]], deadline: float | None) -> list[T | MicropromptError]:
        """Each job's result, or the error that ended it, in order; `deadline` as in `Backend.decode`."""
        patience = (
            -1 if deadline is None else min(max(0.0, deadline - time.monotonic()), threading.TIMEOUT_MAX)
        )
        if not self._lock.acquire(timeout=patience):
            return [
                DeadlineExceeded("the model was busy with other calls until the timeout passed") for _ in jobs
            ]
        try:
            results: list[T | MicropromptError] = []
            for wave in _waves(jobs, self.backend):
                try:
                    found = self._run_wave(wave, deadline)
                except MicropromptError as error:
                    found = [error for _ in wave]
                results.extend(found)
            return results
        finally:
            self._lock.release()

    def close(self) -> None:
        """Free the model."""
        with self._lock:
            self._prefixes.clear()
            self.backend.close()

    def _run_wave(self, wave: Sequence[Job[T]], deadline: float | None) -> list[T | MicropromptError]:
        """Run jobs with the same prefix side by side, each on a fork of it."""
        prefix = wave[0].prefix
        new = len(prefix) if not self._prefixes.holds(prefix) else 0
        self._prefixes.make_room(
            new + sum(job.cells for job in wave),
            bool(new) + sum(job.sequences for job in wave),
            keep=prefix,
        )
        shared = self._prefixes.sequence(prefix, deadline) if prefix else None
        sequences = [self.pool.take() for _ in wave]
        try:
            decodings = []
            for index, (job, sequence) in enumerate(zip(wave, sequences, strict=True)):
                if shared is not None:
                    self.backend.fork(shared, sequence)
                cursor = Cursor(sequence, len(prefix), list(job.pending))
                # Who came first paid for the prefix.
                decodings.append(job.decode(cursor, len(prefix) - (new if index == 0 else 0)))
            return _run_together(self.backend, decodings, deadline)
        finally:
            for sequence in sequences:
                self.backend.forget(sequence)
                self.pool.put(sequence)


def _waves(jobs: Sequence[Job[T]], backend: Backend) -> Iterator[Sequence[Job[T]]]:
    """Runs of neighbouring jobs with one prefix, as many as the cache has cells and sequences for."""
    start = 0
    while start < len(jobs):
        cells = backend.n_cells - len(jobs[start].prefix)
        # The other half of the sequences is for prefixes.
        sequences = backend.n_sequences // 2
        end = start
        while (
            end < len(jobs)
            and end - start < MAX_BATCH
            and jobs[end].prefix == jobs[start].prefix
            and (end == start or (jobs[end].cells <= cells and jobs[end].sequences <= sequences))
        ):
            cells -= jobs[end].cells
            sequences -= jobs[end].sequences
            end += 1
        yield jobs[start:end]
        start = end


def _run_together(
    backend: Backend, decodings: Sequence[Decoding[T]], deadline: float | None
) -> list[T | MicropromptError]:
    """Each round, the next steps of all decodings go through the model as one batch.

    A decoding that fails by itself ends alone; a failing batch ends all that were in it.
    """
    results: dict[int, T | MicropromptError] = {}
    waiting: dict[int, Step] = {}

    def advance(index: int, rows: Any) -> None:
        try:
            waiting[index] = decodings[index].send(rows)
        except StopIteration as end:
            results[index] = end.value
        except MicropromptError as error:
            results[index] = error

    try:
        for index in range(len(decodings)):
            advance(index, None)
        while waiting:
            current = dict(waiting)
            waiting.clear()
            try:
                rows = backend.decode(_merged(list(current.values())), deadline)
            except MicropromptError as error:
                results.update(dict.fromkeys(current, error))
                continue
            start = 0
            for index, step in current.items():
                advance(index, rows[start : start + len(step.rows)])
                start += len(step.rows)
    finally:
        # Those that did not end give back the sequences they hold.
        for decoding in decodings:
            decoding.close()
    return [results[index] for index in range(len(decodings))]


def _merged(steps: Sequence[Step]) -> Step:
    if len(steps) == 1:
        return steps[0]
    batch = Step()
    for step in steps:
        batch.rows.extend(len(batch.tokens) + row for row in step.rows)
        batch.tokens.extend(step.tokens)
        batch.positions.extend(step.positions)
        batch.sequences.extend(step.sequences)
    return batch
