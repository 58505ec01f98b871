"""Samples for functions that write, copy or pick, and the page that is made of what is measured on them."""

from __future__ import annotations

from pathlib import Path

from microprompt.testing import scripted
from mpstd import route

from ..accuracy import writing
from ..accuracy.cached import Cached


def test_what_is_to_be_found_stands_in_the_samples() -> None:
    for check in writing.checks(None):
        for arguments, label in check.rows:
            if check.function is route.call:
                assert all(each in str(arguments["request"]) for each in label["arguments"].values())
            elif "text" in arguments:
                wanted = label["facts"] + label["topics"]
                assert [each for each in wanted if each not in str(arguments["text"])] == []


def test_the_page_tells_what_was_right(tmp_path: Path) -> None:
    facts = {each["text"]: each["facts"] for each in writing.samples("texts")}
    calls = {each["request"]: each for each in writing.samples("tools")}
    reached = {(each["goal"], *each["done"]): each["reached"] for each in writing.samples("steps")}

    def call(request: str, tools: list[route.Tool]) -> object:
        (tool,) = (each for each in tools if each.name == calls[request]["tool"])
        return route.ToolCall(tool=tool, arguments=calls[request]["arguments"])

    script = {
        "compress": lambda text: [", ".join(facts[text])],
        "summarize": "Nobody in Atlantis knows it.",
        "title": "a title",
        "keywords": lambda text: [text.split()[1]],
        "call": call,
        "next_step": lambda goal, done: None if reached[goal, *done] else "go on",
    }
    with scripted(script):
        found = writing.measured(None, Cached(tmp_path), ["smollm2-135m"])
    lines = [line for line in writing.page(found) if line.startswith("| `")]

    assert "facts of the text that are kept" in lines[0]
    assert "| 1.000 [0.758, 1.000] | smollm2-135m |" in lines[0]
    assert "| 1.000 [0.758, 1.000] | smollm2-135m |" in lines[1]
    assert "| 0.000 [0.000, 0.242] | none of these |" in lines[3]
    assert "| 1.000 [0.806, 1.000] | smollm2-135m |" in lines[6]
