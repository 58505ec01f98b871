"""Flows and functions of Python as type checkers should see them."""

from collections.abc import Iterator
from typing import assert_type

from microprompt import (
    Answer,
    FlowFunction,
    Later,
    Tool,
    Trace,
    abi,
    agather,
    agather_lists,
    flow,
    gather,
    gather_lists,
    tool,
)
from mpstd.request import Act, classify


def _search(query: str, most: int = 2) -> list[str]:
    return [query][:most]


async def _fetch(query: str) -> str:
    return query


search = tool(_search)
fetch = tool(_fetch)
assert_type(search("tea", most=3), list[str])
assert_type(fetch("tea"), str)


@flow
def reply(text: str, notes: list[str]) -> Act | None:
    act, other = gather(classify.later_detail(text), classify.later(text), state=text)
    assert_type(act, Answer[Act])
    acts, details = gather_lists(
        [classify.later(note) for note in notes], [classify.later_detail(note) for note in notes]
    )
    assert_type((acts, details), tuple[list[Act], list[Answer[Act]]])
    found = search(fetch(text))
    return act.value if found and act.confidence > 0.5 else other


@reply.in_tasks
async def _reply(text: str, notes: list[str]) -> Act | None:
    act, other = await agather(classify.later_detail(text), classify.later(text), state=text)
    assert_type(act, Answer[Act])
    acts, details = await agather_lists(
        [classify.later(note) for note in notes], [classify.later_detail(note) for note in notes]
    )
    assert_type((acts, details), tuple[list[Act], list[Answer[Act]]])
    found = await search.acall(await fetch.acall(text))
    return act.value if found and act.confidence > 0.5 else other


reply.body = abi.Flow(source="x.mp", line=1, lines=((1, 2),), timeout=1.0)

assert_type(reply("a", []), Act | None)
assert_type(reply.detail("a", []), Answer[Act | None])
assert_type(reply.trace("a", notes=[]), Trace[Act | None])
assert_type(reply.later("a", []), Later[Act | None])
assert_type(reply.map([("a", [])]), list[Act | None])
assert_type(reply.map_detail([("a", [])]), Iterator[Answer[Act | None]])
assert_type(gather(reply.later("a", []), classify.later_detail("a")), tuple[Act | None, Answer[Act]])


def kept(function: FlowFunction[[str, list[str]], Act | None], used: Tool[[str], str]) -> str:
    return f"{function('a', [])} {used('a')}"


async def later(text: str) -> Act | None:
    assert_type((await reply.atrace(text, [])).value, Act | None)
    return await reply.acall(text, [])


kept(reply, fetch)
