"""The data sets: what each asks, of which function, and whose rows they are.

They lie in a folder that is no part of this project, one folder a data set: `train.jsonl` to learn from,
`dev.jsonl` to measure on, and for some `train_more.jsonl`, further rows to learn from. Their licences differ:
what is learnt from rows of some may be shipped as numbers, others may only be measured on, and no row of any
is part of this project.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from microprompt import rows
from microprompt.deciding.choices import Question, questions
from microprompt.errors import ArgumentError
from microprompt.evaluation.rows import LabelledRows, joined, read_labelled
from microprompt.evaluation.variants import with_program
from microprompt.function import PromptFunction
from microprompt.heads.fit import C
from microprompt.storage import read_regular
from mpc import project
from mpc.cli import functions

from .weighting import even

ROOT: Final = Path(__file__).parents[2]
LIBRARY: Final = ROOT / "stdlib" / "mpstd"
_PROGRAMS: Final = Path(__file__).parent / "programs"

TRAIN: Final = ("train",)
ALL: Final = ("train", "train_more")
DEV: Final = ("dev",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A data set, called as its folder is, and the function that is asked: of the module `module` of the
    standard library, or of a program beside this file (`is_own`).

    `rows_of` says whose rows they are, with their licence, and `may_ship` whether numbers learnt from them
    may be part of the library; where they may, a head is learnt from them alone, else from the rows that were
    written for the function (mixed, these do harm: they part what those never do). `cue` is what must not
    tell the label of a row (see `weighting`). Of what is shipped, `layer` is that behind which a text is
    read (without it, the engine's own), `form` that of the embedding that stands beside the readout, and
    `strength` how strongly it is fitted: all chosen on train rows, but with figures on dev in view where a
    `layer` is given. `measures` says what a figure on them tells. `aims` are the accuracies that were aimed
    at, of what is shipped and of what is tuned on all rows to learn from.
    """

    name: str
    module: str
    function: str
    rows_of: str
    may_ship: bool = False
    has_more: bool = False
    is_own: bool = False
    cue: Callable[[Mapping[str, object]], bool] | None = None
    layer: int | None = None
    form: str | None = None
    strength: float = C
    measures: str
    aims: tuple[float, float] | None = None

    @property
    def title(self) -> str:
        """The function as programs import it."""
        return self.function if self.is_own else f"std.{self.module}.{self.function}"

    @property
    def source(self) -> Path:
        """The `.mp` file."""
        return (_PROGRAMS if self.is_own else LIBRARY) / f"{self.module}.mp"

    @property
    def training(self) -> Path:
        """The rows that were written for the function."""
        return LIBRARY / "training" / f"{self.module}.{self.function}.jsonl"

    @property
    def held_out(self) -> Path:
        """Further rows that were written for it, which nothing was fitted on."""
        return ROOT / "tests" / "rows" / f"{self.module}.{self.function}.jsonl"


DECISIONS: Final = (
    Task(
        name="taskclass",
        module="request",
        function="classify",
        rows_of="utterances of DailyDialog with their dialogue acts (CC BY-NC-SA 4.0)",
        measures="What the speaker wants: to know something, to have something done, or to state it. "
        "Wishes and requests in the form of a question (*Can you tell me ...?*) are commands in these rows.",
        aims=(0.87, 0.92),
    ),
    Task(
        name="complexity",
        module="question",
        function="complexity",
        rows_of="questions of Break (MIT) and LC-QuAD 1.0 (GPL-3.0)",
        measures="Whether the makers of the data took a question apart into several steps. It is told from "
        "the question's form: how much a reader happens to know does not count.",
        aims=(0.68, 0.75),
    ),
    Task(
        name="transience",
        module="question",
        function="durability",
        rows_of="questions of EverGreenQA (MIT) and FreshQA (Apache-2.0)",
        measures="Whether the answer changes with time, as people have judged. It is told from the "
        "question: a model of this size does not know which records still stand.",
        aims=(0.82, 0.81),
    ),
    Task(
        name="boundary",
        module="dialogue",
        function="boundary",
        layer=18,
        form="pair",
        strength=0.01,
        rows_of="topic shifts in the conversations of TIAGE (MIT)",
        may_ship=True,
        has_more=True,
        cue=lambda row: "?" in str(row["new"]),
        measures="Whether annotators saw a new topic begin. They agree with one another at a kappa of "
        "about 0.48, so nobody gets all of it right.",
        aims=(0.70, 0.73),
    ),
    Task(
        name="planning_slots",
        module="plan",
        function="enough",
        layer=18,
        form="pair",
        strength=0.03,
        rows_of="dialogues of the Schema-Guided Dialogue data (CC BY-SA 4.0)",
        has_more=True,
        measures="Whether a dialogue has given every value that an action lists as needed. It is not "
        "whether a plan would work, nor whether the conditions of a policy are met (see the limit below).",
        aims=(0.70, 0.81),
    ),
    Task(
        name="evaluation",
        module="evaluate",
        function="quality",
        form="pair",
        strength=0.03,
        rows_of="rated answers of FeedbackQA (Apache-2.0)",
        may_ship=True,
        has_more=True,
        measures="Whether a passage is about what was asked: relevance, not correctness. A response that "
        "is to the point and wrong is `good`; on pairs that differ in correctness alone (LLMBar) it is at "
        "chance.",
        aims=(0.70, 0.71),
    ),
)
"""The six decisions of the standard library."""

OTHERS: Final = (
    Task(
        name="topics",
        module="topics",
        function="topic",
        is_own=True,
        rows_of="messages of eight intents of Banking77 (CC BY 4.0)",
        measures="What a text is about, of eight topics that are told by their names alone.",
    ),
    Task(
        name="planning",
        module="policy",
        function="settled",
        is_own=True,
        rows_of="policies and cases of OR-ShARC (CC BY-SA 3.0)",
        measures="Whether a policy's conditions are all settled: a limit. Nothing here is far from chance.",
    ),
)
"""What a user's own function may ask."""

TASKS: Final = (*DECISIONS, *OTHERS)


def task_called(name: str) -> Task:
    """The data set of that name."""
    return next(task for task in TASKS if task.name == name)


@lru_cache(maxsize=len(TASKS))
def function_of(task: Task) -> PromptFunction[..., Any]:
    """The function as its source says it, without what was learnt of it."""
    found = functions.find_prompt(str(task.source), task.function)
    return with_program(found, replace(found.program, tuning=None))


def question_of(task: Task) -> Question:
    """The one choice that is asked."""
    (found,) = questions(function_of(task).program.returns)
    return found


@lru_cache(maxsize=len(TASKS))
def key_of(task: Task) -> str:
    """What stands for the prompt in tuning files."""
    return project.keys(task.source)[task.function]


def rows_of(task: Task, data: Path, parts: tuple[str, ...]) -> LabelledRows:
    """Rows of a data set. Raises `ArgumentError` where they are absent."""
    return joined([_read(task, data / task.name / f"{part}.jsonl") for part in parts])


def places_of(task: Task, rows: LabelledRows) -> NDArray[np.intp]:
    """The numbers of the rows' labels, shape (n,)."""
    question = question_of(task)
    return np.array([question.label(label) for label in rows.labels], dtype=np.intp)


def counts_of(task: Task, rows: LabelledRows) -> NDArray[np.float64]:
    """How often each row counts, shape (n,)."""
    cue = [task.cue is not None and task.cue(row) for row in rows.arguments]
    return even(places_of(task, rows), cue)


def written_rows(task: Task) -> LabelledRows:
    """The rows that were written for the function."""
    return _read(task, task.training)


def held_out_rows(task: Task) -> LabelledRows:
    """Those of them that nothing was fitted on."""
    return _read(task, task.held_out)


@lru_cache(maxsize=64)
def _read(task: Task, path: Path) -> LabelledRows:
    if not path.is_file():
        raise ArgumentError(
            f"there are no rows at {path}",
            help="give the folder that holds one folder a data set, each with train.jsonl and dev.jsonl",
        )
    return read_labelled(function_of(task).program, read_regular(path, rows.MAX_ROWS), path.name)
