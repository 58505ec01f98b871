"""A lane: one KV cache and the jobs that run in it, which share every batch.

Each job is a coroutine that asks for tokens to be evaluated (see `decoding`), which is its *work* until it
gets the logits. Evaluating a batch costs nearly the same for one token as for forty, so the lane puts the
work of many jobs into each. Three things have to be shared out, as in vLLM's scheduler, from which the names
are taken:

*The batch.* Short work goes into a batch together: the one that waits longest, then the shortest. Long work,
such as a prefix or a long argument, is evaluated in parts, each by itself. Where there are both, a part and a
batch of short work take turns, so that neither kind starves the other.

*The cells of the cache.* What an answer can take at worst is known before it starts, and is many times what
it takes as a rule. Reserving the worst case would leave the cache half empty, so a running job is allocated
what it probably needs, and more as it goes. That can end with all cells taken and nobody able to go on. Then
the job that came last is preempted: its cells are freed for those that came before it, and it waits. When
there is room again, it is resumed: the tokens that it had, which it has kept (see `sequences`), are evaluated
anew, in one go with what it had asked for. Its coroutine notices nothing of this, so nothing is chosen, or
told to a listener, a second time.

*What is left over.* The batches of a job that is alone are small. Tokens that it will probably ask for next
go with them (see `drafts`); if it does ask for them, it is sent their rows without another batch. They take
only cells that are allocated to the job anyhow. Where several jobs share batches, nothing is guessed, for it
would cost the others what it saves.

All jobs end, because the oldest one can always go on: everything else in the cache can be made to give way to
it, and its worst case was found to fit before it was made. When it ends, the next one is the oldest. For the
same reason no new job starts while a preempted one waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from ..errors import EngineError
from .backend import BATCH_TOKENS, Backend, Interrupted, Rows, SequencePool, Step, check_fits
from .cores import Cores, Turns
from .decoding import Cursor, Decoding
from .jobs import Job
from .prefixes import Prefix, PrefixStore, PrefixTree
from .sequences import Sequences
from .work import Work, pack, part

MAX_RUNNING: Final = 16
"""Jobs in one lane."""

_LOOKAHEAD: Final = 64
"""Cells that a job is allocated beyond those that it needs now, so that it does not ask at every token."""


class _Run:
    """A job in a lane. `cells` are allocated to it beside those of its prefix; `work` is what it has asked
    for, once it has begun."""

    def __init__(self, job: Job[Any], pool: SequencePool) -> None:
        self.job = job
        self.sequences = Sequences(pool, len(job.prefix))
        self.cells = 0
        self.prefix: Prefix | None = None
        self.cached: int | None = None
        self.cursor: Cursor | None = None
        self.decoding: Decoding[Any] | None = None
        self.work: _Work | None = None

    def needs(self) -> int:
        """The cells that it must have for what it has asked for."""
        if self.cursor is None:
            return self.job.expected_tokens
        # The tally also counts what was evaluated in sequences that have been given back since.
        return min(self.cursor.tally.decoded, self.job.max_tokens)

    def wants(self) -> int:
        """The cells that it should have."""
        if self.cursor is None:
            return self.job.expected_tokens
        return min(self.needs() + _LOOKAHEAD, self.job.max_tokens)


_Work: TypeAlias = Work[_Run | Prefix]
"""Of a run, or of a prefix that is being loaded."""


class Lane:
    """Jobs side by side on one backend. Used by one thread, but for `interrupt_if_over`.

    `store` has prefixes of all lanes; `exit` says after how many layers the backend ends, if it does. Lanes
    with the same `cores` take turns at them.

    The running jobs and behind them the preempted ones are always in the order in which they were admitted.
    """

    def __init__(
        self, backend: Backend, store: PrefixStore, exit: int | None = None, cores: Cores | None = None
    ) -> None:
        self.backend = backend
        self._turns = Turns(cores or Cores(1), backend.interrupt)
        self.pool = SequencePool(backend)
        self.prefixes = PrefixTree(self.pool, store, exit)
        self._running: list[_Run] = []
        self._preempted: list[_Run] = []
        self._work: list[_Work] = []
        self._was_long = False

    @property
    def is_busy(self) -> bool:
        return bool(self._running or self._preempted or self._work)

    def wants_more(self) -> bool:
        """Whether the next batch of short work has room for another job's tokens."""
        short = sum(work.left() for work in self._work if work.left() <= BATCH_TOKENS)
        return short < BATCH_TOKENS and len(self._running) < MAX_RUNNING and not self._preempted

    def admit(self, job: Job[Any]) -> bool:
        """Start a job, unless it has to wait for those that are here."""
        if job.is_over():
            return True
        return not self._preempted and self._start(_Run(job, self.pool))

    def step(self, threads: int) -> None:
        """Evaluate one batch and give every job its part."""
        for run in [run for run in (*self._running, *self._preempted) if run.job.is_over()]:
            self._end(run)
        self._schedule()
        parts = self._next_batch()
        if not parts:
            return
        batch = Step()
        for work, count in parts:
            batch.extend(work.step, work.done, work.done + count)
        draft = self._draft(parts)
        batch.extend(draft, 0, len(draft.tokens))
        owners = [work.owner for work, _ in parts]
        try:
            with self._turns.taken(threads, [job for owner in owners for job in self._jobs(owner)]):
                rows = self.backend.decode(batch, threads)
        except Exception as error:  # also a defect of ours: it ends who had a part in the batch, not the lane
            self._lose([work for work, _ in parts], error)
            return
        if draft.rows and isinstance(owner := owners[0], _Run):
            owner.sequences.note_draft(draft, rows[-len(draft.rows) :])
        start = 0
        for work, count in parts:
            if isinstance(work.owner, _Run):
                work.owner.sequences.note(work.step, work.done, work.done + count)
            asked = sum(work.done <= row < work.done + count for row in work.step.rows)
            found = work.advance(count, rows[start : start + asked])
            start += asked
            if found is not None:
                self._work.remove(work)
                self._deliver(work.owner, found)

    def interrupt_if_over(self) -> None:
        """End the batch that runs now early if nobody waits for any of it."""
        self._turns.interrupt_if_over()

    def fail_all(self, error: BaseException) -> None:
        """End every job with an error and forget all prefixes."""
        for run in [*self._running, *self._preempted]:
            run.job.fail(error)
            self._end(run)
        self._work.clear()
        self.prefixes.clear()

    # ------------------------------------------------------------------------------------------ batches

    def _next_batch(self) -> list[tuple[_Work, int]]:
        """What to evaluate next, with how many tokens of each: short work together, or a part of the long one
        that waits longest, in turns where there are both."""
        short = [work for work in self._work if work.left() <= BATCH_TOKENS]
        long = [work for work in self._work if work.left() > BATCH_TOKENS]
        self._was_long = bool(long) and not (short and self._was_long)
        if self._was_long:
            return [(long[0], part(long[0].left()))]
        return [(work, work.left()) for work in pack(short)]

    def _draft(self, parts: Sequence[tuple[_Work, int]]) -> Step:
        """What the only job that has work will probably ask for next, to go with its batch."""
        draft = Step()
        work, count = parts[0]
        run = work.owner
        if len(self._work) > 1 or isinstance(run, Prefix) or run.job.drafts is None or run.cursor is None:
            return draft
        if count < work.left() or count > BATCH_TOKENS or (number := _only_sequence(work.step)) is None:
            return draft
        text = [*run.sequences.tokens(number), *work.step.tokens[work.done :]]
        position = work.step.positions[-1] + 1
        room = min(BATCH_TOKENS - count, run.cells - run.cursor.tally.decoded)
        for segment in run.job.drafts.draft(text, run.job.pending, room):
            for token in segment:
                draft.add(token, position + len(draft.tokens), (number,))
            draft.rows.append(len(draft.tokens) - 1)
        return draft

    # -------------------------------------------------------------------------------------------- cells

    def _schedule(self) -> None:
        """Before each batch: allocate the cells that the running jobs need for what they have asked for, the
        oldest first; where there are none, the youngest is preempted, be it the one that asks. Then resume
        preempted jobs, again the oldest first, as far as there is room."""
        for run in list(self._running):
            while run in self._running and not self._allocate(run):
                self._preempt(self._running[-1])
        while self._preempted and len(self._running) < MAX_RUNNING:
            if not self._start(self._preempted[0]):
                break

    def _allocate(self, run: _Run) -> bool:
        """Reserve the cells that a running job needs by now, or return that there are none."""
        if run.needs() <= run.cells:
            return True
        cells, sequences = self._left_by_others(run)
        for wanted in (run.wants(), run.needs()):
            if self.prefixes.make_room(cells - wanted, sequences, None):
                run.cells = wanted
                return True
        return False

    def _preempt(self, run: _Run) -> None:
        """Take a running job's cells away; `_start` resumes it."""
        self._running.remove(run)
        self._preempted.insert(0, run)
        run.cells = 0
        run.sequences.evict()
        self._set_aside(run)

    def _start(self, run: _Run) -> bool:
        """Let a new or a preempted job run, unless there is no room for it beside those that run."""
        try:
            if self._make_room(run):
                self._enter(run)
            elif self._running or self._work:
                return False
            else:
                raise EngineError("a call needs more cache than there is")
        except Exception as error:  # also a defect of ours: it ends this job, and is raised to who asked
            self._end(run)
            run.job.fail(error)
        return True

    def _make_room(self, run: _Run) -> bool:
        """Reserve what a job needs to start, its prefix included, unless others hold it."""
        new_cells, new_sequences, keep = self.prefixes.cost(run.job.prefix)
        cells, sequences = self._left_by_others(run)
        # With less than it wants, a resumed job would soon be preempted again; alone it has to do with less.
        for wanted in (run.wants(),) if self._running else (run.wants(), run.needs()):
            run.cells = wanted
            if self.prefixes.make_room(cells - wanted - new_cells, sequences + new_sequences, keep):
                return True
            # A prefix that it would share a beginning with may be what is in its way.
            whole = len(run.job.prefix)
            if not self._running and self.prefixes.make_room(cells - wanted - whole, sequences + 1, None):
                return True
        run.cells = 0
        return False

    def _left_by_others(self, run: _Run) -> tuple[int, int]:
        """The cells that `run` and the prefixes may have together, and the sequences that have to stay free
        for `run` and all others: what a job may take at most is kept for it from its start to its end, also
        while it is preempted."""
        others = [other for other in (*self._running, *self._preempted) if other is not run]
        cells = self.backend.n_cells - sum(other.cells for other in others)
        sequences = sum(one.job.max_sequences - len(one.sequences) for one in (run, *others))
        return cells, sequences

    # --------------------------------------------------------------------------------------------- jobs

    def _enter(self, run: _Run) -> None:
        """A job has its cells: it runs as soon as its prefix is there."""
        job = run.job
        job.begin()
        if run in self._preempted:
            self._preempted.remove(run)
        self._running.append(run)
        cached = 0
        if job.prefix:
            node = self.prefixes.find(job.prefix)
            cached = len(job.prefix)
            if node is None:
                node = self.prefixes.add(job.prefix, is_state=job.ends_in_state)
                if not node.is_ready:
                    cached = node.shared
                    self._work.append(Work(node.step(), node))
            run.prefix = node
            self.prefixes.acquire(node)
            self.prefixes.trim(node)
        if run.cached is None:
            run.cached = cached
        if run.prefix is None or run.prefix.is_ready:
            self._begin(run)

    def _begin(self, run: _Run) -> None:
        """The prefix is there: begin, or go on with what a preempted job had asked for."""
        prefix = None if run.prefix is None else run.prefix.sequence
        if run.work is not None:
            run.work.put_before(run.sequences.restore(prefix))
            self._work.append(run.work)
            return
        job = run.job
        sequence = run.sequences.open(prefix)
        run.cursor = Cursor(run.sequences, sequence, len(job.prefix), list(job.pending))
        run.decoding = job.decode(run.cursor, run.cached or 0)
        self._send(run, None)

    def _send(self, run: _Run, rows: Rows | None) -> None:
        """Send a coroutine the rows that it asked for; it asks for the next step, or ends."""
        assert run.decoding is not None
        try:
            while True:
                # A generator that has not begun is sent `None`.
                step = run.decoding.send(rows)  # type: ignore[arg-type]
                check_fits(step, self.backend)
                _learn(run, step)
                run.work = Work(step, run, *run.sequences.take_drafted(step))
                if (rows := run.work.rows()) is None:
                    break
        except StopIteration as end:
            _learn(run, Step())
            self._end(run)
            run.job.succeed(end.value)
        except Exception as error:  # also a defect of ours: it ends this job, and is raised to who asked
            self._end(run)
            run.job.fail(error)
        else:
            self._work.append(run.work)

    def _deliver(self, owner: _Run | Prefix, rows: Rows) -> None:
        """A step was evaluated."""
        if isinstance(owner, _Run):
            self._send(owner, rows)
            return
        self.prefixes.keep(owner)
        for run in [run for run in self._running if run.prefix is owner]:
            self._begin(run)

    def _end(self, run: _Run) -> None:
        """Give back all that a job holds."""
        for runs in (self._running, self._preempted):
            if run in runs:
                runs.remove(run)
        self._set_aside(run)
        if run.decoding is not None:
            run.decoding.close()
        run.sequences.close()

    def _set_aside(self, run: _Run) -> None:
        """Keep a job's work out of batches, and do without its prefix."""
        if run.work in self._work:
            self._work.remove(run.work)
        if run.prefix is not None:
            self.prefixes.release(run.prefix)
            self._drop_if_unwanted(run.prefix)
            run.prefix = None

    def _drop_if_unwanted(self, prefix: Prefix) -> None:
        """Do not evaluate a state that nobody asks about any more; other prefixes later calls will want."""
        if prefix.is_state and not prefix.is_ready and not prefix.users:
            self._work = [work for work in self._work if work.owner is not prefix]
            self.prefixes.evict(prefix)

    def _jobs(self, owner: _Run | Prefix) -> list[Job[Any] | None]:
        """The jobs that wait for what is evaluated for an owner; `None` stands for those to come."""
        if isinstance(owner, _Run):
            return [owner.job]
        return [run.job for run in self._running if run.prefix is owner] if owner.is_state else [None]

    def _lose(self, lost: Sequence[_Work], error: Exception) -> None:
        """A batch failed or was interrupted: end all that had a part in it."""
        for work in lost:
            owner = work.owner
            runs = (
                [owner] if isinstance(owner, _Run) else [run for run in self._running if run.prefix is owner]
            )
            for run in runs:
                if not isinstance(error, Interrupted):  # who was interrupted is over already
                    run.job.fail(error)
                self._end(run)
            if isinstance(owner, Prefix) and work in self._work:
                self._work.remove(work)
                self.prefixes.evict(owner)


def _only_sequence(step: Step) -> int | None:
    """The sequence that all tokens of a step are in, if there is no other one."""
    sequences = set(step.sequences)
    return next(iter(sequences))[0] if len(sequences) == 1 and len(step.sequences[0]) == 1 else None


def _learn(run: _Run, step: Step) -> None:
    """Let later drafts know what was asked for behind the tokens of a job; with no step, nothing more."""
    if run.job.drafts is None or run.cursor is None:
        return
    number = _only_sequence(step) if step.tokens else run.cursor.sequence
    if number is not None and (before := run.sequences.tokens(number)):
        run.job.drafts.learn(before, step.tokens, run.job.pending)
