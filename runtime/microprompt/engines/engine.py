"""An engine answers calls: it binds programs, keeps their prefixes, and runs their decodings on a backend."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .. import abi
from ..answer import Answer, FieldAnswer, Usage
from ..errors import DeadlineExceeded, EngineError, MicropromptError
from ..layout import Argument, Literal, hole_text
from .base import Backend, SequencePool
from .bound import BoundChoice, BoundGuided, BoundProgram, BoundSlot
from .decoding import Cursor, Decoding, Sampler, choose, write
from .prefixes import PrefixCache
from .scheduler import run

MAX_BATCH = 16
"""Calls that `answer` runs side by side. Fixed, so that the same rows in the same order meet the same batches."""


@dataclass(frozen=True, slots=True)
class Call:
    """A program with checked arguments, all parameters by name; `timeout` in seconds, if there is one."""

    program: abi.Program
    arguments: Mapping[str, object]
    timeout: float | None = None


class Engine:
    """Answers calls on one backend. Safe from several threads: one group of calls runs at a time.

    `layout` is "plain" or "chat", as suits the model.
    """

    def __init__(self, backend: Backend, *, layout: str = "plain") -> None:
        if layout == "chat" and backend.template is None:
            raise EngineError(f"{backend.name} has no chat template", help='use layout="plain"')
        self.backend = backend
        self.layout = layout
        self._lock = threading.Lock()
        self._pool = SequencePool(range(backend.n_sequences))
        self._prefixes = PrefixCache(backend, self._pool)
        self._bound: dict[int, BoundProgram] = {}

    @property
    def name(self) -> str:
        """The model's name."""
        return self.backend.name

    def bind(self, program: abi.Program) -> BoundProgram:
        """The program in this model's tokens; bound at first use. The result must only be read."""
        found = self._bound.get(id(program))
        if found is None:
            found = BoundProgram(program, self.backend, chat=self.layout == "chat")
            # `found` keeps the program alive, so its id stays its own.
            self._bound[id(program)] = found
        return found

    def render(self, call: Call) -> str:
        """The exact text of a call's prompt."""
        return "".join(
            segment.text
            if isinstance(segment, (Literal, Argument))
            else hole_text(call.program, segment, call.arguments)
            for segment in self.bind(call.program).segments
        )

    def answer(self, calls: Sequence[Call]) -> list[Answer[object] | MicropromptError]:
        """Answer calls, in order, several side by side. What one call did wrong is returned in its place."""
        timeouts = [call.timeout for call in calls if call.timeout is not None]
        start = time.monotonic()
        deadline = start + min(timeouts) if timeouts else None
        if not self._lock.acquire(timeout=-1 if deadline is None else deadline - start):
            late = DeadlineExceeded("the engine was busy with other calls until the timeout passed")
            return [late for _ in calls]
        try:
            results: list[Answer[object] | MicropromptError] = []
            for group in _groups(calls):
                results += self._answer_group(group, start, deadline)
            return results
        finally:
            self._lock.release()

    def close(self) -> None:
        """Free the model. Calls afterwards fail."""
        with self._lock:
            self._prefixes.clear()
            self.backend.close()

    def _answer_group(
        self, calls: Sequence[Call], start: float, deadline: float | None
    ) -> list[Answer[object] | MicropromptError]:
        jobs: list[_Job] = []
        results: list[Answer[object] | MicropromptError | None] = []
        for call in calls:
            try:
                bound = self.bind(call.program)
                jobs.append(_Job(len(results), bound, bound.question(call.arguments)))
                results.append(None)
            except MicropromptError as error:
                results.append(error)
        for wave in _waves(jobs, self.backend):
            try:
                found = self._run_wave(wave, start, deadline)
            except MicropromptError as error:
                found = [error for _ in wave]
            for job, result in zip(wave, found, strict=True):
                results[job.index] = result
        return [result for result in results if result is not None]

    def _run_wave(
        self, wave: Sequence[_Job], start: float, deadline: float | None
    ) -> list[Answer[object] | MicropromptError]:
        """Run jobs of one program side by side: its prefix first, then a fork of it for each job."""
        bound = wave[0].bound
        prefix = bound.prefix
        cached = len(prefix) if self._prefixes.holds(prefix) else 0
        self._prefixes.make_room(
            len(prefix) * (not cached) + sum(job.cells for job in wave),
            (not cached) + len(wave) * bound.sequences,
            keep=prefix,
        )
        shared = self._prefixes.sequence(prefix, deadline)
        sequences = [self._pool.take() for _ in wave]
        try:
            for sequence in sequences:
                self.backend.fork(shared, sequence)
            decodings = [
                self._decode(job, sequence, cached if index == 0 else len(prefix), start)
                for index, (job, sequence) in enumerate(zip(wave, sequences, strict=True))
            ]
            return run(self.backend, decodings, deadline)
        finally:
            for sequence in sequences:
                self.backend.forget(sequence)
                self._pool.put(sequence)

    def _decode(self, job: _Job, sequence: int, cached: int, start: float) -> Decoding[Answer[object]]:
        bound, using = job.bound, job.bound.program.using
        random = np.random.default_rng(using.seed) if using.temperature else None
        sampler = Sampler(using.temperature, random)
        cursor = Cursor(sequence, len(bound.prefix), [*job.question, *bound.lead])
        budget = using.max_tokens or bound.bound
        fields: dict[str, FieldAnswer] = {}
        for slot in bound.slots:
            fields[slot.slot.name] = yield from self._fill(slot, cursor, sampler, budget)
        confidence = 1.0
        for part in fields.values():
            confidence *= part.confidence
        whole = fields.get("")
        return Answer(
            value=bound.plan.value({name: part.value for name, part in fields.items()}),
            confidence=confidence,
            distribution=whole.distribution if whole else None,
            coverage=whole.coverage if whole else None,
            fields={} if whole else fields,
            usage=Usage(
                prompt_tokens=len(bound.prefix) + len(job.question),
                cached_tokens=cached,
                decoded_tokens=cursor.decoded - len(job.question),
            ),
            seconds=time.monotonic() - start,
            model=self.name,
        )

    def _fill(self, slot: BoundSlot, cursor: Cursor, sampler: Sampler, budget: int) -> Decoding[FieldAnswer]:
        match slot:
            case BoundChoice():
                label, scores = yield from choose(cursor, slot.trie, sampler, self._pool, self.backend)
                probabilities = np.exp(scores.normalised())
                return FieldAnswer(
                    value=slot.values[label],
                    confidence=float(probabilities[label]),
                    distribution=dict(zip(slot.values, map(float, probabilities), strict=True)),
                    coverage=scores.coverage(),
                )
            case BoundGuided():
                text, log_prob = yield from write(cursor, slot.matcher(), sampler, self.backend, budget)
                return FieldAnswer(
                    value=slot.value(text),
                    confidence=float(np.exp(log_prob)),
                    distribution=None,
                    coverage=None,
                )


@dataclass(slots=True)
class _Job:
    index: int
    bound: BoundProgram
    question: list[int]

    @property
    def cells(self) -> int:
        return len(self.question) + self.bound.bound


def _groups(calls: Sequence[Call]) -> Iterator[Sequence[Call]]:
    """Runs of up to `MAX_BATCH` neighbouring calls of one program."""
    start = 0
    for end in range(1, len(calls) + 1):
        if end == len(calls) or end - start == MAX_BATCH or calls[end].program is not calls[start].program:
            yield calls[start:end]
            start = end


def _waves(jobs: Sequence[_Job], backend: Backend) -> Iterator[Sequence[_Job]]:
    """As many neighbouring jobs at once as the cache has cells and sequences for."""
    start = 0
    while start < len(jobs):
        bound = jobs[start].bound
        room = backend.n_cells - len(bound.prefix)
        most = max(1, (backend.n_sequences // 2) // bound.sequences)
        end = start
        while end < len(jobs) and end - start < most and (end == start or jobs[end].cells <= room):
            room -= jobs[end].cells
            end += 1
        yield jobs[start:end]
        start = end
