"""Work on threads that is given up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future

import pytest

from microprompt import PromptFunction, gather
from microprompt.engines.engine import Engine
from microprompt.scheduling.cancelling import in_thread, wait_until_done

from .programs import classify


def test_what_comes_of_work_is_given_back_and_what_it_raises_is_raised() -> None:
    def fail() -> int:
        raise ValueError("no")

    assert asyncio.run(in_thread(lambda: 3)) == 3
    with pytest.raises(ValueError, match="no"):
        asyncio.run(in_thread(fail))


def _each(function: PromptFunction[[str], object]) -> object:
    return [function(text) for text in "abc"]


WAYS: dict[str, Callable[[PromptFunction[[str], object]], object]] = {
    "call": _each,
    "gather": lambda function: gather(*map(function.later, "abc")),
    "map": lambda function: function.map([*"abc"]),
}


@pytest.mark.parametrize("way", WAYS)
def test_work_that_is_given_up_ends_where_it_waits(held: tuple[Engine, threading.Event], way: str) -> None:
    engine, _ = held
    ended: Future[object] = Future()

    def work() -> None:
        try:
            ended.set_result(WAYS[way](classify))
        except BaseException as error:
            ended.set_exception(error)

    async def main() -> None:
        task = asyncio.create_task(in_thread(work))
        while engine.scheduler.is_idle():
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())  # which waits for the thread, while the engine answers nothing
    with pytest.raises(CancelledError):
        ended.result(0)


def test_who_is_given_up_does_not_wait_for_the_next_call_either() -> None:
    done: Future[int] = Future()
    done.set_result(1)
    begun, go, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        assert go.wait(20)
        with pytest.raises(CancelledError):
            wait_until_done(done, None)
        ended.set()

    async def main() -> None:
        task = asyncio.create_task(in_thread(work))
        await asyncio.to_thread(begun.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go.set()

    asyncio.run(main())
    assert ended.is_set()


def test_others_wait_on() -> None:
    waited = Future[int]()

    async def main() -> int:
        given_up = asyncio.create_task(in_thread(lambda: wait_until_done(Future(), None)))
        other = asyncio.create_task(in_thread(lambda: waited.result(20)))
        await asyncio.sleep(0)
        given_up.cancel()
        waited.set_result(5)
        return await other

    assert asyncio.run(main()) == 5
