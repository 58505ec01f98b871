"""Flows on the real model; and a thousand at once, some of which are cancelled, without one."""

from __future__ import annotations

import asyncio

import pytest

from microprompt import abi, agather, flow, gather
from microprompt.testing import scripted
from mpstd.dialogue import boundary
from mpstd.question import complexity
from mpstd.request import classify

from ..unit.runtime.programs import wait_until_idle
from ..unit.runtime.replies import Act, Reply, reply

FLOWS = 1000
TASKS = 16

SCRIPT = {
    "is_fresh": True,
    "classify": lambda text: Act.question if text.endswith("?") else Act.command,
    "is_about": lambda note, text: note.split()[-1] == text.strip("?."),
    "answer": lambda text, found: f"{len(found)} about {text}",
}


def test_a_thousand_flows_from_sixteen_tasks_some_cancelled_leave_the_engine_idle() -> None:
    cancelled: list[int] = []

    async def one(number: int) -> None:
        is_question = number % 2 == 0
        text = f"{number}{'?' if is_question else '.'}"
        flow = asyncio.ensure_future(reply.acall(text, None, [f"about {number}", "about 0"]))
        if number % 7 == 0:
            asyncio.get_running_loop().call_later(0.002 * (number % 100), flow.cancel)
        try:
            found = await flow
        except asyncio.CancelledError:
            cancelled.append(number)
        else:
            act, notes = (Act.question, 1 + (number == 0)) if is_question else (Act.command, 0)
            assert found == Reply(text=f"{notes} about {text}", act=act)

    async def task(first: int) -> None:
        await asyncio.gather(*map(one, range(first, FLOWS, TASKS)))

    async def main() -> None:
        await asyncio.gather(*map(task, range(TASKS)))
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with scripted(SCRIPT) as engine:
        asyncio.run(main())
        wait_until_idle(engine)
    assert cancelled
    assert all(number % 7 == 0 for number in cancelled)


@flow
def triage(text: str, previous: str) -> str:
    act, relation = gather(classify.later_detail(text), boundary.later(previous, text))
    if act.value.name == "question" and act.confidence > 0.5:
        return complexity(text).name
    return relation.name


@triage.in_tasks
async def _triage(text: str, previous: str) -> str:
    act, relation = await agather(classify.later_detail(text), boundary.later(previous, text))
    if act.value.name == "question" and act.confidence > 0.5:
        return (await complexity.acall(text)).name
    return relation.name


triage.body = abi.Flow(source="triage.mp", line=1, timeout=600.0)


@pytest.mark.model
def test_a_flow_decides_what_its_prompts_do_and_tells_what_answered() -> None:
    text, previous = "Is it raining in Oslo?", "I moved to Oslo last year."
    trace = triage.trace(text, previous)
    act, relation, how = trace.decisions
    assert [each.function for each in trace.decisions] == ["classify", "boundary", "complexity"]
    assert (act.wave, relation.wave, how.wave) == (1, 1, 2)
    assert (act.value, how.value) == (classify(text), complexity(text))
    assert {part for each in trace.decisions for part in each.answered_by.split("+")} <= {
        *("readout", "embedder", "names", "labels"),
    }
    assert all(0 < each.seconds <= trace.seconds for each in trace.decisions)
    assert act.distribution is not None
    assert trace.value == asyncio.run(triage.acall(text, previous)) == gather(triage.later(text, previous))[0]
