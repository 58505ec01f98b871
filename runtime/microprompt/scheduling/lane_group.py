"""The lanes of one thread: one on the whole model, and one for each early exit in use.

A model that ends after some of its layers (see `llamacpp.states`) has a KV cache of its own, so the jobs that
end there have a lane of their own: with its prefixes, its batches, and the rules of any lane. What the lanes
of a group share is the thread. They take turns, batch by batch, so a machine never computes more at a time
than the scheduler has cores for, whatever is asked of the model.

Most programs use one exit or none, and few read texts of thousands of tokens there. So a lane is made when
the first job for it comes, and those of an exit are two: one with `EXIT_CELLS` for nearly all jobs, and one
with as many cells as the whole model has for jobs that are longer. For SmolLM2 the first takes 43 MB and the
second, with the usual 4,096 cells, 110 MB.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from .backend import FullBackend
from .cores import Cores
from .jobs import Job, Pending
from .lane import Lane
from .prefixes import PrefixStore

EXIT_CELLS: Final = 1024
"""Cells of the cache behind an exit, unless a job needs more."""

_Place: TypeAlias = tuple[int | None, int]
"""A lane's exit (`None` for the whole model) and its cells."""


class LaneGroup:
    """Lanes that take turns. A scheduler's `Runner`: used by one thread, but for `interrupt_if_over`. Groups
    with the same `cores` take turns too, if there are not enough.
    """

    def __init__(
        self, backend: FullBackend, store: PrefixStore | None = None, cores: Cores | None = None
    ) -> None:
        self.backend = backend
        self.store = PrefixStore() if store is None else store
        self.full = Lane(backend, self.store, cores=cores)
        self._cores = cores
        self._lanes: dict[_Place, Lane] = {(None, backend.n_cells): self.full}
        self._turn = 0

    @property
    def lanes(self) -> list[Lane]:
        """The lanes that there are by now; the first one's backend owns the weights."""
        return list(self._lanes.values())

    @property
    def is_busy(self) -> bool:
        return any(lane.is_busy for lane in self.lanes)

    def wants(self, job: Pending[Any]) -> bool:
        """Whether the next batch of the job's lane has room for its tokens."""
        assert isinstance(job, Job)
        lane = self._lanes.get(self._place(job))
        return lane is None or lane.wants_more()

    def admit(self, job: Pending[Any]) -> bool:
        """Start a job, unless it has to wait for those that are here."""
        assert isinstance(job, Job)
        if job.is_over():
            return True
        try:
            lane = self._lane(job)
        except Exception as error:  # also a defect of ours: it ends this job, and is raised to who asked
            job.fail(error)
            return True
        return lane.admit(job)

    def step(self, threads: int) -> None:
        """Evaluate one batch, of the next lane that is busy."""
        lanes = self.lanes
        for _ in lanes:
            self._turn = (self._turn + 1) % len(lanes)
            if lanes[self._turn].is_busy:
                lanes[self._turn].step(threads)
                return

    def interrupt_if_over(self) -> None:
        """End the batch that runs now early if nobody waits for any of it."""
        for lane in self.lanes:
            lane.interrupt_if_over()

    def fail_all(self, error: BaseException) -> None:
        """End every job with an error and forget all prefixes."""
        for lane in self.lanes:
            lane.fail_all(error)

    def clone(self) -> LaneGroup:
        """Another group over the same weights, with the same store. Raises `ModelError` without memory."""
        return LaneGroup(self.backend.clone(), self.store, self._cores)

    def close(self) -> None:
        """Free the caches, and the model with the last group."""
        for lane in reversed(self.lanes):
            lane.backend.close()
        self.store.clear()

    def _place(self, job: Job[Any]) -> _Place:
        cells = self.backend.n_cells
        if job.exit is not None and len(job.prefix) + job.max_tokens <= EXIT_CELLS:
            cells = min(cells, EXIT_CELLS)
        return job.exit, cells

    def _lane(self, job: Job[Any]) -> Lane:
        """The job's lane, made if there is none yet."""
        place = self._place(job)
        lane = self._lanes.get(place)
        if lane is None:
            exit, cells = place
            assert exit is not None
            backend = self.backend.exit_after(exit, cells)
            lane = self._lanes[place] = Lane(backend, self.store, exit, self._cores)
        return lane
