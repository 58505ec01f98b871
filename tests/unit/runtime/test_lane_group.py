"""Lanes of one thread: on the whole model, and on models that end early."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from microprompt.errors import EngineError, ModelError
from microprompt.scheduling.backend import LONG_BATCH_TOKENS, Rows, Step
from microprompt.scheduling.jobs import Job
from microprompt.scheduling.lane import MAX_RUNNING
from microprompt.scheduling.lane_group import EXIT_CELLS, LaneGroup

from .jobs import ask, job, write
from .programs import WatchedBackend, random_voice


class Told(WatchedBackend):
    """Tells in `log`, which it shares with its exits, which of them evaluates."""

    def __init__(self, log: list[int | None], exit: int | None = None, context: int = 4096) -> None:
        super().__init__(random_voice(0), context=context)
        self.log = log
        self.exit = exit
        self.is_closed = False

    def decode(self, step: Step, threads: int) -> Rows:
        self.log.append(self.exit)
        return super().decode(step, threads)

    def exit_after(self, layer: int, cells: int) -> Told:
        return Told(self.log, layer, cells)

    def close(self) -> None:
        super().close()
        self.is_closed = True


def make(context: int = 4096) -> tuple[LaneGroup, list[int | None]]:
    log: list[int | None] = []
    return LaneGroup(Told(log, context=context)), log


def run(group: LaneGroup, jobs: Sequence[Job[str]]) -> list[str | BaseException]:
    """Run jobs to their ends, each admitted as soon as its lane takes it: their results or errors."""
    waiting = list(jobs)
    while waiting or group.is_busy:
        while waiting and group.wants(waiting[0]) and group.admit(waiting[0]):
            waiting.pop(0)
        group.step(1)
    return [one.future.exception() or one.future.result() for one in jobs]


def test_a_group_begins_with_the_whole_model_and_makes_a_lane_for_an_exit_once() -> None:
    group, log = make()
    run(group, [ask("1?")])
    assert len(group.lanes) == 1
    run(group, [ask("2?", exit=3), ask("3?", exit=5), ask("4?", exit=3)])
    assert len(group.lanes) == 3
    assert set(log) == {None, 3, 5}


def test_each_exit_has_its_own_prefixes() -> None:
    group, _ = make()
    results = [run(group, [ask("?", "say: ", exit=exit)]) for exit in (None, 3, 5, 3, None)]
    cached = [0, 0, 0, 5, 5]
    assert results == [[f"say: ? ({count} cached)"] for count in cached]


def test_a_prefix_that_left_the_cache_is_restored_behind_its_own_exit_only() -> None:
    group, _ = make()
    run(group, [ask("?", "say: "), ask("?", "say: ", exit=3)])
    for lane in group.lanes:
        lane.prefixes.clear()
    assert run(group, [ask("?", "say: ", exit=5)]) == ["say: ? (0 cached)"]
    assert run(group, [ask("?", "say: ", exit=3)]) == ["say: ? (5 cached)"]
    assert [lane.backend.restored for lane in group.lanes if isinstance(lane.backend, Told)] == [0, 1, 0]


def test_lanes_share_a_store_with_those_of_a_clone() -> None:
    group, _ = make()
    run(group, [ask("?", "say: ", exit=3)])
    assert run(group.clone(), [ask("?", "say: ", exit=3)]) == ["say: ? (5 cached)"]


def test_busy_lanes_take_turns() -> None:
    group, log = make()
    run(group, [job(write(1), exit=exit) for exit in (3, 5)])  # makes the lanes
    log.clear()
    run(group, [job(write(6), exit=exit) for exit in (None, 3, 5)])
    turns = [log[start : start + 3] for start in range(0, 18, 3)]
    assert all(set(turn) == {None, 3, 5} for turn in turns)


def test_a_job_does_not_wait_for_a_long_text_in_another_lane() -> None:
    group, log = make()
    long, short = job(write(1), tokens=10 * LONG_BATCH_TOKENS, exit=3), ask("1?")
    assert group.admit(long)
    group.step(1)
    assert group.admit(short)
    while not short.future.done():
        group.step(1)
    assert not long.future.done()
    assert log.count(3) <= 4


def test_a_lane_that_is_full_keeps_no_job_of_another_lane_waiting() -> None:
    group, _ = make()
    for _ in range(MAX_RUNNING):
        assert group.admit(job(write(3)))
    assert not group.wants(job(write(1)))
    assert group.wants(job(write(1), exit=3))
    assert run(group, []) == []


@pytest.mark.parametrize(
    ("context", "tokens", "cells"), [(4096, 900, EXIT_CELLS), (4096, 1000, 4096), (512, 9, 512)]
)
def test_an_exit_has_few_cells_unless_a_job_needs_more(context: int, tokens: int, cells: int) -> None:
    group, _ = make(context)
    assert run(group, [job(write(1), tokens=tokens, exit=3)]) == ["done"]
    assert [lane.backend.n_cells for lane in group.lanes] == [context, cells]


def test_a_long_job_does_not_give_up_the_lane_of_the_short_ones() -> None:
    group, _ = make()
    run(group, [ask("?", "say: ", exit=3)])
    run(group, [job(write(1), tokens=2000, exit=3)])
    assert len(group.lanes) == 3
    assert run(group, [ask("?", "say: ", exit=3)]) == ["say: ? (5 cached)"]


@pytest.mark.parametrize("error", [ModelError("out of memory"), EngineError("no layer"), KeyError("defect")])
def test_an_exit_that_is_not_to_be_had_ends_its_own_jobs_only(error: Exception) -> None:
    group, _ = make()

    def exit_after(layer: int, cells: int) -> WatchedBackend:
        raise error

    group.backend.exit_after = exit_after  # type: ignore[method-assign]
    assert run(group, [ask("1?"), ask("2?", exit=3), ask("3?")]) == ["1? (0 cached)", error, "3? (0 cached)"]


def test_a_cancelled_job_makes_no_lane() -> None:
    group, _ = make()
    one = ask("1?", exit=3)
    one.future.cancel()
    assert group.admit(one)
    assert len(group.lanes) == 1


def test_failing_all_ends_the_jobs_of_every_lane_and_leaves_nothing() -> None:
    group, _ = make()
    jobs = [job(write(9), exit=exit) for exit in (None, 3, 5)]
    for one in jobs:
        assert group.admit(one)
    group.step(1)
    error = EngineError("over")
    group.fail_all(error)
    assert [one.future.exception() for one in jobs] == [error] * 3
    assert not group.is_busy
    for lane in group.lanes:
        assert isinstance(lane.backend, Told)
        assert lane.backend.held() == {}
        assert len(lane.pool) == lane.backend.n_sequences


def test_closing_frees_every_cache() -> None:
    group, _ = make()
    run(group, [ask("1?"), ask("2?", exit=3)])
    group.close()
    assert [lane.backend.is_closed for lane in group.lanes if isinstance(lane.backend, Told)] == [True, True]
