"""What is recorded of a call, however it is made."""

from __future__ import annotations

import asyncio
import stat
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

import microprompt
from microprompt import abi, agather, gather, prompt
from microprompt.errors import DeadlineExceeded, MicropromptError, ModelError, ScriptError
from microprompt.function import PromptFunction
from microprompt.observed import unrecorded
from microprompt.recording.entry import hash_of
from microprompt.recording.store import WantedCalls
from microprompt.testing import given, scripted

from .asked import SCRIPT, Act, classify, count, judge, recorded, several, sort

TEXT = "Is it raining?"


def test_nothing_is_recorded_unless_it_is_asked_for(tmp_path: Path) -> None:
    with scripted(SCRIPT) as engine:
        assert microprompt.configure().record is None
        assert classify.asked() is engine
        classify(TEXT)
    assert microprompt.flush()
    assert list(tmp_path.iterdir()) == []


def test_a_call_is_recorded_with_all_that_is_known_of_it(record: Path) -> None:
    with scripted(SCRIPT):
        answer = classify.detail(TEXT)
    (found,) = recorded(record)
    assert (found.called, found.function, found.source) == ("prompt", "classify", "acts.mp")
    assert found.module == classify.__module__
    assert found.arguments == {"text": TEXT}
    assert found.arguments_hash == hash_of({"text": TEXT})
    assert found.answer == answer.to_json()
    assert found.value == "question"
    assert found.distribution == pytest.approx({"question": 0.75, "command": 0.25})
    assert found.confidence == answer.confidence
    assert (found.model, found.answered_by) == ("scripted", "labels")
    assert found.ms == 1000 * answer.seconds
    assert found.prompt_tokens == answer.usage.prompt_tokens
    assert (found.abstained, found.escalated, found.error, found.message) == (False, False, None, None)
    assert found.parent is None
    assert (len(found.trace), len(found.span), len(found.key or "")) == (32, 16, 32)


def test_the_record_is_for_its_owner_alone(record: Path) -> None:
    with scripted(SCRIPT):
        classify(TEXT)
    recorded(record)
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert stat.S_IMODE(record.parent.stat().st_mode) == 0o700


async def _one(work: Awaitable[object]) -> object:
    return await work


async def _all() -> object:
    return await agather(classify.later(TEXT), classify.later_detail("Go."))


WAYS: dict[str, tuple[Callable[[], object], int]] = {
    "call": (lambda: classify(TEXT), 1),
    "detail": (lambda: classify.detail(TEXT), 1),
    "acall": (lambda: asyncio.run(_one(classify.acall(TEXT))), 1),
    "gather": (lambda: gather(classify.later(TEXT), classify.later_detail("Go.")), 2),
    "agather": (lambda: asyncio.run(_all()), 2),
    "state": (lambda: gather(classify.later(TEXT), judge.later(TEXT), state=TEXT), 3),
    "map": (lambda: classify.map([TEXT] * 100), 100),
    "nested": (lambda: judge(TEXT), 2),
    "anested": (lambda: asyncio.run(_one(judge.acall(TEXT))), 2),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_call_is_recorded_once(record: Path, way: str) -> None:
    call, times = WAYS[way]
    with scripted(SCRIPT):
        call()
    found = recorded(record)
    assert len(found) == times
    assert all(each.error is None and each.value is not None for each in found)


@pytest.mark.parametrize(
    "call",
    [
        lambda: several(["a", "b"]),
        lambda: several.detail(["a", "b"]),
        lambda: asyncio.run(_one(several.acall(["a", "b"]))),
        lambda: gather(several.later(["a", "b"])),
        lambda: several.map([(["a", "b"],)]),
    ],
    ids=["thread", "detail", "task", "background", "map"],
)
def test_the_calls_of_a_flow_are_one_trace(record: Path, call: Callable[[], object]) -> None:
    with scripted(SCRIPT):
        call()
    found = recorded(record)
    assert len({each.trace for each in found}) == 1
    (top,) = (each for each in found if each.parent is None)
    assert (top.function, top.called, top.value) == ("several", "flow", "question 3 question 3")
    flows = [each for each in found if each.function == "sort"]
    assert [each.parent for each in flows] == [top.span] * 2
    prompts = [each for each in found if each.called == "prompt"]
    assert sorted(str(each.parent) for each in prompts) == sorted([each.span for each in flows] * 2)


def test_a_flow_is_as_sure_as_its_least_sure_prompt_and_costs_what_all_do(record: Path) -> None:
    with scripted(SCRIPT):
        sort(TEXT, [])
    *prompts, top = recorded(record)
    assert top.confidence == min(each.confidence or 0 for each in prompts)
    assert top.prompt_tokens == sum(each.prompt_tokens or 0 for each in prompts)
    assert (top.model, top.answered_by, top.key) == ("scripted", "flow", None)


def test_a_prompt_in_the_body_of_another_belongs_to_that(record: Path) -> None:
    with scripted(SCRIPT):
        judge(TEXT)
    inner, outer = recorded(record)
    assert (inner.function, outer.function) == ("classify", "judge")
    assert (inner.parent, inner.trace) == (outer.span, outer.trace)


def test_arguments_are_recorded_as_they_were(record: Path) -> None:
    notes = ["a", "b"]
    with scripted(SCRIPT):
        sort(TEXT, notes)
        notes.clear()
    found = {each.function: each.arguments for each in recorded(record)}
    assert found["sort"] == {"text": TEXT, "notes": ["a", "b"]}
    assert found["count"] == {"notes": ["a", "b"]}


def test_a_call_without_an_answer_says_why(record: Path) -> None:
    with scripted({"classify": "nonsense"}), pytest.raises(ScriptError) as caught:
        classify(TEXT)
    (found,) = recorded(record, WantedCalls(errors=True))
    assert (found.error, found.message, found.answer) == ("ScriptError", caught.value.message, None)
    assert (found.confidence, found.model) == (None, None)


def test_a_model_that_can_not_be_had_is_recorded(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def engine(self: object) -> None:
        raise ModelError("it is gone")

    monkeypatch.setattr(PromptFunction, "engine", engine)
    with pytest.raises(ModelError):
        classify(TEXT)
    assert [each.error for each in recorded(record)] == ["ModelError"]


def test_a_flow_that_fails_is_recorded_with_what_failed_in_it(record: Path) -> None:
    with scripted({**SCRIPT, "count": "many"}), pytest.raises(MicropromptError):
        sort(TEXT, [])
    found = {each.function: each.error for each in recorded(record)}
    assert (found["count"], found["sort"]) == ("ScriptError", "ScriptError")


def test_a_call_that_is_given_up_is_recorded(record: Path) -> None:
    async def hurried() -> None:
        task = asyncio.ensure_future(classify.acall(TEXT))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with scripted(SCRIPT):
        asyncio.run(hurried())
    assert [each.error for each in recorded(record)] == ["CancelledError"]


def test_a_deadline_is_recorded(record: Path) -> None:
    microprompt.configure(timeout=1e-9)
    with scripted(SCRIPT), pytest.raises(DeadlineExceeded):
        classify(TEXT)
    assert [each.error for each in recorded(record)] == ["DeadlineExceeded"]


def test_arguments_may_be_kept_out(record: Path) -> None:
    microprompt.configure(record_arguments=False)
    with scripted({**SCRIPT, "count": lambda notes: f"{notes}"}):
        classify(TEXT)
        classify(TEXT)
        with pytest.raises(ScriptError):
            count(["secret"])
    first, second, third = recorded(record)
    assert (first.arguments, third.arguments) == (None, None)
    assert first.arguments_hash == second.arguments_hash != third.arguments_hash
    assert (third.error, third.message) == ("ScriptError", None)
    assert b"secret" not in record.read_bytes() + record.with_name(f"{record.name}-wal").read_bytes()
    assert TEXT.encode() not in record.read_bytes()


def test_what_a_test_gives_is_no_call(record: Path) -> None:
    with given([(classify, Act.command)]):
        assert classify(TEXT) is Act.command
        assert asyncio.run(_one(classify.acall(TEXT))) is Act.command
    assert microprompt.flush()
    assert not record.exists()


UNRECORDED: dict[str, tuple[Callable[[], object], int]] = {
    **WAYS,
    "flow": (lambda: several(["a", "b"]), 4),
    "aflow": (lambda: asyncio.run(_one(several.acall(["a", "b"]))), 4),
    "flows": (lambda: several.map([(["a", "b"],)]), 4),
}


@pytest.mark.parametrize("way", UNRECORDED)
def test_what_looks_into_a_program_is_not_recorded(record: Path, way: str) -> None:
    call, times = UNRECORDED[way]
    with scripted(SCRIPT) as engine, unrecorded():
        call()
    assert len(engine.calls) >= times
    with scripted(SCRIPT):
        classify("Who?")  # and what comes behind it is
    (found,) = recorded(record)
    assert found.arguments == {"text": "Who?"}


def test_one_that_looks_into_a_program_leaves_the_calls_of_others_in_the_record(record: Path) -> None:
    with scripted(SCRIPT), unrecorded():
        other = threading.Thread(target=lambda: classify(TEXT))
        other.start()
        other.join()
    assert len(recorded(record)) == 1


def test_what_fills_the_examples_of_a_prompt_is_not_recorded(record: Path) -> None:
    def refine(text: str) -> bool:
        raise NotImplementedError  # the model answers

    refined = prompt(refine)
    refined.body = replace(
        judge.body, examples=(abi.Example(arguments=("Who is it?",), answer=True, line=4),)
    )
    with scripted({**SCRIPT, "refine": True}) as engine:
        refined(TEXT)
        refined.render("Why?")
    assert [text["text"] for name, text in engine.calls if name == "classify"] == ["Who is it?", TEXT, "Why?"]
    assert [(each.function, each.arguments) for each in recorded(record)] == [
        *(("classify", {"text": TEXT}), ("refine", {"text": TEXT})),
    ]


def test_text_of_any_kind_is_recorded(record: Path) -> None:
    with scripted({**SCRIPT, "count": lambda notes: "\ud800"}), pytest.raises(ScriptError):
        count(["\x00 é 😀\n"])
    (found,) = recorded(record)
    assert found.arguments == {"notes": ["\x00 é 😀\n"]}
    assert "\\ud800" in (found.message or "")


def test_what_can_not_be_recorded_is_said_once_and_fails_nothing(
    record: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("microprompt.recording.keys.key_of", lambda program: 1 / 0)
    with scripted(SCRIPT):
        assert classify.map([TEXT] * 3) == [Act.question] * 3
    assert microprompt.flush()
    assert [each.message for each in caplog.records] == ["some calls can't be recorded: ZeroDivisionError"]
