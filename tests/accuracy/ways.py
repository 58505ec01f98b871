"""Ways to decide: each gives its `Outcome` on the rows of a data set.

Functions of this project are called as users call them. What is fitted is fitted on the rows that are named,
and on no others; the rows that are measured are in none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from microprompt import abi
from microprompt.deciding import evidence
from microprompt.errors import MicropromptError
from microprompt.evaluation import run
from microprompt.evaluation.rows import LabelledRows
from microprompt.evaluation.variants import Variant, with_program
from microprompt.function import PromptFunction
from microprompt.heads import tuning
from microprompt.heads.tuning import Entry
from microprompt.program import Program
from microprompt.storage import read_regular
from microprompt.tuning import tune
from microprompt.tuning.request import Request

from .cached import Cached
from .outcome import Outcome, outcome_of
from .tasks import Task, function_of, key_of, question_of, rows_of
from .telling import Telling, counted
from .weighting import even

AnyFunction: TypeAlias = PromptFunction[..., Any]

MODEL: Final = "smollm2-135m"
"""The model that is measured where no other is named."""


def places_of(task: Task, rows: LabelledRows) -> NDArray[np.intp]:
    """The numbers of the rows' labels, shape (n,)."""
    question = question_of(task)
    return np.array([question.label(label) for label in rows.labels], dtype=np.intp)


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


def with_tuning(task: Task, file: Path, *, model: str = MODEL) -> AnyFunction:
    """The function with what is in a tuning file."""
    function = from_source(task, model=model)
    learnt = abi.Tuning(file=str(file.resolve()), key=key_of(task))
    return with_program(function, replace(function.program, tuning=learnt))


def tuned(
    task: Task, data: Path, parts: tuple[str, ...], cached: Cached, *, model: str = MODEL
) -> Path:
    """The tuning file that is learnt from rows of a data set, with the cut-point to abstain at 0.95."""
    rows = rows_of(task, data, parts)
    request = Request(
        program=_abstaining(from_source(task, model=model).program),
        key=key_of(task),
        model=abi.Model(name=model),
        folder=task.source.parent,
        labelled=rows,
        counts=even(places_of(task, rows)),
        seconds=np.inf,
        sources=tuple(f"{task.name}/{part}.jsonl: {task.rows_of}" for part in parts),
    )
    path = tuning.tuning_path(cached.folder / "tunings" / model / "+".join(parts) / f"{task.name}.mp")
    if not path.exists():
        found = tune.tune(request, Telling(task.name), reader=cached.evidence)
        path.parent.mkdir(parents=True, exist_ok=True)
        tuning.write(path, {task.function: (found.entry,)})
    return path


def _abstaining(program: Program) -> Program:
    using = replace(program.using, abstain=abi.Threshold(reach=0.95))
    return replace(program, using=using)


def sources_of(file: Path, task: Task) -> tuple[str, ...]:
    """Whose rows a tuning file says it was learnt from."""
    found = entry_in(file, task).report.get("sources")
    return tuple(map(str, found)) if isinstance(found, list) else ()


def entry_in(file: Path, task: Task) -> Entry:
    """What a tuning file holds of the function of a task."""
    (entry,) = tuning.read(file)[task.function]
    return entry


def calls(
    name: str,
    task: Task,
    function: AnyFunction,
    rows: LabelledRows,
    cached: Cached,
) -> Outcome:
    """What calls of a function say. Each is made with nothing known of its text."""
    key = (*_made_of(function), _texts(rows))
    found = cached.data(f"{task.name}.{name}", key, lambda: _called(name, task, function, rows).to_data())
    return outcome_of(found, places_of(task, rows))


def _made_of(function: AnyFunction) -> tuple[object, ...]:
    program = function.program
    learnt = program.tuning
    return (
        repr(replace(program, tuning=None, source="", line=0)),
        None if learnt is None else read_regular(Path(learnt.file), abi.MAX_TENSORS),
    )


def _texts(rows: LabelledRows) -> list[Mapping[str, object]]:
    return [dict(row) for row in rows.arguments]


def _called(name: str, task: Task, function: AnyFunction, rows: LabelledRows) -> Outcome:
    question = question_of(task)
    variant = Variant(name=name, function=function)
    run.warm(variant, rows)
    evidence.forget()
    with counted(f"{task.name}: {name}", len(rows)) as advance:
        found = run.run(variant, rows, advance)
    probabilities = np.zeros((len(rows), len(question.options)))
    for place, answer in enumerate(found.outcomes):
        if not isinstance(answer, MicropromptError):
            assert answer.distribution is not None, "a choice has a distribution"
            probabilities[place] = [answer.distribution[option] for option in question.options]
    return Outcome(
        probabilities=probabilities,
        labels=places_of(task, rows),
        by=", ".join(found.figures.answered_by),
        ms=found.cost.p50_ms,
    )
