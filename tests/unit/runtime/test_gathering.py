"""Several calls at a time, in tasks and in lists. What threads do with `gather` is in `test_function`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from microprompt import Answer, Later, abi, agather, agather_lists, gather, gather_lists
from microprompt.engines.engine import Engine
from microprompt.engines.loaded import override
from microprompt.engines.scripted import VOCABULARY, ByteBackend
from microprompt.errors import DeadlineExceeded, ScriptError
from microprompt.testing import scripted
from microprompt.types import BoolType

from .programs import Act, classify, function, notes, program, wait_until_idle

yes = function(program(BoolType(), name="yes"))
other = function(program(BoolType(), name="other"))


@pytest.fixture
def held() -> Iterator[tuple[Engine, threading.Event]]:
    """An engine that answers nothing until the event is set."""
    go = threading.Event()

    def voice(_: bytes) -> NDArray[np.float32]:
        assert go.wait(20)
        return np.zeros(VOCABULARY, dtype=np.float32)

    engine = Engine(ByteBackend(voice))
    with override(engine):
        yield engine, go
    go.set()
    wait_until_idle(engine)
    engine.close()


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
