"""Prompts in the bodies of others: answered first, side by side, and passed what the call has of time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from microprompt import abi, gather, prompt
from microprompt.answer import Answer
from microprompt.engines import loaded
from microprompt.engines.base import Call
from microprompt.engines.scripted import ScriptedEngine
from microprompt.errors import DeadlineExceeded, EngineError
from microprompt.evaluation.rows import InputRows
from microprompt.prompts.layout import argument_texts
from microprompt.scheduling.jobs import Pending
from microprompt.scheduling.slots import Said
from microprompt.scheduling.trails import Trail
from microprompt.testing import scripted
from microprompt.tuning.request import Request, with_nested_answers


@prompt
def summary(text: str, words: int = 3) -> str:
    """Sum it up."""
    raise NotImplementedError


summary.body = abi.Body(
    source="tests/inner.mp",
    line=3,
    instruction="Sum it up.",
    input=(abi.Hole(parameter="text"),),
    cue="Answer:",
)


@prompt
def judge(text: str, notes: list[str], urgent: bool = False) -> bool:
    """Is it good?"""
    raise NotImplementedError


def call(written: str, /, **arguments: object) -> abi.PromptCall:
    return abi.PromptCall(prompt=summary, text=written, arguments=tuple(arguments.items()))


judge.body = abi.Body(
    source="tests/outer.mp",
    line=5,
    instruction="Is it good?",
    input=(
        "Text: ",
        call("summary(text)", text=abi.Hole(parameter="text")),
        "\n",
        abi.For(
            variable="note",
            each=abi.Hole(parameter="notes"),
            parts=("- ", call("summary(note, words=1)", text=abi.Hole(parameter="note"), words=1), "\n"),
        ),
        abi.If(
            arms=(
                abi.IfArm(
                    when=abi.Condition(text="urgent", names=("urgent",), holds=lambda urgent: urgent),
                    parts=(call('summary("now")', text="now"),),
                ),
            )
        ),
    ),
    cue="Answer:",
    examples=(abi.Example(arguments=("old", ["a"], False), answer=True, line=9),),
    using=abi.Using(decide=abi.LABELS),
)


def short(text: str, words: int) -> str:
    return f"{text}/{words}"


@pytest.fixture
def engine() -> Iterator[ScriptedEngine]:
    with scripted({"summary": short, "judge": True}) as engine:
        yield engine


def test_answers_fill_the_places_where_prompts_are_called(engine: ScriptedEngine) -> None:
    assert judge.render("new", ["x", "y"], True) == (
        "Is it good?\n\nText: old/3\n- a/1\nAnswer: yes\n\nText: new/3\n- x/1\n- y/1\nnow/3\nAnswer:"
    )


def test_examples_are_filled_once_and_are_in_the_prefix(engine: ScriptedEngine) -> None:
    judge("one", [])
    judge("two", [])
    assert [arguments["text"] for name, arguments in engine.calls if name == "summary"] == [
        *("old", "a"),
        *("one", "two"),
    ]
    assert "old/3" in "".join(part.text for part in judge.explain().prefix)


def test_only_what_is_shown_is_called_and_each_once(engine: ScriptedEngine) -> None:
    judge("one", ["n", "n"])
    asked = [arguments for name, arguments in engine.calls if name == "summary"]
    assert asked[2:] == [{"text": "one", "words": 3}, {"text": "n", "words": 1}]


def test_calls_from_tasks_rows_and_gather_are_answered_alike(engine: ScriptedEngine) -> None:
    assert asyncio.run(judge.acall("t", ["n"])) is True
    assert judge.map([("a", []), ("b", ["n"])]) == [True, True]
    assert gather(judge.later("c", []), summary.later("d")) == (True, "d/3")


def test_tokens_of_all_are_counted(engine: ScriptedEngine) -> None:
    inner = summary.detail("t").usage.prompt_tokens
    own = len(judge.render("t", []).encode())
    assert judge.detail("t", []).usage.prompt_tokens == own + inner


def test_what_one_call_costs_is_told(engine: ScriptedEngine) -> None:
    found = judge.explain()
    written = ["summary(text)", "summary(note, words=1)", 'summary("now")']
    assert [each.text for each in found.calls] == written
    assert found.calls[0].plan == summary.explain()
    assert found.tail[0].text == "{summary(text)}"


# ----------------------------------------------------------------------------------- what is under way


class HoldingEngine(ScriptedEngine):
    """Holds calls of `summary` once it is told to."""

    def __init__(self) -> None:
        super().__init__({"summary": short, "judge": True})
        self.holds = False
        self.held: list[tuple[Call, Pending[Answer[object]]]] = []

    def submit(
        self,
        call: Call,
        *,
        waits: bool = False,
        said: Mapping[str, Said] | None = None,
        trail: Trail | None = None,
    ) -> Any:
        if not self.holds or call.program.name != "summary":
            return super().submit(call, waits=waits, said=said, trail=trail)
        pending: Pending[Answer[object]] = Pending()
        self.held.append((call, pending))
        return pending

    def abandon(self, pending: Pending[Any], /) -> None:
        pending.future.cancel()


@pytest.fixture
def holding() -> Iterator[HoldingEngine]:
    with loaded.override(HoldingEngine()) as engine:
        assert isinstance(engine, HoldingEngine)
        judge("warm", [])
        engine.holds = True
        yield engine
        engine.close()


def begun(timeout: float | None = None) -> Pending[Answer[object]]:
    call = Call(judge.program, {"text": "t", "notes": ["n"], "urgent": False}, timeout)
    return judge.engine().submit(call)


def test_independent_calls_run_side_by_side(holding: HoldingEngine) -> None:
    pending = begun()
    assert [call.arguments["text"] for call, _ in holding.held] == ["t", "n"]
    holding.holds = False
    for call, held in holding.held:
        held.succeed(holding.answer(call))
    assert judge.engine().result(pending).value is True


def test_what_is_left_of_the_time_is_for_prompts_in_the_body(holding: HoldingEngine) -> None:
    pending = begun(timeout=0.2)
    assert all(call.timeout is not None and call.timeout <= 0.2 for call, _ in holding.held)
    with pytest.raises(DeadlineExceeded):
        judge.engine().result(pending)
    assert all(held.future.cancelled() for _, held in holding.held)


def test_a_call_that_is_given_up_gives_up_prompts_in_its_body(holding: HoldingEngine) -> None:
    judge.engine().abandon(begun())
    assert [held.future.cancelled() for _, held in holding.held] == [True, True]


def test_a_cancelled_task_gives_up_prompts_in_its_body(holding: HoldingEngine) -> None:
    async def cancel() -> None:
        task = asyncio.create_task(judge.acall("t", ["n"]))
        while len(holding.held) < 2:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(cancel())
    assert [held.future.cancelled() for _, held in holding.held] == [True, True]


def test_the_first_failure_ends_the_call_and_names_both_prompts(holding: HoldingEngine) -> None:
    later = judge.later("t", ["n"])
    threading.Timer(0.05, lambda: holding.held[1][1].fail(EngineError("no"))).start()
    with pytest.raises(EngineError, match="no") as caught:
        gather(later)
    assert caught.value.__notes__ == [
        "in prompt summary, tests/inner.mp:3",
        "in prompt judge, tests/outer.mp:5",
    ]
    assert holding.held[0][1].future.cancelled()


def test_rows_to_tune_on_get_the_answers_that_their_prompts_show(engine: ScriptedEngine) -> None:
    arguments = {"text": "t", "notes": [], "urgent": False}
    rows = InputRows(source="rows", lines=(1,), arguments=(arguments,), warnings=())
    request = Request(
        program=judge.program, key="", model=abi.Model(name="scripted"), folder=Path(), inputs=rows
    )
    found = with_nested_answers(request)
    assert found.inputs is not None
    assert argument_texts(found.program, found.inputs.arguments[0])[0] == "t/3"
    [example] = map(found.program.arguments_of, found.program.examples)
    assert argument_texts(found.program, example)[0] == "old/3"
