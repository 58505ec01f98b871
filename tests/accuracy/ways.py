"""Ways to decide: what each says of the rows of a data set, and what a call of it takes.

What a head says follows from the features of a text, which are read once and kept. What is fitted is fitted
on the rows that are named, and on no others; the rows that are measured are in none of them.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from microprompt import abi
from microprompt.deciding import evidence
from microprompt.deciding.evidence import Loaded
from microprompt.deciding.source import heads_from_source
from microprompt.errors import ModelError
from microprompt.evaluation.rows import LabelledRows
from microprompt.evaluation.run import TIMED_ROWS
from microprompt.evaluation.variants import with_program
from microprompt.function import PromptFunction
from microprompt.heads import tuning
from microprompt.heads.evidence import Labels
from microprompt.heads.head import Head, HeadPart
from microprompt.heads.linear import Linear, Numbers
from microprompt.heads.tuning import Entry
from microprompt.program import Program
from microprompt.tuning import tune
from microprompt.tuning.request import Request

from .cached import Cached
from .outcome import Outcome
from .tasks import Task, counts_of, function_of, key_of, places_of, question_of, rows_of
from .telling import Telling

AnyFunction: TypeAlias = PromptFunction[..., Any]

MODEL: Final = "smollm2-135m"
"""The model that is measured where no other is named."""


# ------------------------------------------------------------------------------------------ by this project


def from_source(task: Task, *, labels: bool = False, model: str = MODEL) -> AnyFunction:
    """The function on a model without anything learnt from rows; with `labels`, only label scores answer."""
    function = function_of(task)
    decide = abi.LABELS if labels else None
    using = replace(function.program.using, model=abi.Model(name=model), decide=decide)
    return with_program(function, replace(function.program, using=using))


def shipped(task: Task) -> AnyFunction:
    """The function as the library ships it."""
    return with_tuning(task, tuning.tuning_path(task.source))


def with_tuning(task: Task, file: Path) -> AnyFunction:
    """The function with what is in a tuning file."""
    function = from_source(task)
    learnt = abi.Tuning(file=str(file.resolve()), key=key_of(task))
    return with_program(function, replace(function.program, tuning=learnt))


def tuned(task: Task, data: Path, parts: tuple[str, ...], cached: Cached) -> Path:
    """The tuning file that is learnt from rows of a data set, with the cut-point to abstain at 0.95."""
    rows = rows_of(task, data, parts)
    request = Request(
        program=_abstaining(from_source(task).program),
        key=key_of(task),
        model=abi.Model(name=MODEL),
        folder=task.source.parent,
        labelled=rows,
        counts=counts_of(task, rows),
        seconds=math.inf,
        sources=tuple(f"{task.name}/{part}.jsonl: {task.rows_of}" for part in parts),
    )
    path = tuning.tuning_path(cached.folder / "tunings" / MODEL / "+".join(parts) / f"{task.name}.mp")
    if not path.exists():
        found = tune.tune(request, Telling(task.name), reader=cached.evidence)
        path.parent.mkdir(parents=True, exist_ok=True)
        tuning.write(path, {task.function: (found.entry,)})
    return path


def _abstaining(program: Program) -> Program:
    using = replace(program.using, abstain=abi.Threshold(reach=0.95))
    return replace(program, using=using)


def entry_in(file: Path, task: Task) -> Entry:
    """What a tuning file holds of the function of a task."""
    (entry,) = tuning.read(file)[task.function]
    return entry


def head_in(file: Path, task: Task) -> Head:
    """The head that a tuning file holds for the one choice of a task."""
    return entry_in(file, task).heads[""]


def sources_of(file: Path, task: Task) -> tuple[str, ...]:
    """Whose rows a tuning file says it was learnt from."""
    found = entry_in(file, task).report.get("sources")
    return tuple(map(str, found)) if isinstance(found, list) else ()


# ---------------------------------------------------------------------------------------------- what they say


def decided(task: Task, head: Head, rows: LabelledRows, cached: Cached, *, model: str = MODEL) -> Outcome:
    """What a head says of rows, with the labels that are right."""
    said = log_probs(head, task, from_source(task, model=model).program, rows, cached)
    return Outcome(probabilities=np.exp(said), labels=places_of(task, rows), by=head.answered_by)


def log_probs(head: Head, task: Task, program: Program, rows: LabelledRows, cached: Cached) -> Numbers:
    """What a head of a program says of rows, shape (n, K)."""
    sources = Loaded(program.using.model, task.source.parent)
    question = question_of(task)
    return head.log_probs(
        {
            each: cached.evidence(program, rows.arguments, each, sources, question=question)
            for each in head.evidence
        }
    )


def head_of_source(task: Task, cached: Cached) -> Head | None:
    """The head that is made of a function's source alone, as far as that says anything."""
    program = from_source(task).program
    question = question_of(task)
    sources = Loaded(program.using.model, task.source.parent)
    made = heads_from_source(program, [question], sources, _raise, reader=cached.evidence)
    return made[question.name].head


def _raise(error: ModelError) -> None:
    raise error  # figures without the embedder are other figures


def scored(task: Task, rows: LabelledRows, cached: Cached, *, model: str = MODEL) -> Outcome:
    """What label scores alone say of rows."""
    return decided(task, scores_alone(task), rows, cached, model=model)


def scores_alone(task: Task) -> Head:
    """The head that takes label scores as they are."""
    n_labels = len(question_of(task).options)
    unchanged = Linear(np.eye(n_labels, dtype=np.float32), np.zeros(n_labels, dtype=np.float32))
    return Head(parts=(HeadPart(Labels(), 1.0, unchanged),))


def milliseconds(function: AnyFunction, rows: LabelledRows) -> float:
    """The median of calls that are made one at a time, each with a text that was not seen before."""
    first, *others = rows.arguments[: TIMED_ROWS + 1]
    function.detail(**first)  # loads the models, and pays for the prefix
    evidence.forget()
    return 1000 * float(np.median([function.detail(**row).seconds for row in others]))
