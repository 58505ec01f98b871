"""What the standard library ships decides as well as when it was shipped, on rows that nothing was fitted
on."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from microprompt.evaluation.rows import read_labelled
from microprompt.heads import tuning
from microprompt.heads.tuning import Entry

from ..accuracy.ship import WRITTEN
from ..accuracy.tasks import DECISIONS, Task, key_of
from ..accuracy.ways import MODEL, entry_in


def shipped_entry(task: Task) -> Entry:
    return entry_in(tuning.tuning_path(task.source), task)


of_each_decision = pytest.mark.parametrize("task", DECISIONS, ids=lambda task: task.title)


@of_each_decision
def test_a_tuning_is_shipped_for_the_prompt_as_it_is(task: Task) -> None:
    entry = shipped_entry(task)
    assert (entry.key, entry.model) == (key_of(task), MODEL)


@of_each_decision
def test_it_says_whose_rows_it_was_learnt_from(task: Task) -> None:
    sources = shipped_entry(task).report["sources"]
    assert isinstance(sources, list)
    assert any((task.rows_of if task.may_ship else WRITTEN) in source for source in sources)


@pytest.mark.model
@of_each_decision
def test_shipped_figures_hold_on_the_rows_kept_back(task: Task) -> None:
    function = getattr(importlib.import_module(f"mpstd.{task.module}"), task.function)
    rows = read_labelled(function.program, task.held_out.read_bytes(), task.held_out.name)
    answers = list(function.map_detail(rows.arguments))
    right = sum(answer.value is label for answer, label in zip(answers, rows.labels, strict=True))
    entry = shipped_entry(task)
    held_out: Any = entry.report["held_out"]
    assert len(rows) == held_out["n"]
    assert right / len(rows) >= held_out["interval"][0]
    assert {answer.answered_by for answer in answers} == {entry.heads[""].answered_by}
