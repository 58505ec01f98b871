"""Answers as readable text."""

from __future__ import annotations

from enum import StrEnum

import pytest

from mpc.trials.words import readable


class Act(StrEnum):
    question = "question"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is, \u00fc", "as it is, \u00fc"),
        (Act.question, "question"),
        (3, "3"),
        (True, "true"),
        (None, "none"),
        (["a", "\u00fc"], '[\n  "a",\n  "\u00fc"\n]'),
        ({"act": Act.question, "tags": []}, '{\n  "act": "question",\n  "tags": []\n}'),
    ],
)
def test_readable(value: object, text: str) -> None:
    assert readable(value) == text
