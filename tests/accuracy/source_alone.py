"""The table of what the source alone is good for: each data set, with few or no examples, by each piece of
evidence and by the rule that weighs them.

Examples are drawn from the rows to learn from, several times; which ones are drawn matters more than anything
else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from microprompt import abi
from microprompt.deciding.evidence import AnyEmbedder, Loaded, Sources
from microprompt.deciding.scores import corrected
from microprompt.deciding.source import RULE, heads_from_source
from microprompt.engines.base import AnyEngine
from microprompt.errors import ModelError
from microprompt.evaluation import metrics
from microprompt.evaluation.rows import LabelledRows
from microprompt.heads.evidence import RECIPE, Labels
from microprompt.heads.head import Head
from microprompt.heads.linear import Numbers, log_softmax
from microprompt.program import Program

from .cached import Cached
from .tasks import DEV, TASKS, TRAIN, Task, question_of, rows_of
from .telling import tell
from .ways import MODEL, from_source, places_of

DRAWS: Final = 6
EXAMPLES: Final = (0, 2, 5)
"""Examples a label."""

INPUTS: Final = 40
"""Inputs whose label scores say how often each label is said."""


def source_table(data: Path, cached: Cached) -> list[dict[str, object]]:
    """A row for each data set and number of examples: accuracies on the rows to measure on."""
    return [row for task in TASKS for row in _rows(task, data, cached)]


def _rows(task: Task, data: Path, cached: Cached) -> Iterator[dict[str, object]]:
    train, rows = rows_of(task, data, TRAIN), rows_of(task, data, DEV)
    program = from_source(task).program
    for count in EXAMPLES:
        draws = [_with_examples(program, train, task, count, draw) for draw in range(DRAWS if count else 1)]
        yield _kept(task, f"{count} a label" if count else "none", draws, train, rows, cached)
    if program.examples:
        yield _kept(task, f"its own {len(program.examples)}", [program], train, rows, cached)


def _with_examples(program: Program, train: LabelledRows, task: Task, count: int, draw: int) -> Program:
    """The program with other examples: so many of each label, drawn from the rows."""
    places = places_of(task, train)
    random = np.random.default_rng(1000 * count + draw)
    taken = [
        int(at)
        for label in range(len(question_of(task).options))
        for at in random.permutation(np.flatnonzero(places == label))[:count]
    ]
    names = [parameter.name for parameter in program.parameters]
    return replace(
        program,
        examples=tuple(
            abi.Example(
                arguments=tuple(train.arguments[at][name] for name in names), answer=train.labels[at], line=0
            )
            for at in random.permutation(taken)
        ),
    )


def _kept(
    task: Task,
    examples: str,
    draws: Sequence[Program],
    train: LabelledRows,
    rows: LabelledRows,
    cached: Cached,
) -> dict[str, object]:
    found = cached.data(
        f"{task.name}.source.{examples}",
        (RULE, RECIPE, [repr(program) for program in draws], rows.labels),
        lambda: _row(task, draws, train, rows, cached),
    )
    assert isinstance(found, dict)
    return {"name": task.name, "examples": examples, "draws": len(draws), **found}


def _row(
    task: Task, draws: Sequence[Program], train: LabelledRows, rows: LabelledRows, cached: Cached
) -> dict[str, object]:
    tell(f"{task.name}: the source alone, {len(draws[0].examples)} examples")
    labels = places_of(task, rows)
    scores, unbiased = _label_scores(task, draws[0], train, rows, cached)
    found: dict[str, object] = {
        "n": len(rows),
        "label scores": _accuracy(scores, labels),
        "label scores, corrected": _accuracy(unbiased, labels),
    }
    evidence: dict[str, Sources] = {
        "readout": _OnlyReadout(abi.Model(name=MODEL)),
        "embedder": _OnlyEmbedder(),
        "rule": Loaded(draws[0].using.model, None),
    }
    for name, sources in evidence.items():
        said = [_said(task, program, sources, rows, cached) for program in draws]
        accuracies = [_accuracy(each, labels) for each in said if each is not None]
        found[name] = float(np.mean(accuracies)) if accuracies else None
        if name == "rule" and accuracies:
            found["least"], found["most"] = min(accuracies), max(accuracies)
            found["ece"] = float(np.mean([_error(each, labels) for each in said if each is not None]))
    return found


def _label_scores(
    task: Task, program: Program, train: LabelledRows, rows: LabelledRows, cached: Cached
) -> tuple[Numbers, Numbers]:
    """Log-probabilities of the labels, shape (n, K): raw, and corrected by what is said of other inputs."""
    sources = Loaded(program.using.model, None)
    random = np.random.default_rng(0)
    inputs = [train.arguments[at] for at in random.permutation(len(train))[:INPUTS]]
    said, prior = (
        cached.evidence(program, each, Labels(), sources, question=question_of(task))
        for each in (rows.arguments, inputs)
    )
    return log_softmax(said.astype(np.float64)), corrected(prior).log_probs(said)


def _said(
    task: Task, program: Program, sources: Sources, rows: LabelledRows, cached: Cached
) -> Numbers | None:
    """What the head from the source says of the rows, shape (n, K); `None` where the source has nothing for
    one."""
    question = question_of(task)
    head = heads_from_source(program, [question], sources, lambda error: None)[question.name].head
    return None if head is None else _answers(head, program, rows, cached)


def _answers(head: Head, program: Program, rows: LabelledRows, cached: Cached) -> Numbers:
    sources = Loaded(program.using.model, None)
    features = {each: cached.evidence(program, rows.arguments, each, sources) for each in head.evidence}
    return head.log_probs(features)


def _accuracy(said: Numbers, labels: NDArray[np.intp]) -> float:
    return float((said.argmax(axis=1) == labels).mean())


def _error(said: Numbers, labels: NDArray[np.intp]) -> float:
    right = said.argmax(axis=1) == labels
    return metrics.calibration_error(metrics.reliability(np.exp(said.max(axis=1)), right))


# ------------------------------------------------------------------------------------ evidence by itself


@dataclass(frozen=True, slots=True)
class _OnlyReadout:
    """A language model and no embedder."""

    model: abi.Model

    def check(self) -> None:
        pass

    def engine(self) -> AnyEngine:
        return Loaded(self.model, None).engine()

    def embedder(self, name: str) -> AnyEmbedder:
        raise ModelError("the embedder is left out")


@dataclass(frozen=True, slots=True)
class _OnlyEmbedder:
    """An embedder, and a language model whose states nobody can read."""

    def check(self) -> None:
        pass

    def engine(self) -> AnyEngine:
        return cast(AnyEngine, None)  # it is looked at, and never asked

    def embedder(self, name: str) -> AnyEmbedder:
        return Loaded(None, None).embedder(name)
