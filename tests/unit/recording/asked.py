"""Prompts and flows to record, and how to read what was recorded of them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import microprompt
from microprompt import abi, agather, flow, gather, prompt, tool
from microprompt.recording.entry import CallEntry
from microprompt.recording.store import WantedCalls, latest


class Act(StrEnum):
    question = "question"
    command = "command"


@prompt
def classify(text: str) -> Act:
    """What is it?"""
    raise NotImplementedError  # the model answers


@prompt
def count(notes: list[str]) -> int:
    """How many are there?"""
    raise NotImplementedError  # the model answers


@prompt
def judge(text: str) -> bool:
    """Is it good?"""
    raise NotImplementedError  # the model answers


def _body(name: str, line: int, *input: abi.Part) -> abi.Body:
    return abi.Body(source="acts.mp", line=line, instruction=name, input=input, cue="Answer:")


classify.body = _body("What is it?", 1, "Input: ", abi.Hole(parameter="text"))
count.body = _body("How many are there?", 2, abi.Hole(parameter="notes"))
judge.body = _body(
    "Is it good?",
    3,
    abi.PromptCall(prompt=classify, text="classify(text)", arguments=(("text", abi.Hole(parameter="text")),)),
)


@flow
def sort(text: str, notes: list[str]) -> str:
    act, number = gather(classify.later(text), count.later(notes))
    notes.append("one more")
    return f"{act.name} {number}"


@sort.in_tasks
async def _sort(text: str, notes: list[str]) -> str:
    act, number = await agather(classify.later(text), count.later(notes))
    notes.append("one more")
    return f"{act.name} {number}"


@flow
def several(texts: list[str]) -> str:
    return " ".join(gather(*[sort.later(text, [text]) for text in texts]))


@several.in_tasks
async def _several(texts: list[str]) -> str:
    return " ".join(await agather(*[sort.later(text, [text]) for text in texts]))


def _shout(text: str) -> str:
    if not text:
        raise LookupError("nothing to shout")
    return f"{text.upper()} {classify(text).name}"


shout = tool(_shout)


@flow
def loud(texts: list[str]) -> str:
    return " ".join(shout(text) for text in texts)


@loud.in_tasks
async def _loud(texts: list[str]) -> str:
    return " ".join([await shout.acall(text) for text in texts])


sort.body = abi.Flow(source="acts.mp", line=5)
loud.body = abi.Flow(source="acts.mp", line=12)
several.body = abi.Flow(source="acts.mp", line=9)

SCRIPT: Mapping[str, object] = {
    "classify": {Act.question: 0.75, Act.command: 0.25},
    "count": 3,
    "judge": {True: 0.9, False: 0.1},
}


def recorded(path: Path, wanted: WantedCalls | None = None) -> list[CallEntry]:
    """What is in the record, the oldest first."""
    assert microprompt.flush()
    return [*latest(path, wanted or WantedCalls())][::-1]
