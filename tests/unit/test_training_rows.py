"""The rows that the standard library's heads are fitted on, and those kept back for the tests."""

from __future__ import annotations

import collections
import importlib
import inspect
import json
import re
import typing
from pathlib import Path
from typing import Any

import pytest

from microprompt.enums import LabelEnum
from microprompt.function import PromptFunction

ROOT = Path(__file__).parents[2]
TRAINING = sorted((ROOT / "stdlib/mpstd/training").glob("*.jsonl"))
HELD_OUT = sorted((ROOT / "tests/rows").glob("*.jsonl"))

of_each_file = pytest.mark.parametrize(
    "path", [*TRAINING, *HELD_OUT], ids=lambda path: f"{path.parent.name}/{path.stem}"
)


def function_of(path: Path) -> PromptFunction[..., Any]:
    module, name = path.stem.split(".")
    function = getattr(importlib.import_module(f"mpstd.{module}"), name)
    assert isinstance(function, PromptFunction)
    return function


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def plain(texts: typing.Iterable[object]) -> tuple[str, ...]:
    """The texts without what a copy may differ in: case, punctuation, space."""
    return tuple(re.sub(r"\W+", " ", str(text).casefold()).strip() for text in texts)


def test_there_are_rows() -> None:
    assert TRAINING
    assert {path.name for path in HELD_OUT} <= {path.name for path in TRAINING}


@of_each_file
def test_each_row_is_a_call_with_an_answer(path: Path) -> None:
    function = function_of(path)
    parameters = list(inspect.signature(function).parameters)
    returned = typing.get_type_hints(function)["return"]
    assert issubclass(returned, LabelEnum)
    for row in rows_of(path):
        assert list(row) == ["id", "inputs", "label"], row
        assert list(row["inputs"]) == parameters, row
        assert all(text.strip() == text != "" for text in row["inputs"].values()), row
        assert row["label"] in returned.__members__, row


@of_each_file
def test_labels_are_balanced(path: Path) -> None:
    counts = collections.Counter(row["label"] for row in rows_of(path))
    returned = typing.get_type_hints(function_of(path))["return"]
    assert set(counts) == set(returned.__members__)
    assert max(counts.values()) - min(counts.values()) <= 1, counts


@of_each_file
def test_no_row_is_there_twice_or_stands_in_the_source(path: Path) -> None:
    seen = {plain(example.arguments): "an example" for example in function_of(path).body.examples}
    if path in HELD_OUT:
        training = rows_of(ROOT / "stdlib/mpstd/training" / path.name)
        seen |= {plain(row["inputs"].values()): row["id"] for row in training}
    ids = set()
    for row in rows_of(path):
        texts = plain(row["inputs"].values())
        assert texts not in seen, (row["id"], seen[texts])
        seen[texts] = row["id"]
        assert row["id"] not in ids
        ids.add(row["id"])
