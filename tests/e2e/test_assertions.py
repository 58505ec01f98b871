"""The next best answer on a real model: each one once, the same ones in every run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from microprompt.errors import AssertionFailed
from mpc import project

pytestmark = pytest.mark.model

PROGRAM = """\
record Sum:
    low: int(0..9)
    high: int(0..999)
    total: int(0..999)
    assert total == low + high + 1000 "no total is as large as that"

prompt add(text: str) -> Sum:
    Add up the two numbers.

    Text: {text}
using:
    retries = 3
"""


def test_no_answer_comes_twice_and_the_order_is_always_the_same(tmp_path: Path) -> None:
    path = tmp_path / "sums.mp"
    path.write_text(PROGRAM, encoding="utf-8")
    module: Any = project.load(path)
    found = []
    for _ in range(2):
        with pytest.raises(AssertionFailed) as raised:
            module.add("two pens and three books")
        found.append(raised.value.answers)
    assert found[0] == found[1]
    assert len(set(map(repr, found[0]))) == 4
