"""What a traced flow tells of its decisions."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from microprompt import Decision, Trace, abi, flow, gather, tool
from microprompt.engines.engine import Engine
from microprompt.engines.scripted import ScriptedEngine
from microprompt.testing import Reasoned, scripted

from . import replies
from .replies import SCRIPT, Act, Reply, both, lookup, reply

NOTES = ["Anna likes tea.", "It rains."]


def told(decisions: tuple[Decision, ...]) -> list[Any]:
    """Function, line and wave of decisions, and the same of those on the way."""
    return [
        (each.function, each.line, each.wave, *([told(each.decisions)] if each.decisions else []))
        for each in decisions
    ]


REPLY = [
    ("is_fresh", 11, 1),
    ("classify", 12, 1),
    ("is_about", 15, 2),
    ("is_about", 15, 2),
    ("answer", 18, 3),
]


def test_a_trace_has_every_decision_in_order_with_its_line_and_wave() -> None:
    with scripted(SCRIPT):
        trace = reply.trace("Tea?", None, NOTES)
        in_tasks = asyncio.run(reply.atrace("Tea?", None, NOTES))
    assert trace.value == in_tasks.value == Reply(text="1 notes", act=Act.question)
    assert told(trace.decisions) == told(in_tasks.decisions) == REPLY
    assert (trace.function, trace.source, trace.line) == ("reply", "replies.mp", 10)
    act = trace.decisions[1]
    assert (act.value, act.called, act.answered_by) == (Act.question, "prompt", "labels")
    assert not act.escalated
    assert act.confidence == pytest.approx(0.75)
    assert act.distribution == pytest.approx({Act.question: 0.75, Act.command: 0, Act.other: 0.25})
    assert act.arguments == {"text": "Tea?"}
    assert 0 < act.seconds < trace.seconds


def test_flows_that_are_called_tell_what_they_decided() -> None:
    with scripted(SCRIPT):
        trace = both.trace("Tea?", NOTES[:1])
        in_tasks = asyncio.run(both.atrace("Tea?", NOTES[:1]))
    assert told(trace.decisions) == told(in_tasks.decisions)
    assert told(trace.decisions) == [
        ("improve", 28, 1, [("answer", 22, 1), ("missing", 23, 2)]),
        ("classify", 28, 1),
        ("is_about", 29, 2),
        ("classify", 30, 2),
        ("reply", 33, 3, [("is_fresh", 11, 1), ("classify", 12, 1), ("answer", 18, 2)]),
    ]
    assert [each.function for each in trace.walk()][:3] == ["improve", "answer", "missing"]


@pytest.mark.parametrize("in_tasks", [False, True])
def test_functions_of_python_are_told_with_the_prompts_that_they_call(in_tasks: bool) -> None:
    def asks(text: str) -> list[str]:
        return [str(each) for each in gather(replies.classify.later(text), replies.classify.later(text))]

    asks_often = tool(asks)

    @flow
    def around(text: str) -> str:
        return asks_often(text)[0]

    @around.in_tasks
    async def _around(text: str) -> str:
        return (await asks_often.acall(text))[0]

    around.body = abi.Flow(source="x.mp", line=1, lines=((1, 7),), timeout=10)
    with scripted(SCRIPT):
        trace = asyncio.run(around.atrace("a")) if in_tasks else around.trace("a")
    assert told(trace.decisions) == [("asks", 7, 1, [("classify", 7, 1), ("classify", 7, 1)])]
    assert trace.decisions[0].answered_by == "function"
    with scripted(SCRIPT):
        plain = lookup.trace("tea", "none")
    assert [(each.function, each.called) for each in plain.decisions] == [
        ("search", "function"),
        ("fetch", "function"),
        ("log", "function"),
        ("answer", "prompt"),
    ]
    assert plain.decisions[2].to_json()["value"] is None


def test_a_decision_shows_what_was_known_when_it_was_made() -> None:
    @flow
    def gathered(text: str) -> list[str]:
        found: list[str] = []
        for _ in range(2):
            found.append(replies.answer(text, found))
        return found

    gathered.body = abi.Flow(source="gathered.mp", line=1, lines=())
    with scripted(SCRIPT):
        trace = gathered.trace("Tea?")
    assert trace.value == ["0 notes", "1 notes"]
    assert [each.arguments["found"] for each in trace.decisions] == [[], ["0 notes"]]
    with scripted({"names": ["Anna"]}):
        trace = replies.more_names.trace("Anna?")
    assert trace.value == ["Anna", "others"]
    (named,) = trace.decisions
    assert named.answer is not None
    assert named.value == named.answer.value == ["Anna"]


def test_only_who_asks_is_told() -> None:
    with scripted(SCRIPT):
        trace = reply.trace("Tea?", None, NOTES)
        reply("Tea?", None, NOTES)
        replies.classify("Tea?")
    assert len(trace.decisions) == 5


def test_an_answer_that_was_kept_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("MICROPROMPT_ANSWER_CACHE", "1")
    monkeypatch.setenv("MICROPROMPT_HOME", str(tmp_path))
    monkeypatch.setattr(Engine, "identity", "the same")
    with scripted(SCRIPT) as engine:
        assert isinstance(engine, ScriptedEngine)
        found = [reply.trace("Tea?", None, []).decisions[0].answered_by for _ in range(2)]
    assert found == ["labels", "cache"]


def test_what_was_written_before_an_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    using = abi.Using(reasoning=20)
    monkeypatch.setattr(replies.classify, "_program", replace(replies.classify.program, using=using))
    with scripted(SCRIPT | {"classify": Reasoned("It asks.", Act.question)}):
        data: Any = reply.trace("Tea?", None, []).to_json()
    fresh, asked, *_ = data["decisions"]
    assert (asked["reasoning"], asked["reasoning_cut"]) == ("It asks.", False)
    assert "reasoning" not in fresh


def test_a_trace_is_data_a_tree_and_a_diagram() -> None:
    with scripted(SCRIPT):
        trace: Trace[list[str]] = both.trace('<|im_end|> "[red]" `a`\n' + "x" * 60, [])
    data = json.loads(json.dumps(trace.to_json()))
    assert data["source"] == "replies.mp:27"
    assert data["decisions"][0]["decisions"][0]["function"] == "answer"
    assert data["decisions"][1]["distribution"]["question"] == pytest.approx(0.75)
    shown = str(trace)
    first, *rest = shown.splitlines()
    assert first.startswith('both("<|im_end|> \\"[red]\\" `a`\\nxxx')
    assert "├── 2 side by side  " in rest[0]
    assert "│   ├── 28: improve(" in rest[1]
    assert "-> question 0.75  labels, " in shown
    diagram = trace.mermaid()
    assert diagram.startswith('flowchart TD\n    start(["both"])\n    subgraph d1 ["2 side by side"]\n')
    assert '["classify: question 0.75<br/>labels, ' in diagram
    assert diagram.count("subgraph") == diagram.count("    end\n")
    assert not set(diagram) & set("<|`") - {"<"}
