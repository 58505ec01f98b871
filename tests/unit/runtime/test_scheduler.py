"""The scheduler: threads, tasks and lanes."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest

from microprompt.errors import DeadlineExceeded, EngineError, ModelError
from microprompt.scheduling import places
from microprompt.scheduling import scheduler as scheduling
from microprompt.scheduling.backend import Rows, Step
from microprompt.scheduling.jobs import Job
from microprompt.scheduling.lane_group import LaneGroup
from microprompt.scheduling.scheduler import QUEUE_LENGTH, Scheduler

from .jobs import ask, fail, job, write
from .programs import WatchedBackend, random_voice

EXITS = (None, 3, 5)
"""After how many layers a job's model ends."""


class GatedBackend(WatchedBackend):
    """Evaluates nothing while its gate is closed."""

    def __init__(self, gate: threading.Event) -> None:
        super().__init__(random_voice(0))
        self.gate = gate
        self.entered = threading.Event()
        self.threads: list[int] = []

    def decode(self, step: Step, threads: int) -> Rows:
        self.threads.append(threads)
        self.entered.set()
        assert self.gate.wait(20)
        return super().decode(step, threads)

    def clone(self) -> GatedBackend:
        return GatedBackend(self.gate)

    def exit_after(self, layer: int, cells: int) -> GatedBackend:
        return GatedBackend(self.gate)


@contextmanager
def scheduler(runners: int = 1, threads: int = 1) -> Iterator[tuple[Scheduler[LaneGroup], GatedBackend]]:
    """A scheduler whose gate is open; afterwards it is idle and holds nothing but prefixes."""
    gate = threading.Event()
    gate.set()
    backend = GatedBackend(gate)
    made = Scheduler(LaneGroup(backend), runners=runners, threads=threads)
    try:
        yield made, backend
        gate.set()
        wait_until(made.is_idle)
        for lane in [lane for group in made.runners for lane in group.lanes]:
            assert isinstance(lane.backend, GatedBackend)
            assert lane.backend.cells() == lane.prefixes.cells()
    finally:
        gate.set()
        made.close()


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def run(made: Scheduler[LaneGroup], one: Job[str]) -> str:
    made.submit(one)
    return made.result(one)


def test_a_submitted_job_gets_its_result() -> None:
    with scheduler() as (made, _):
        assert run(made, ask("1?", "say: ")) == "say: 1? (0 cached)"
        assert run(made, ask("2?", "say: ")) == "say: 2? (5 cached)"


def test_an_error_is_raised_to_who_waits() -> None:
    with scheduler() as (made, _):
        for error in (EngineError("no"), KeyError("defect"), TimeoutError("own")):
            with pytest.raises(type(error)) as caught:
                run(made, job(fail(error, after=1)))
            assert caught.value is error


@pytest.mark.parametrize("lanes", [1, 3])
def test_many_threads_and_tasks_get_their_own_results(lanes: int) -> None:
    with scheduler(lanes) as (made, _):
        found: dict[str, str] = {}

        def work(number: int) -> None:
            for n in range(20):
                text = f"t{number}.{n}?"
                found[text] = run(made, ask(text, "ab"[n % 2] * 3, exit=EXITS[(number + n) % 3]))

        async def tasks() -> None:
            async def task(number: int) -> None:
                for n in range(20):
                    text = f"a{number}.{n}?"
                    found[text] = await made.arun(ask(text, "ab"[n % 2] * 3, exit=EXITS[n % 3]))

            await asyncio.gather(*map(task, range(8)))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        asyncio.run(tasks())
        for thread in threads:
            thread.join()
        assert len(found) == 2 * 8 * 20
        for text, result in found.items():
            prefix = "ab"[int(text[:-1].split(".")[1]) % 2] * 3
            assert result.split(" ")[0] == prefix + text


@pytest.mark.parametrize("lanes", [1, 2])
def test_calls_that_are_cancelled_or_late_leave_the_others_right_and_the_engine_clean(lanes: int) -> None:
    with scheduler(lanes) as (made, _):
        ended: list[str] = []

        def work(number: int) -> None:
            for n in range(15):
                one = ask(f"t{number}.{n}?", "say: ", exit=EXITS[number % 3])
                if n % 3 == 1:
                    one.deadline = time.monotonic() + 0.0005
                made.submit(one)
                if n % 3 == 2:
                    made.abandon(one)
                    ended.append("cancelled")
                    continue
                try:
                    assert made.result(one).startswith(f"say: t{number}.{n}?")
                    ended.append("right")
                except DeadlineExceeded:
                    assert n % 3 == 1
                    ended.append("late")

        async def task(number: int) -> None:
            for n in range(15):
                one = ask(f"a{number}.{n}?", "say: ", exit=EXITS[number % 3])
                waiting = asyncio.ensure_future(made.arun(one))
                if n % 3 == 2:
                    await asyncio.sleep(0)
                    waiting.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await waiting
                    assert one.future.done()
                    ended.append("cancelled")
                else:
                    assert (await waiting).startswith(f"say: a{number}.{n}?")
                    ended.append("right")

        async def tasks() -> None:
            await asyncio.gather(*map(task, range(16)))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        asyncio.run(tasks())
        for thread in threads:
            thread.join()
        assert len(ended) == 16 * 30
        assert ended.count("cancelled") == 16 * 10
        assert ended.count("right") >= 16 * 15


@pytest.mark.parametrize(("come", "share"), [(1, 1), (5, 5), (20, scheduling._MOST_ROUNDS + 1)])
def test_what_comes_one_after_the_other_to_an_idle_runner_shares_its_first_batch(
    come: int, share: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scheduler() as (made, backend):
        jobs = [job(write(1)) for _ in range(come)]
        left = iter(jobs)

        def pause(_: float) -> None:
            if (one := next(left, None)) is not None:
                made.submit(one)

        monkeypatch.setattr(scheduling, "time", SimpleNamespace(sleep=pause))
        made.submit(next(left))
        wait_until(lambda: bool(backend.steps))
        for one in left:
            made.submit(one)
        assert [made.result(one) for one in jobs] == ["done"] * come
        assert backend.steps[0] == share


def test_a_lone_job_runs_on_all_threads_and_busy_lanes_share_them() -> None:
    with scheduler(runners=2, threads=4) as (made, backend):
        run(made, ask("1?"))
        assert set(backend.threads) == {4}
        backend.gate.clear()
        jobs = [job(write(1), tokens=40) for _ in range(8)]
        for one in jobs:
            made.submit(one)
        wait_until(lambda: len(made.runners) == 2)
        other = made.runners[1].backend
        assert isinstance(other, GatedBackend)
        assert other.entered.wait(20)
        backend.gate.set()
        assert [made.result(one) for one in jobs] == ["done"] * 8
        assert other.threads[0] == 2


def test_a_lane_without_memory_leaves_the_work_to_the_others() -> None:
    with scheduler(runners=4) as (made, backend):

        def clone() -> GatedBackend:
            raise ModelError("out of memory")

        backend.clone = clone  # type: ignore[method-assign]
        jobs = [ask(f"{n}?") for n in range(40)]
        for one in jobs:
            made.submit(one)
        assert [made.result(one) for one in jobs] == [f"{n}? (0 cached)" for n in range(40)]
        assert len(made.runners) == 1


def test_who_submits_to_a_full_queue_waits() -> None:
    with scheduler() as (made, backend):
        backend.gate.clear()
        done = threading.Event()
        jobs = [job(write(1), tokens=60) for _ in range(QUEUE_LENGTH + 20)]

        def submit() -> None:
            for one in jobs:
                made.submit(one)
            done.set()

        thread = threading.Thread(target=submit)
        thread.start()
        assert not done.wait(0.2)
        backend.gate.set()
        thread.join()
        assert [made.result(one) for one in jobs] == ["done"] * len(jobs)


def test_waiting_for_a_place_in_the_queue_ends_with_the_deadline() -> None:
    with scheduler() as (made, backend):
        backend.gate.clear()
        for _ in range(QUEUE_LENGTH + 1):
            made.submit(job(write(1), tokens=60), wait=False)
        late = ask("1?")
        late.deadline = time.monotonic() + 0.01
        with pytest.raises(DeadlineExceeded):
            run(made, late)


def test_waiting_for_a_busy_model_ends_with_the_deadline() -> None:
    with scheduler() as (made, backend):
        backend.gate.clear()
        slow, late = ask("1?"), ask("2?")
        made.submit(slow)
        late.deadline = time.monotonic() + 0.01
        with pytest.raises(DeadlineExceeded):
            run(made, late)
        backend.gate.set()
        assert made.result(slow) == "1? (0 cached)"


def test_a_task_past_its_deadline_raises() -> None:
    with scheduler() as (made, backend):
        backend.gate.clear()
        late = ask("1?")
        late.deadline = time.monotonic() + 0.01
        with pytest.raises(DeadlineExceeded):
            asyncio.run(made.arun(late))


def test_a_deadline_far_away_is_none() -> None:
    with scheduler() as (made, _):
        patient = ask("1?")
        patient.deadline = time.monotonic() + 1e12
        assert run(made, patient) == "1? (0 cached)"


def test_more_tasks_than_the_queue_holds_all_get_their_results() -> None:
    async def main() -> list[str]:
        return await asyncio.gather(*(made.arun(ask(f"{n}?")) for n in range(QUEUE_LENGTH * 2)))

    with scheduler() as (made, _):
        assert asyncio.run(main()) == [f"{n}? (0 cached)" for n in range(QUEUE_LENGTH * 2)]


def test_closing_ends_what_waits_and_later_calls() -> None:
    with scheduler() as (made, backend):
        run(made, ask("1?", "say: "))
        backend.gate.clear()
        jobs = [job(write(5), exit=exit) for exit in EXITS for _ in range(20)]
        for one in jobs:
            made.submit(one)
        backend.entered.clear()
        closing = threading.Thread(target=made.close)
        closing.start()
        time.sleep(0.05)
        backend.gate.set()
        closing.join()
        assert all(isinstance(one.future.exception(), EngineError) for one in jobs)
        assert backend.held() == {}
        with pytest.raises(EngineError, match="closed"):
            made.submit(ask("1?"))


def test_a_defect_in_a_lane_ends_what_runs_there_and_the_next_call_works() -> None:
    with scheduler() as (made, backend):
        defect = OSError("a defect")

        def save(sequence: int) -> bytes:
            backend.save = type(backend).save.__get__(backend)  # type: ignore[method-assign]
            raise defect

        backend.save = save  # type: ignore[method-assign]
        with pytest.raises(OSError, match="a defect"):
            run(made, ask("1?", "say: "))
        assert run(made, ask("2?", "say: ")) == "say: 2? (0 cached)"


def test_a_system_without_another_thread_is_an_error_and_nothing_is_left_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with scheduler() as (made, _):
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", start)
            with pytest.raises(EngineError, match="no thread for the model: can't start new thread"):
                made.submit(ask("1?"))
        assert run(made, ask("2?")) == "2? (0 cached)"


def test_jobs_about_one_state_go_to_one_runner_and_others_to_the_others() -> None:
    with scheduler(runners=2) as (made, backend):
        backend.gate.clear()
        about = [replace(ask(f"{n}?", "state: "), ends_in_state=True) for n in range(8)]
        for job in about:
            made.submit(job)
        assert backend.entered.wait(20)
        assert len(made._workers) == 1
        others = [ask(f"{n}?", f"say {n}: ") for n in range(8)]
        for job in others:
            made.submit(job)
        backend.gate.set()
        results = [made.result(job) for job in (*about, *others)]
        assert results[:8] == [f"state: {n}? ({7 if n else 0} cached)" for n in range(8)]
        assert results[8:] == [f"say {n}: {n}? (0 cached)" for n in range(8)]
        assert len(made.runners) == 2
        holding = [group for group in made.runners if group.full.prefixes.find(tuple(b"state: "))]
        assert len(holding) == 1


def test_questions_that_come_later_go_where_the_state_is() -> None:
    states = [f"state {n}: " for n in range(40)]
    with scheduler(runners=2) as (made, _):
        for state in states:
            made.submit(replace(ask("?", state), ends_in_state=True))
        wait_until(made.is_idle)
        for state in states:
            question = replace(ask("!", state), ends_in_state=True)
            assert run(made, question) == f"{state}! ({len(state)} cached)"


def test_it_is_forgotten_which_runner_had_a_state_long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "KEPT", 2)
    with scheduler() as (made, _):
        for n in range(5):
            run(made, replace(ask("?", f"state {n}: "), ends_in_state=True))
        assert len(made._places) == 2
