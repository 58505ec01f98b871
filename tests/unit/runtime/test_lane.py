"""A lane: what shares a batch, what waits, what an error leaves behind."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microprompt.errors import AnswerTooLong, DeadlineExceeded, EngineError
from microprompt.scheduling.backend import BATCH_TOKENS, LONG_BATCH_TOKENS, Interrupted, Rows, Step
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


# ---------------------------------------------------------------------------------- jobs that take more


def growing(count: int) -> Job[str]:
    """A job that writes that many tokens, and could have written 250."""
    return job(write(count), expected=8, at_most=250)


def test_jobs_whose_worst_cases_do_not_fit_together_run_side_by_side() -> None:
    lane, backend = make(context=256)
    assert run(lane, [growing(20) for _ in range(4)]) == ["done"] * 4
    assert len(backend.steps) == 20
    assert backend.held() == {}


def test_the_youngest_gives_way_and_is_begun_again() -> None:
    lane, backend = make(context=256)
    first, second = growing(200), growing(200)
    assert run(lane, [first, second]) == ["done", "done"]
    # The first one wrote on without a break, the second one began anew when there was room for it.
    assert len(backend.steps) > 200
    assert sum(backend.steps) > 400
    assert backend.most_cells <= 256
    assert backend.held() == {}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 250), min_size=1, max_size=12), st.sampled_from((256, 300, 700)))
def test_all_that_grow_end_whatever_their_lengths(lengths: list[int], context: int) -> None:
    lane, backend = make(context=context)
    assert run(lane, [growing(length) for length in lengths]) == ["done"] * len(lengths)
    assert backend.held() == {}


def test_a_short_job_runs_beside_one_that_grows() -> None:
    lane, backend = make(context=256)
    long, short = growing(150), ask("Is it?")
    waiting = [long, short]
    while not short.future.done():
        while waiting and lane.admit(waiting[0]):
            waiting.pop(0)
        lane.step(1)
    assert not long.future.done()
    assert len(backend.steps) < 10
    assert run(lane, []) == []


def test_a_prefix_makes_room_for_a_job_that_grows() -> None:
    lane, backend = make(context=256)
    run(lane, [ask("?", "a prefix of some length: ")])
    assert run(lane, [growing(249)]) == ["done"]
    assert backend.held() == {}


@pytest.mark.parametrize("begun_again", [False, True])
def test_a_job_that_waits_for_cells_can_be_cancelled(begun_again: bool) -> None:
    lane, backend = make(context=256)
    first, second = growing(240), growing(240)
    lane.admit(first)
    lane.admit(second)
    for _ in range(200 if begun_again else 120):
        lane.step(1)
    second.future.cancel()
    run(lane, [])
    assert first.future.result() == "done"
    assert backend.held() == {}


def test_a_timeout_counts_on_for_a_job_that_begins_again() -> None:
    lane, _ = make(context=256)
    first, second = growing(240), growing(240)
    second.timeout = 60.0
    lane.admit(first)
    lane.admit(second)
    deadline = second.deadline
    assert deadline is not None
    run(lane, [])
    assert (first.future.result(), second.future.result()) == ("done", "done")
    assert second.deadline == deadline
