"""The table of what the source alone is good for: each data set, with few or no examples, by each piece of
evidence and by the rule that weighs them.

Examples are drawn from the rows to learn from, several times; which ones are drawn matters more than anything
else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from microprompt import abi
from microprompt.deciding.choices import Question, fingerprint
from microprompt.deciding.evidence import AnyEmbedder, Loaded, Sources
from microprompt.deciding.scores import corrected
from microprompt.deciding.source import heads_from_source
from microprompt.engines.base import AnyEngine
from microprompt.errors import ModelError
from microprompt.evaluation import metrics
from microprompt.evaluation.rows import LabelledRows
from microprompt.heads.evidence import Embedding, Evidence, Features, Labels
from microprompt.heads.linear import Numbers, log_softmax
from microprompt.program import Program

from .cached import Cached
from .tasks import DEV, TASKS, TRAIN, Task, function_of, places_of, question_of, rows_of
from .telling import tell
from .ways import MODEL, from_source, log_probs

DRAWS: Final = 6
EXAMPLES: Final = (0, 2, 5)
"""Examples a label."""

RAW: Final = "label scores"
CORRECTED: Final = "label scores, corrected"

INPUTS: Final = 40
"""Inputs whose label scores say how often each label is said."""


def source_table(data: Path, cached: Cached, *, labels: bool) -> list[dict[str, object]]:
    """A row for each data set and number of examples: accuracies on the rows to measure on. Label scores need
    a prompt for each number of examples, and take an hour where there are two texts: without `labels`, and
    for those, only what is known of them stands there."""
    return [
        row
        for task in TASKS
        for row in _rows(task, data, cached, labels=labels and len(function_of(task).program.parameters) == 1)
    ]


def _rows(task: Task, data: Path, cached: Cached, *, labels: bool) -> Iterator[dict[str, object]]:
    train, rows = rows_of(task, data, TRAIN), rows_of(task, data, DEV)
    program = from_source(task).program
    several = {
        f"{count} a label" if count else "none": [
            _with_examples(program, train, task, count, draw) for draw in range(DRAWS if count else 1)
        ]
        for count in EXAMPLES
    }
    if program.examples:
        several[f"its own {len(program.examples)}"] = [program]
    for examples, draws in several.items():
        tell(f"{task.name}: the source alone, with {examples} for examples")
        scores = _label_scores(task, draws[0], train, rows, cached, labels=labels)
        found = {"name": task.name, "examples": examples, "draws": len(draws), "n": len(rows)}
        key = [fingerprint(program) for program in draws]
        said = cached.data(f"{task.name}.source", key, partial(_row, task, draws, rows, cached))
        assert isinstance(said, dict)
        yield {**found, **scores, **said}


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


def _row(
    task: Task, draws: Sequence[Program], rows: LabelledRows, cached: Cached
) -> dict[str, float | None]:
    labels = places_of(task, rows)
    found: dict[str, float | None] = {}
    evidence: dict[str, Sources] = {
        "readout": _OnlyReadout(abi.Model(name=MODEL)),
        "embedder": _OnlyEmbedder(),
        "rule": Loaded(abi.Model(name=MODEL), None),
    }
    for name, sources in evidence.items():
        every = [_said(task, program, sources, rows, cached) for program in draws]
        said = [each for each in every if each is not None]
        accuracies = [_accuracy(each, labels) for each in said]
        found[name] = float(np.mean(accuracies)) if said else None
        if name == "rule" and said:
            found["least"], found["most"] = min(accuracies), max(accuracies)
            found["ece"] = float(np.mean([_error(each, labels) for each in said]))
    return found


def _label_scores(
    task: Task, program: Program, train: LabelledRows, rows: LabelledRows, cached: Cached, *, labels: bool
) -> dict[str, float | None]:
    """The accuracy of label scores: raw, and corrected by what is said of other inputs."""
    sources = Loaded(program.using.model, None)
    random = np.random.default_rng(0)
    inputs = [train.arguments[at] for at in random.permutation(len(train))[:INPUTS]]
    if not labels and not cached.knows(program, (*rows.arguments, *inputs), Labels()):
        return {RAW: None, CORRECTED: None}
    said, prior = (
        cached.evidence(program, each, Labels(), sources, question=question_of(task))
        for each in (rows.arguments, inputs)
    )
    places = places_of(task, rows)
    return {
        RAW: _accuracy(log_softmax(said.astype(np.float64)), places),
        CORRECTED: _accuracy(corrected(prior).log_probs(said), places),
    }


def _said(
    task: Task, program: Program, sources: Sources, rows: LabelledRows, cached: Cached
) -> Numbers | None:
    """What the head from the source says of the rows, shape (n, K); `None` where the source has nothing for
    one."""
    question = question_of(task)
    made = heads_from_source(program, [question], sources, lambda error: None, reader=_Reader(cached))
    head = made[question.name].head
    return None if head is None else log_probs(head, task, program, rows, cached)


def _accuracy(said: Numbers, labels: NDArray[np.intp]) -> float:
    return float((said.argmax(axis=1) == labels).mean())


def _error(said: Numbers, labels: NDArray[np.intp]) -> float:
    right = said.argmax(axis=1) == labels
    return metrics.calibration_error(metrics.reliability(np.exp(said.max(axis=1)), right))


# ------------------------------------------------------------------------------------ evidence by itself


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads rows once, but nothing of an embedder that is left out: not even what was kept of it."""

    cached: Cached

    def __call__(
        self,
        program: Program,
        rows: Sequence[Mapping[str, object]],
        evidence: Evidence,
        sources: Sources,
        *,
        question: Question | None = None,
        progress: Callable[[], None] = lambda: None,
    ) -> Features:
        if isinstance(evidence, Embedding):
            sources.embedder(evidence.model)
        return self.cached.evidence(program, rows, evidence, sources, question=question, progress=progress)


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
