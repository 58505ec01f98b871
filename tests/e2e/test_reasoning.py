"""The scratchpad before an answer on real models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from microprompt import Answer
from mpc import project

pytestmark = pytest.mark.model

PROGRAM = """\
record Sum:
    total: int(0..99)
    large: bool

prompt more(text: str) -> bool:
    Think step by step, then answer yes or no.

    Question: {text}
using:
    reasoning = 24
    layout = "LAYOUT"

prompt add(text: str) -> Sum:
    Add up what there is.

    Text: {text}
using:
    reasoning = 3
    layout = "LAYOUT"
"""


@pytest.mark.parametrize("layout", ["plain", "chat"])
def test_an_answer_is_scored_behind_what_was_written(tmp_path: Path, layout: str) -> None:
    path = tmp_path / "sums.mp"
    path.write_text(PROGRAM.replace("LAYOUT", layout), encoding="utf-8")
    module: Any = project.load(path)
    question = "Tom has two pens and buys one. Has he more than two?"
    first: Answer[bool] = module.more.detail(question)
    assert first.reasoning
    assert "Answer:" not in first.reasoning
    assert sum((first.distribution or {}).values()) == pytest.approx(1.0)
    assert module.more.detail(question).reasoning == first.reasoning
    second = module.add.detail("two pens and three books")
    assert second.reasoning_cut
    assert [*second.fields] == ["total", "large"]
