"""A lane: what shares a batch, what waits, what an error leaves behind."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pytest

from microprompt.errors import AnswerTooLong, DeadlineExceeded, EngineError
from microprompt.scheduling.backend import BATCH_TOKENS, LONG_BATCH_TOKENS, Interrupted, Rows, Step
from microprompt.scheduling.decoding import MAX_SEQUENCES, Cursor, Decoding
from microprompt.scheduling.jobs import Job
from microprompt.scheduling.lane import MAX_RUNNING, Lane
from microprompt.scheduling.prefixes import PrefixStore

from .jobs import ask, fail, job, write
from .programs import WatchedBackend, random_voice


def make(context: int = 4096, sequences: int = 256) -> tuple[Lane, WatchedBackend]:
    backend = WatchedBackend(random_voice(0), context=context, sequences=sequences)
    return Lane(backend, PrefixStore()), backend


def run(lane: Lane, jobs: Sequence[Job[str]]) -> list[str | BaseException]:
    """Run jobs to their ends, each admitted as soon as the lane takes it: their results or errors."""
    waiting = list(jobs)
    while waiting or lane.is_busy:
        while waiting and lane.wants_more() and lane.admit(waiting[0]):
            waiting.pop(0)
        lane.step(1)
    return [job.future.exception() or job.future.result() for job in jobs]


def prefixes_held(lane: Lane, backend: WatchedBackend) -> list[str]:
    """What the backend holds, all of which has to be prefixes, and the pool whole but for them."""
    held = sorted(text.decode() for text in backend.held().values())
    assert len(lane.pool) == backend.n_sequences - len(held)
    assert backend.cells() == lane.prefixes.cells()
    return held


def test_jobs_share_every_batch() -> None:
    lane, backend = make()
    results = run(lane, [ask(f"{n}?", "say: ") for n in range(5)])
    assert results == [f"say: {n}? ({5 if n else 0} cached)" for n in range(5)]
    # The prefix, the scoring of all five, and the look at what each holds.
    assert len(backend.steps) == 3
    assert prefixes_held(lane, backend) == ["say: "]


def test_jobs_with_different_prefixes_share_every_batch() -> None:
    lane, backend = make()
    results = run(lane, [ask("?", prefix) for prefix in ("one: ", "two: ", "three: ")])
    assert results == ["one: ? (0 cached)", "two: ? (0 cached)", "three: ? (0 cached)"]
    assert len(backend.steps) == 3


def test_a_prefix_is_evaluated_once() -> None:
    lane, backend = make()
    run(lane, [ask("1?", "say: ")])
    before = sum(backend.steps)
    assert run(lane, [ask("2?", "say: ")]) == ["say: 2? (5 cached)"]
    # The argument, two inner nodes beside it, and the label's last two tokens.
    assert sum(backend.steps) - before == 2 + 2 + 2


def test_no_batch_is_longer_than_its_limit() -> None:
    lane, backend = make()
    assert run(lane, [ask("x" * 500)]) == ["x" * 500 + " (0 cached)"]
    assert max(backend.steps) == LONG_BATCH_TOKENS
    assert sum(backend.steps) == 500 + 2 + 2
    run(lane, [job(write(1), tokens=25) for _ in range(9)])
    assert max(backend.steps[5:]) == 50 <= BATCH_TOKENS


@pytest.mark.parametrize("length", [59, 60, 61, 64, 127, 128, 129, 130, 131, 132, 255, 256, 257, 258])
def test_no_text_is_cut_so_that_a_token_is_left_alone(length: int) -> None:
    lane, backend = make()
    run(lane, [job(write(1), tokens=length)])
    assert sum(backend.steps) == length
    assert min(backend.steps) >= 4


def test_how_a_text_is_cut_does_not_depend_on_its_company() -> None:
    lane, backend = make()
    run(lane, [job(write(1), tokens=300)])
    alone = list(backend.steps)
    backend.steps.clear()
    run(lane, [job(write(1), tokens=tokens) for tokens in (7, 300, 50, 9)])
    assert alone == [128, 128, 44]
    assert backend.steps.count(128) == 2


def test_a_short_job_does_not_wait_for_a_long_text() -> None:
    lane, _ = make()
    long, short = ask("x" * 1000), ask("1?")
    lane.admit(long)
    lane.step(1)
    lane.admit(short)
    for _ in range(3):
        lane.step(1)
    assert short.future.result() == "1? (0 cached)"
    assert not long.future.done()
    assert run(lane, []) == []
    assert long.future.done()


def test_a_long_text_goes_on_beside_a_stream_of_short_jobs() -> None:
    lane, backend = make()
    long = job(write(1), tokens=600)
    lane.admit(long)
    batches = 0
    while not long.future.done():
        while lane.wants_more():
            lane.admit(job(write(1), tokens=20))
        lane.step(1)
        batches += 1
    # It has five parts, and a batch of short ones runs between two of them.
    assert batches == 9
    run(lane, [])
    assert prefixes_held(lane, backend) == []


def test_no_more_jobs_than_the_limit_run_side_by_side() -> None:
    lane, _ = make()
    jobs = [job(write(3)) for _ in range(MAX_RUNNING + 1)]
    admitted = 0
    while lane.wants_more():
        lane.admit(jobs[admitted])
        admitted += 1
    assert admitted == MAX_RUNNING


@pytest.mark.parametrize(("context", "sequences"), [(40, 256), (4096, 8)])
def test_jobs_that_do_not_fit_together_run_one_after_the_other(context: int, sequences: int) -> None:
    lane, backend = make(context, sequences)
    results = run(lane, [ask(f"{n}?", "say: ") for n in range(8)])
    assert [str(result).split(" (")[0] for result in results] == [f"say: {n}?" for n in range(8)]
    assert backend.most_cells <= context


def test_a_job_that_no_cache_holds_is_an_error() -> None:
    lane, backend = make(context=40)
    [error] = run(lane, [ask("1?", expected=100)])
    assert isinstance(error, EngineError)
    assert prefixes_held(lane, backend) == []


# ------------------------------------------------------------------------------------------- errors


def test_a_job_that_fails_ends_alone() -> None:
    lane, backend = make()
    error = AnswerTooLong("too long")
    assert run(lane, [ask("1?"), job(fail(error, after=1)), ask("2?")]) == [
        "1? (0 cached)",
        error,
        "2? (0 cached)",
    ]
    assert prefixes_held(lane, backend) == []


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_defect_in_a_decoding_ends_it_alone_and_is_raised_to_who_asked(after: int) -> None:
    lane, backend = make()
    defect = KeyError("defect")
    assert run(lane, [ask("1?"), job(fail(defect, after=after)), ask("2?")]) == [
        "1? (0 cached)",
        defect,
        "2? (0 cached)",
    ]
    assert prefixes_held(lane, backend) == []


class FailingBackend(WatchedBackend):
    """Fails at the batches whose numbers are given."""

    def __init__(self, *failing: int, error: Exception | None = None) -> None:
        super().__init__(random_voice(0))
        self.failing = failing
        self.error = error or EngineError("no luck")

    def decode(self, step: Step, threads: int) -> Rows:
        rows = super().decode(step, threads)
        if len(self.steps) - 1 in self.failing:
            raise self.error
        return rows


@pytest.mark.parametrize("failing", [0, 1, 2])
@pytest.mark.parametrize("error", [EngineError("no luck"), OSError("a defect")])
def test_a_failing_batch_ends_its_jobs_and_leaves_nothing_behind(failing: int, error: Exception) -> None:
    backend = FailingBackend(failing, error=error)
    lane = Lane(backend, PrefixStore())
    assert run(lane, [ask("1?", "say: "), ask("2?", "say: ")]) == [error, error]
    assert prefixes_held(lane, backend) == (["say: "] if failing else [])
    assert run(lane, [ask("3?", "say: ")]) == [f"say: 3? ({5 if failing else 0} cached)"]


# ------------------------------------------------------------------------- deadlines, cancellation


def test_a_job_past_its_deadline_is_not_begun() -> None:
    lane, backend = make()
    late = ask("1?", "say: ")
    late.deadline = time.monotonic() - 1
    [error] = run(lane, [late])
    assert isinstance(error, DeadlineExceeded)
    assert backend.steps == []


def test_a_timeout_counts_from_when_the_job_begins() -> None:
    lane, backend = make()
    timed = job(write(1000))
    timed.timeout = 0.02
    time.sleep(0.03)
    lane.admit(timed)
    lane.step(1)
    assert not timed.future.done()
    time.sleep(0.03)
    lane.step(1)
    assert isinstance(timed.future.exception(), DeadlineExceeded)
    assert prefixes_held(lane, backend) == []


def test_a_cancelled_job_ends_between_batches_and_the_others_go_on() -> None:
    lane, backend = make()
    gone, stays = job(write(50)), ask("1?", "say: ")
    lane.admit(gone)
    lane.admit(stays)
    lane.step(1)
    gone.future.cancel()
    run(lane, [])
    assert stays.future.result() == "say: 1? (0 cached)"
    assert prefixes_held(lane, backend) == ["say: "]


def test_a_batch_is_interrupted_only_when_nobody_waits_for_any_of_it() -> None:
    class Interruptible(WatchedBackend):
        wanted = 0

        def decode(self, step: Step, threads: int) -> Rows:
            if len(self.steps) == self.wanted:
                one.future.cancel()
                lane.interrupt_if_over()
                assert not interrupted
                two.future.cancel()
                lane.interrupt_if_over()
                assert interrupted
                raise Interrupted
            return super().decode(step, threads)

        def interrupt(self) -> None:
            interrupted.append(True)

    interrupted: list[bool] = []
    backend = Interruptible(random_voice(0))
    lane = Lane(backend, PrefixStore())
    one, two = ask("1?"), ask("2?")
    lane.admit(one)
    lane.admit(two)
    lane.step(1)
    assert not lane.is_busy
    assert prefixes_held(lane, backend) == []
    backend.wanted = -1
    assert run(lane, [ask("3?")]) == ["3? (0 cached)"]


def test_a_prefix_is_loaded_to_its_end_even_if_the_caller_left() -> None:
    lane, backend = make()
    gone = ask("1?", "p" * 100)
    lane.admit(gone)
    lane.step(1)
    gone.future.cancel()
    run(lane, [])
    assert prefixes_held(lane, backend) == ["p" * 100]


def test_ending_a_lane_gives_everything_back() -> None:
    lane, backend = make()
    jobs = [ask("1?", "say: "), ask("2?", "do: "), job(write(9))]
    for one in jobs:
        lane.admit(one)
    lane.step(1)
    lane.fail_all(EngineError("closed"))
    assert [str(one.future.exception()) for one in jobs] == ["closed"] * 3
    assert backend.held() == {}
    assert len(lane.pool) == backend.n_sequences


def test_two_labels_of_one_job_share_the_prompts_cells() -> None:
    lane, backend = make()
    run(lane, [ask("x" * 50, "say: ")])
    assert backend.most_cells <= 5 + 50 + 8
    assert np.max(backend.steps) <= 52


# ------------------------------------------------------------------------- what a backend has no room for


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (Step([1], [0], [tuple(range(MAX_SEQUENCES + 1))], [0]), "a token in 67 sequences"),
        (Step([1], [4096], [(0,)], [0]), "position outside the 4096"),
        (Step([1], [-1], [(0,)], [0]), "position outside the 4096"),
        (Step([1] * 4097, [0] * 4097, [(0,)] * 4097, [0]), "a step of 4097 tokens"),
    ],
)
def test_a_step_that_is_larger_than_the_backend_ends_its_job_before_it_gets_there(
    step: Step, message: str
) -> None:
    def decode(cursor: Cursor, _: int) -> Decoding[str]:
        yield step
        return "done"

    lane, backend = make()
    error, right = run(lane, [job(decode), ask("1?")])
    assert isinstance(error, EngineError)
    assert message in str(error)
    assert right == "1? (0 cached)"
    assert sum(backend.steps) == 2 + 2 + 2
    assert prefixes_held(lane, backend) == []
