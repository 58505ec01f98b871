"""Flows in the form that the compiler gives them, written by hand. `# mp:12` says which line of the source a
line is made of."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from microprompt import abi, agather, agather_lists, flow, gather, gather_lists, prompt, tool
from microprompt.enums import LabelEnum
from microprompt.records import Field, Record

from .reply_tools import broken as _broken
from .reply_tools import change as _change
from .reply_tools import fetch as _fetch
from .reply_tools import log as _log
from .reply_tools import search as _search
from .reply_tools import stuck as _stuck

broken = tool(_broken)
change = tool(_change)
fetch = tool(_fetch)
log = tool(_log)
search = tool(_search)
stuck = tool(_stuck)

LINES = tuple(
    (number, int(found[1]))
    for number, line in enumerate(Path(__file__).read_text(encoding="utf-8").splitlines(), start=1)
    if (found := re.search(r"# mp:(\d+)$", line))
)


class Act(LabelEnum):
    question = "question"
    command = "command"
    other = "other"


class Reply(Record):
    text: Annotated[str, Field(max_length=40)]
    act: Act


@prompt
def is_fresh(previous: str | None, text: str) -> bool:
    """Is this new?"""
    raise NotImplementedError  # the model answers


@prompt
def classify(text: str) -> Act:
    """What is this?"""
    raise NotImplementedError  # the model answers


@prompt
def is_about(note: str, text: str) -> bool:
    """Is this about that?"""
    raise NotImplementedError  # the model answers


@prompt
def answer(text: str, found: list[str]) -> str:
    """Answer this."""
    raise NotImplementedError  # the model answers


@prompt
def missing(text: str, draft: str) -> str | None:
    """What is missing?"""
    raise NotImplementedError  # the model answers


@prompt
def names(text: str) -> list[str]:
    """Who is named?"""
    raise NotImplementedError  # the model answers


def _body(name: str, line: int, *parameters: str) -> abi.Body:
    holes = [part for each in parameters for part in (f"\n{each}: ", abi.Hole(parameter=each))]
    return abi.Body(source="replies.mp", line=line, instruction=name, input=tuple(holes), cue="Answer:")


is_fresh.body = _body("Is this new?", 1, "previous", "text")
classify.body = _body("What is this?", 2, "text")
is_about.body = _body("Is this about that?", 3, "note", "text")
answer.body = _body("Answer this.", 4, "text", "found")
missing.body = _body("What is missing?", 5, "text", "draft")
names.body = _body("Who is named?", 6, "text")


SCRIPT = {
    "is_fresh": True,
    "classify": {Act.question: 0.75, Act.other: 0.25},
    "is_about": lambda note, text: "tea" in note,
    "answer": lambda text, found: f"{len(found)} notes",
    "missing": None,
}
"""What the prompts answer where a test says nothing else."""


# ------------------------------------------------------------------------------------------ one wave


@flow
def reply(text: str, previous: str | None, notes: Annotated[list[str], Field(max_length=8)]) -> Reply:
    """Reply to something."""
    fresh, act = gather(  # mp:11
        is_fresh.later(previous, text),  # mp:11
        classify.later_detail(text),  # mp:12
    )
    found: list[str] = []
    if act.value == Act.question and act.confidence >= 0.6 and fresh:
        all_fits = gather(*[is_about.later(note, text) for note in notes])  # mp:15
        for note, fits in zip(notes, all_fits, strict=True):
            if fits:
                found.append(note)
    return Reply(text=answer(text, found), act=act.value)  # mp:18


@reply.in_tasks
async def _reply(
    text: str, previous: str | None, notes: Annotated[list[str], Field(max_length=8)]
) -> Reply:
    fresh, act = await agather(  # mp:11
        is_fresh.later(previous, text),  # mp:11
        classify.later_detail(text),  # mp:12
    )
    found: list[str] = []
    if act.value == Act.question and act.confidence >= 0.6 and fresh:
        all_fits = await agather(*[is_about.later(note, text) for note in notes])  # mp:15
        for note, fits in zip(notes, all_fits, strict=True):
            if fits:
                found.append(note)
    return Reply(text=await answer.acall(text, found), act=act.value)  # mp:18


# ------------------------------------------------------------------------------------------ a loop


@flow
def improve(text: str) -> str:
    draft = answer(text, [])  # mp:22
    rounds = abi.Rounds(2)
    while (lack := missing(text, draft)) is not None:  # mp:23
        rounds.count()  # mp:23
        draft = answer(text, [draft, lack])  # mp:24
    return draft


@improve.in_tasks
async def _improve(text: str) -> str:
    draft = await answer.acall(text, [])  # mp:22
    rounds = abi.Rounds(2)
    while (lack := await missing.acall(text, draft)) is not None:  # mp:23
        rounds.count()  # mp:23
        draft = await answer.acall(text, [draft, lack])  # mp:24
    return draft


# ------------------------------------------------------------------------------------------ flows in flows


@flow
def both(text: str, notes: list[str]) -> list[str]:
    better, act = gather(improve.later(text), classify.later_detail(text))  # mp:28
    fits, acts = gather_lists(  # mp:29
        [is_about.later(note, text) for note in notes],  # mp:29
        [classify.later(note) for note in notes],  # mp:30
    )
    if not act.confidence > 0.1:
        return []
    again = reply(text, None, [])  # mp:33
    return [better, again.text, *[f"{fit} {each}" for fit, each in zip(fits, acts, strict=True)]]


@both.in_tasks
async def _both(text: str, notes: list[str]) -> list[str]:
    better, act = await agather(improve.later(text), classify.later_detail(text))  # mp:28
    fits, acts = await agather_lists(  # mp:29
        [is_about.later(note, text) for note in notes],  # mp:29
        [classify.later(note) for note in notes],  # mp:30
    )
    if not act.confidence > 0.1:
        return []
    again = await reply.acall(text, None, [])  # mp:33
    return [better, again.text, *[f"{fit} {each}" for fit, each in zip(fits, acts, strict=True)]]


# ------------------------------------------------------------------------------- functions of Python


@flow
def lookup(text: str, how: str) -> str:
    found = search(text)  # mp:41
    more = fetch(text)  # mp:42
    log(text)  # mp:43
    if how == "stuck":
        more = stuck(text)  # mp:45
    elif how != "none":
        more = broken(how)  # mp:47
    return answer(text, [*found, *more])  # mp:48


@lookup.in_tasks
async def _lookup(text: str, how: str) -> str:
    found = await search.acall(text)  # mp:41
    more = await fetch.acall(text)  # mp:42
    await log.acall(text)  # mp:43
    if how == "stuck":
        more = await stuck.acall(text)  # mp:45
    elif how != "none":
        more = await broken.acall(how)  # mp:47
    return await answer.acall(text, [*found, *more])  # mp:48


@flow
def hurried(text: str, how: str) -> str:
    return lookup(text, how)  # mp:52


@hurried.in_tasks
async def _hurried(text: str, how: str) -> str:
    return await lookup.acall(text, how)  # mp:52


@flow
def calculated(a: int, b: int) -> Annotated[int, Field(ge=0, le=9)]:
    return a // b  # mp:56


@calculated.in_tasks
async def _calculated(a: int, b: int) -> Annotated[int, Field(ge=0, le=9)]:
    return a // b  # mp:56


# ------------------------------------------------------------------------------------------ lists


@flow
def same(notes: list[str]) -> list[str]:
    return notes  # mp:60


@same.in_tasks
async def _same(notes: list[str]) -> list[str]:
    return notes  # mp:60


@flow
def more_names(text: str) -> list[str]:
    found = names(text)  # mp:64
    found.append("others")  # mp:65
    return found  # mp:66


@more_names.in_tasks
async def _more_names(text: str) -> list[str]:
    found = await names.acall(text)  # mp:64
    found.append("others")  # mp:65
    return found  # mp:66


reply.body = abi.Flow(source="replies.mp", line=10, lines=LINES)
improve.body = abi.Flow(source="replies.mp", line=21, lines=LINES)
both.body = abi.Flow(source="replies.mp", line=27, lines=LINES)
lookup.body = abi.Flow(source="replies.mp", line=40, lines=LINES)
hurried.body = abi.Flow(source="replies.mp", line=51, lines=LINES, timeout=0.2)
calculated.body = abi.Flow(source="replies.mp", line=55, lines=LINES)
same.body = abi.Flow(source="replies.mp", line=59, lines=LINES)
more_names.body = abi.Flow(source="replies.mp", line=63, lines=LINES)
