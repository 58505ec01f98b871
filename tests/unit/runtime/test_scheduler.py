"""The scheduler: what shares a batch, what stays in the cache, what an error leaves behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from microprompt.engines.decoding import Cursor, Decoding, Sampler, choose
from microprompt.engines.scheduler import MAX_BATCH, Job, Scheduler
from microprompt.errors import AnswerTooLong, DeadlineExceeded, EngineError, MicropromptError
from microprompt.trie import build_trie

from .programs import WatchedBackend, random_voice

TRIE = build_trie([tuple(b"aa\n"), tuple(b"ab\n"), tuple(b"ba\n"), tuple(b"bb\n")])


def make(context: int = 4096, sequences: int = 256) -> tuple[Scheduler, WatchedBackend]:
    backend = WatchedBackend(random_voice(0), context=context, sequences=sequences)
    return Scheduler(backend), backend


def ask(scheduler: Scheduler, pending: str, prefix: str = "", *, cells: int | None = None) -> Job[str]:
    """A job that scores four labels of colliding tokens and tells what its sequence held."""
    backend = scheduler.backend
    assert isinstance(backend, WatchedBackend)

    def decode(cursor: Cursor, cached: int) -> Decoding[str]:
        best, _ = yield from choose(cursor, TRIE, Sampler(0.0, None), scheduler.pool, backend)
        yield cursor.flush()
        held = backend.held()[cursor.sequence].decode().removesuffix(bytes(TRIE.labels[best]).decode())
        return f"{held} ({cached} cached)"

    return Job(
        prefix=tuple(prefix.encode()),
        pending=list(pending.encode()),
        cells=len(pending) + 8 if cells is None else cells,
        sequences=3,
        decode=decode,
    )


def fail(error: Exception, *, after: int) -> Callable[[Cursor, int], Decoding[str]]:
    """A decoding that raises after some steps."""

    def decode(cursor: Cursor, _: int) -> Decoding[str]:
        for _round in range(after):
            yield cursor.flush()
            cursor.pending.append(ord("."))
        raise error

    return decode


def prefixes_held(scheduler: Scheduler, backend: WatchedBackend) -> list[str]:
    """What the backend holds, all of which has to be prefixes, and the pool whole but for them."""
    held = sorted(text.decode() for text in backend.held().values())
    assert len(scheduler.pool) == backend.n_sequences - len(held)
    return held


def test_jobs_with_one_prefix_share_every_batch() -> None:
    scheduler, backend = make()
    results = scheduler.run([ask(scheduler, f"{n}?", "say: ") for n in range(5)], None)
    assert results == [f"say: {n}? ({5 if n else 0} cached)" for n in range(5)]
    # The prefix, the scoring of all five, and the look at what each holds.
    assert len(backend.steps) == 3
    assert prefixes_held(scheduler, backend) == ["say: "]


def test_a_prefix_is_evaluated_once() -> None:
    scheduler, backend = make()
    scheduler.run([ask(scheduler, "1?", "say: ")], None)
    before = sum(backend.steps)
    assert scheduler.run([ask(scheduler, "2?", "say: ")], None) == ["say: 2? (5 cached)"]
    # The argument, two inner nodes beside it, and the label's last two tokens.
    assert sum(backend.steps) - before == 2 + 2 + 2


def test_no_jobs_no_results() -> None:
    scheduler, _ = make()
    assert scheduler.run([], None) == []


def test_results_keep_the_order_of_jobs_with_many_prefixes() -> None:
    scheduler, backend = make()
    jobs = [ask(scheduler, f"{n}?", "xyz"[n % 3] * 4) for n in range(40)]
    results = scheduler.run(jobs, None)
    assert [str(result).split(" ")[0] for result in results] == [f"{'xyz'[n % 3] * 4}{n}?" for n in range(40)]
    assert prefixes_held(scheduler, backend) == ["xxxx", "yyyy", "zzzz"]


def test_no_more_than_a_batch_of_jobs_runs_side_by_side() -> None:
    scheduler, backend = make()
    scheduler.run([ask(scheduler, "1?") for _ in range(MAX_BATCH + 1)], None)
    assert backend.steps[0] == MAX_BATCH * 4
    assert backend.steps[2] == 4


def test_the_least_recently_used_prefix_goes_when_cells_run_out() -> None:
    scheduler, backend = make(context=60)
    for prefix in ("a" * 20, "b" * 20, "a" * 20, "c" * 20):
        scheduler.run([ask(scheduler, "?", prefix)], None)
    assert prefixes_held(scheduler, backend) == ["a" * 20, "c" * 20]


def test_the_least_recently_used_prefix_goes_when_sequences_run_out() -> None:
    scheduler, backend = make(sequences=6)
    for prefix in "abcd":
        scheduler.run([ask(scheduler, "?", prefix)], None)
    assert prefixes_held(scheduler, backend) == ["b", "c", "d"]


@pytest.mark.parametrize(("context", "sequences"), [(40, 256), (4096, 8)])
def test_jobs_that_do_not_fit_together_run_one_after_the_other(context: int, sequences: int) -> None:
    scheduler, backend = make(context, sequences)
    results = scheduler.run([ask(scheduler, f"{n}?", "say: ") for n in range(8)], None)
    assert [str(result).split(" (")[0] for result in results] == [f"say: {n}?" for n in range(8)]
    assert backend.most_cells <= context


def test_a_job_that_fails_ends_alone() -> None:
    scheduler, backend = make()
    error = AnswerTooLong("too long")
    jobs = [
        ask(scheduler, "1?"),
        Job(prefix=(), pending=[1], cells=9, sequences=1, decode=fail(error, after=1)),
        ask(scheduler, "2?"),
    ]
    assert scheduler.run(jobs, None) == ["1? (0 cached)", error, "2? (0 cached)"]
    assert prefixes_held(scheduler, backend) == []


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_defect_in_a_decoding_leaves_nothing_behind(after: int) -> None:
    scheduler, backend = make()
    broken = Job(prefix=(), pending=[1], cells=9, sequences=1, decode=fail(KeyError("defect"), after=after))
    with pytest.raises(KeyError) as caught:
        scheduler.run([ask(scheduler, "1?"), broken, ask(scheduler, "2?")], None)
    assert prefixes_held(scheduler, backend) == []
    assert caught.value.args == ("defect",)
    assert scheduler.run([ask(scheduler, "3?")], None) == ["3? (0 cached)"]


class FailingBackend(WatchedBackend):
    """Fails at the batches whose numbers are given."""

    def __init__(self, *failing: int) -> None:
        super().__init__(random_voice(0))
        self.failing = failing

    def decode(self, step, deadline):  # type: ignore[no-untyped-def]  # as in the base class
        rows = super().decode(step, deadline)
        if len(self.steps) - 1 in self.failing:
            raise EngineError("no luck")
        return rows


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_failing_batch_ends_its_jobs_and_leaves_nothing_behind(failing: int) -> None:
    backend = FailingBackend(failing)
    scheduler = Scheduler(backend)
    results = scheduler.run([ask(scheduler, "1?", "say: "), ask(scheduler, "2?", "say: ")], None)
    assert [str(result) for result in results] == ["no luck", "no luck"]
    assert prefixes_held(scheduler, backend) == (["say: "] if failing else [])
    assert scheduler.run([ask(scheduler, "3?", "say: ")], None) == [f"say: 3? ({5 if failing else 0} cached)"]


def test_a_deadline_that_has_passed_raises_before_anything_runs() -> None:
    scheduler, backend = make()
    [result] = scheduler.run([ask(scheduler, "1?", "say: ")], time.monotonic() - 1)
    assert isinstance(result, DeadlineExceeded)
    assert backend.steps == [5]
    assert prefixes_held(scheduler, backend) == []


def test_a_deadline_far_away_is_none() -> None:
    scheduler, _ = make()
    assert scheduler.run([ask(scheduler, "1?")], time.monotonic() + 1e12) == ["1? (0 cached)"]


def test_waiting_for_a_busy_model_ends_with_the_deadline() -> None:
    scheduler, backend = make()
    started, may_end = threading.Event(), threading.Event()

    def decode(cursor: Cursor, _: int) -> Decoding[str]:
        yield cursor.flush()
        started.set()
        may_end.wait(20)
        return "done"

    found: list[list[str | MicropromptError]] = []
    slow = Job(prefix=(), pending=[1], cells=9, sequences=1, decode=decode)
    thread = threading.Thread(target=lambda: found.append(scheduler.run([slow], None)))
    thread.start()
    assert started.wait(20)
    [late] = scheduler.run([ask(scheduler, "1?")], time.monotonic() + 0.01)
    may_end.set()
    thread.join()
    assert isinstance(late, DeadlineExceeded)
    assert "busy" in str(late)
    assert found == [["done"]]
    assert prefixes_held(scheduler, backend) == []


def test_many_threads_get_their_own_results() -> None:
    scheduler, backend = make()
    found: dict[int, Sequence[str | MicropromptError]] = {}

    def work(number: int) -> None:
        found[number] = [
            scheduler.run([ask(scheduler, f"{number}.{n}?", "ab"[n % 2] * 3)], None)[0] for n in range(10)
        ]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, results in found.items():
        assert [str(result).split(" ")[0] for result in results] == [
            f"{'ab'[n % 2] * 3}{number}.{n}?" for n in range(10)
        ]
    assert len(found) == 8
    assert prefixes_held(scheduler, backend) == ["aaa", "bbb"]


def test_closing_empties_the_cache() -> None:
    scheduler, backend = make()
    scheduler.run([ask(scheduler, "1?", "say: ")], None)
    scheduler.close()
    assert backend.held() == {}
    assert len(scheduler.pool) == backend.n_sequences


def test_two_labels_of_one_job_share_the_prompts_cells() -> None:
    scheduler, backend = make()
    scheduler.run([ask(scheduler, "x" * 50, "say: ")], None)
    assert backend.most_cells <= 5 + 50 + 8
    assert np.max(backend.steps) <= 52
