"""Prompt functions on an engine of another kind, which has nothing but what `AnyEngine` says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import pytest

from microprompt import Answer, Usage, gather
from microprompt.engines.base import AnyEngine, Call
from microprompt.engines.loaded import override
from microprompt.errors import EngineError
from microprompt.explain import Explanation
from microprompt.program import Program
from microprompt.scheduling.jobs import Pending, run_many
from microprompt.types import StrType

from .programs import function, notes, program

T = TypeVar("T")

echo = function(program(StrType(), name="echo"))


class Echo:
    """Answers with the argument; `bad` is an error."""

    name = "echo"
    is_closed = False

    def __init__(self) -> None:
        self.submitted: list[object] = []
        self.abandoned: list[object] = []

    def submit(self, call: Call, *, waits: bool = False) -> Pending[Answer[object]]:
        text = call.arguments["text"]
        self.submitted.append(text)
        pending: Pending[Answer[object]] = Pending()
        if text == "bad":
            pending.fail(EngineError("bad"))
        elif text != "never":
            pending.succeed(answer(text))
        return pending

    def result(self, pending: Pending[T], /) -> T:
        return pending.future.result(timeout=0)

    def abandon(self, pending: Pending[Any], /) -> None:
        self.abandoned.append(pending.future.cancel())

    def run_many(self, calls: Iterable[Call], *, in_flight: int) -> Iterator[Answer[object]]:
        return run_many(((self, self.submit(call)) for call in calls), in_flight=in_flight)

    async def aanswer(self, call: Call) -> Answer[object]:
        return self.result(self.submit(call))

    def render(self, call: Call) -> str:
        return f"{call.arguments['text']}!"

    def explain(self, program: Program) -> Explanation:
        raise NotImplementedError

    def close(self) -> None: ...


def answer(value: object) -> Answer[object]:
    return Answer(
        value=value,
        confidence=1.0,
        distribution=None,
        coverage=None,
        fields={},
        near_tie=False,
        usage=Usage(prompt_tokens=1, cached_tokens=0, decoded_tokens=1),
        seconds=0.1,
        model="echo",
        returns=StrType(),
    )


@pytest.fixture
def engine() -> Iterator[Echo]:
    made = Echo()
    typed: AnyEngine = made
    with override(typed):
        yield made


def test_every_form_runs_on_it(engine: Echo) -> None:
    assert echo("a") == "a"
    assert echo.detail("a").model == "echo"
    assert asyncio.run(echo.acall("a")) == "a"
    assert echo.map(["a", "b"]) == ["a", "b"]
    assert gather(echo.later("a"), echo.later("b")) == ("a", "b")
    assert echo.render("a") == "a!"


def test_what_is_gathered_is_submitted_before_the_first_result_is_waited_for(engine: Echo) -> None:
    with pytest.raises(TimeoutError):
        gather(echo.later("never"), echo.later("a"), echo.later("b"))
    assert engine.submitted == ["never", "a", "b"]


def test_what_ends_a_gathered_call_names_its_line(engine: Echo) -> None:
    with pytest.raises(EngineError) as caught:
        gather(echo.later("a"), echo.later("bad"))
    assert notes(caught.value) == ["in prompt echo, tests/ask.mp:7"]


def test_when_one_fails_the_rest_is_abandoned(engine: Echo) -> None:
    with pytest.raises(TimeoutError):
        echo.map(["a", "never", "never", "never"], in_flight=3)
    # The first that never ends was waited for; what was submitted behind it is given up.
    assert engine.submitted == ["a", "never", "never", "never"]
    assert engine.abandoned == [True, True]


@pytest.mark.parametrize("in_flight", [1, 3])
def test_rows_are_read_no_further_ahead_than_asked(engine: Echo, in_flight: int) -> None:
    rows = iter(["never"] * 10)
    with pytest.raises(TimeoutError):
        echo.map(rows, in_flight=in_flight)
    assert len(engine.submitted) == in_flight
