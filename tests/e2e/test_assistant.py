"""The assistant of the examples, in a conversation of thirty messages, on the embedded model."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from microprompt.models import files, registry
from microprompt.trace import Decision

ROOT = Path(__file__).resolve().parents[2]
CHAT = ROOT / "examples" / "assistant" / "chat.py"
CONVERSATION = [
    json.loads(line)
    for line in (ROOT / "tests/samples/assistant/conversation.jsonl").read_text("utf-8").splitlines()
]

RIGHT = 27
"""Of the thirty messages so many at least are understood: with 29, chance and rounding have room."""

ANSWERED = 17
"""Of the twenty questions so many at least are answered: with 19, likewise."""

LARGER = "qwen2.5-coder-1.5b"


@pytest.fixture(name="chat")
def _chat(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(CHAT.parent))
    return importlib.import_module("chat")


def way(decisions: tuple[Decision, ...]) -> str:
    """What was done about a message, by the trace."""
    by_name = {each.function: each for each in decisions}
    if "arrange" in by_name:
        return "appointment"
    if "find" not in by_name:
        return "noted"
    tool = by_name["find"].decisions[0].value
    return type(tool).__name__


def is_answered(reply: str, facts: list[str]) -> bool:
    """Whether a reply has each of the facts, in one of the ways to say it."""
    said = reply.lower()
    return all(any(way in said for way in fact.split("|")) for fact in facts)


def prompts(decisions: tuple[Decision, ...]) -> Iterator[Decision]:
    for each in decisions:
        if each.called == "prompt":
            yield each
        yield from prompts(each.decisions)


@pytest.mark.model
def test_thirty_messages_are_understood_and_every_decision_is_in_the_trace(chat: ModuleType) -> None:
    conversation = chat.Conversation()
    traces: list[Any] = [conversation.say(each["text"]) for each in CONVERSATION]

    ways = [way(trace.decisions) for trace in traces]
    right = [found == each["way"] for found, each in zip(ways, CONVERSATION, strict=True)]
    assert sum(right) >= RIGHT, list(zip(ways, CONVERSATION, strict=True))
    replies = [trace.value.text for trace in traces]
    questions = [(reply, each) for reply, each in zip(replies, CONVERSATION, strict=True) if "facts" in each]
    assert sum(is_answered(reply, each["facts"]) for reply, each in questions) >= ANSWERED, questions
    for trace in traces:
        asked = [each.function for each in trace.decisions if each.wave == 1]
        assert asked == ["boundary", "classify", "complexity", "durability", "wish"]
        assert all(0 < (each.confidence or 0) <= 1 for each in prompts(trace.decisions))


def talk(*options: str, says: str) -> str:
    """What the terminal shows."""
    done = subprocess.run(
        [sys.executable, str(CHAT), *options],
        input=says,
        capture_output=True,
        encoding="utf-8",
        cwd=ROOT,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.model
def test_an_appointment_is_made_over_two_messages_and_the_terminal_shows_why() -> None:
    shown = talk("--trace", says="I want to bring my bicycle.\nOn Friday, the brakes are broken.\n")

    first, second = shown.split("> ")[1:]
    assert first.endswith("On which day would you like to come, and what is to be done?\n")
    assert second.endswith("You have an appointment. See you then!\n")
    assert [line.split()[:2] for line in second.splitlines()[6:9]] == [
        ["arrange", "null"],
        ["names_day", "true"],
        ["names_work", "true"],
    ]


@pytest.mark.model
@pytest.mark.skipif(
    not files.is_here(registry.find(LARGER)), reason="the larger model is 1.1 GB and not here"
)
def test_a_larger_model_writes_and_is_asked_where_a_wish_is_unsure() -> None:
    shown = talk("--trace", "--model", LARGER, says="Somebody stole my lamp last night.\n")

    decided = {line.split()[0]: line for line in shown.splitlines() if line.startswith("  ")}
    assert "escalated" in decided["wish"]
    assert "model" in decided["compress"]


def test_a_model_that_is_not_there_is_said_at_once() -> None:
    done = subprocess.run(
        [sys.executable, str(CHAT), "--model", "smollm3"],
        input="",
        capture_output=True,
        encoding="utf-8",
        cwd=ROOT,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert "smollm3" in done.stderr


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("3 * (4 + 5)", "3 * (4 + 5) = 27"),
        ("-7 / 2", "-7 / 2 = -3.5"),
        ("1 / 0", "1 / 0 can not be worked out: division by zero"),
        ("9 ** 9", "9 ** 9 can not be worked out: it has more in it than numbers and + - * /"),
        ("(", "( can not be worked out: '(' was never closed"),
    ],
)
def test_what_the_calculator_is_given_is_worked_out_or_refused(
    chat: ModuleType, expression: str, said: str
) -> None:
    assert chat.workshop.calculate(expression).startswith(said)
