"""Several calls at a time, in tasks and in lists. What threads do with `gather` is in `test_function`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest

from microprompt import Answer, Later, abi, agather, agather_lists, gather, gather_lists, running
from microprompt.engines.base import Call
from microprompt.engines.engine import Engine
from microprompt.engines.scripted import ScriptedEngine
from microprompt.errors import DeadlineExceeded, ScriptError
from microprompt.running import IN_FLIGHT
from microprompt.scheduling.jobs import Pending
from microprompt.testing import scripted
from microprompt.types import BoolType

from .programs import Act, classify, function, notes, program, wait_until_idle

yes = function(program(BoolType(), name="yes"))
other = function(program(BoolType(), name="other"))


def test_a_call_with_details_gives_its_answer() -> None:
    with scripted({"classify": {Act.command: 0.75, Act.question: 0.25}, "yes": True}):
        first, second = gather(classify.later_detail("Stop."), yes.later("Go?"))
    assert isinstance(first, Answer)
    assert (first.value, second) == (Act.command, True)
    assert first.confidence == pytest.approx(0.75)


def test_lists_are_one_wave_and_come_back_as_lists() -> None:
    texts = ["a", "b", "c"]
    with scripted({"classify": Act.command, "yes": lambda text: text == "b"}):
        calls = [yes.later(text) for text in texts]
        found = gather_lists(calls, (classify.later(text) for text in texts[:2]))
        assert found == ([False, True, False], [Act.command, Act.command])
        assert gather_lists([], []) == ([], [])
        assert gather() == ()


def test_tasks_get_what_threads_get() -> None:
    async def main() -> None:
        lists = await agather_lists([yes.later(text) for text in "ab"], [classify.later("a")])
        assert lists == ([False, True], [Act.command])
        act, answer = await agather(classify.later("a"), yes.later_detail("b"))
        assert (act, answer.value) == (Act.command, True)
        nothing: list[Later[bool]] = []
        assert await agather(*nothing) == ()

    with scripted({"classify": Act.command, "yes": lambda text: text == "b"}):
        asyncio.run(main())


def test_the_first_error_in_a_wave_of_tasks_ends_the_others_and_names_its_prompt() -> None:
    async def main() -> None:
        await agather(yes.later("a"), other.later("a"), classify.later("a"))

    with scripted({"yes": True}) as engine, pytest.raises(ScriptError, match="no answer for other") as caught:
        asyncio.run(main())
    assert notes(caught.value) == ["in prompt other, tests/ask.mp:7"]
    wait_until_idle(engine)


def test_an_error_does_not_wait_for_the_rest_of_the_wave(held: tuple[Engine, threading.Event]) -> None:
    async def main() -> None:
        late = classify.later("a")
        with pytest.raises(DeadlineExceeded):
            await asyncio.wait_for(agather(late, _hurried("b")), 10)

    asyncio.run(main())
    held[1].set()
    wait_until_idle(held[0])


def test_a_cancelled_wave_leaves_nothing_behind(held: tuple[Engine, threading.Event]) -> None:
    async def main() -> None:
        wave = asyncio.ensure_future(agather(*(classify.later(text) for text in "abc")))
        while held[0].scheduler.is_idle():
            await asyncio.sleep(0)
        wave.cancel()
        with pytest.raises(asyncio.CancelledError):
            await wave
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    held[1].set()
    wait_until_idle(held[0])


class _Counted(Later[int]):
    """Knows how many of its kind are under way, and how many have been at most."""

    under_way = most = 0

    def begin(self) -> tuple[_Counted, Pending[int]]:
        self._starts()
        return self, Pending(future=Future())

    async def outcome(self) -> int:
        self._starts()
        await asyncio.sleep(0)
        return self._ends()

    def result(self, pending: Pending[Any], /) -> Any:
        return self._ends()

    def abandon(self, pending: Pending[Any], /) -> None:
        raise AssertionError("nothing fails")

    def placed(self) -> AbstractContextManager[object]:
        return nullcontext()

    def given(self, outcome: int, wave: int) -> int:
        return outcome

    def _ends(self) -> int:
        _Counted.under_way -= 1
        return _Counted.most

    def _starts(self) -> None:
        _Counted.under_way += 1
        _Counted.most = max(_Counted.most, _Counted.under_way)


@pytest.mark.parametrize("in_tasks", [False, True])
def test_of_a_long_wave_no_more_calls_are_worked_on_at_a_time_than_of_a_map(in_tasks: bool) -> None:
    _Counted.under_way = _Counted.most = 0
    calls = [_Counted() for _ in range(1_000)]
    found = asyncio.run(_awaited(agather(*calls))) if in_tasks else gather(*calls)
    assert len(found) == 1_000
    assert (_Counted.most, _Counted.under_way) == (IN_FLIGHT, 0)


async def _awaited(work: Awaitable[tuple[int, ...]]) -> tuple[int, ...]:
    return await work


def test_a_call_of_a_wave_has_the_time_that_is_left_when_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    timeouts = []

    def submit(engine: ScriptedEngine, call: Call, *, waits: bool = False) -> Pending[Answer[object]]:
        timeouts.append(call.timeout)
        return ask(engine, call, waits=waits)

    ask = ScriptedEngine.submit
    monkeypatch.setattr(ScriptedEngine, "submit", submit)
    with scripted({"classify": Act.command}):
        later = classify.later("Stop.")
        monkeypatch.setattr(running, "time_left", lambda timeout: 7.5)
        gather(later)
    assert timeouts == [7.5]


def _hurried(text: str) -> Later[object]:
    return function(program(BoolType(), name="hurried", using=abi.Using(timeout=0.01))).later(text)


def test_waves_from_threads_and_tasks_side_by_side() -> None:
    def work(found: list[object]) -> None:
        for n in range(20):
            found.append(gather(yes.later(f"{n} b"), classify.later("x")))

    async def task() -> list[object]:
        return [await agather(yes.later(f"{n} b"), classify.later("x")) for n in range(20)]

    async def tasks() -> list[list[object]]:
        return await asyncio.gather(*(task() for _ in range(4)))

    with scripted({"classify": Act.command, "yes": lambda text: text.endswith("b")}) as engine:
        results: list[list[object]] = [[] for _ in range(4)]
        threads = [threading.Thread(target=work, args=(found,)) for found in results]
        for thread in threads:
            thread.start()
        results += asyncio.run(tasks())
        for thread in threads:
            thread.join()
        assert results == [[(True, Act.command)] * 20] * 8
        wait_until_idle(engine)
