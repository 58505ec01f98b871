"""Evaluations: variants of a function on the same labelled rows, each measured, and in pairs.

A row without an answer, such as a text that does not fit into the context, counts as wrong; it is never left
out. How long a call takes is told by the first rows, which are asked one at a time; the others are asked side
by side, which takes less time for all and more for each.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import numpy as np

from ..answer import Answer
from ..errors import MicropromptError
from ..function import PromptFunction
from ..observed import unrecorded
from ..program import Signature
from ..types import kind
from ..types.leaves import leaf_values, leaves
from . import metrics
from .figures import Figures, measure
from .outcomes import Outcome, outcomes
from .rows import LabelledRows
from .variants import Variant

TIMED_ROWS: Final = 32
"""Rows that are asked one at a time."""

WORST: Final = 10
"""Mistakes that are kept."""

_NEARLY_ALL: Final = 0.9
_FEWEST: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCost:
    """What a call takes: milliseconds of one alone (median and 95th percentile of `timed` calls), and tokens
    in the mean over the rows, as `Usage` counts them. `seconds` is the time that all rows took.
    """

    p50_ms: float
    p95_ms: float
    timed: int
    prompt_tokens: float
    cached_tokens: float
    decoded_tokens: float
    seconds: float

    @property
    def evaluated_tokens(self) -> float:
        """Tokens that the model evaluated for a call."""
        return self.prompt_tokens - self.cached_tokens + self.decoded_tokens

    def to_json(self) -> dict[str, object]:
        """As JSON data."""
        return {
            "p50_ms": self.p50_ms,
            "p95_ms": self.p95_ms,
            "timed": self.timed,
            "tokens": {
                "prompt": self.prompt_tokens,
                "cached": self.cached_tokens,
                "decoded": self.decoded_tokens,
            },
            "seconds": self.seconds,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A wrong answer as data, and how sure the model was of it."""

    line: int
    arguments: Mapping[str, object]
    expected: object
    answer: object
    confidence: float

    def to_json(self) -> dict[str, object]:
        """As JSON data."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """A variant with what became of every row, in order.

    `figures` are of the whole answer, `fields` of each field of a record by its dotted name. `worst` are the
    mistakes that the model was surest of, `warnings` for people.
    """

    name: str
    outcomes: tuple[Outcome, ...]
    figures: Figures
    fields: tuple[Figures, ...]
    cost: CallCost
    worst: tuple[Mistake, ...]
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """As JSON data, without the outcomes."""
        fields = {"fields": {each.name: each.to_json() for each in self.fields}} if self.fields else {}
        return {
            "model": self.name,
            **self.figures.to_json(),
            **self.cost.to_json(),
            **fields,
            "worst": [each.to_json() for each in self.worst],
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Variants of a function on the same rows. `paired` compares each but the first with the first."""

    function: str
    rows: LabelledRows
    variants: tuple[Evaluated, ...]
    paired: tuple[metrics.Paired, ...]

    def to_json(self) -> dict[str, object]:
        """As JSON data: the figures of the first variant, then those of all under `models`."""
        models = [each.to_json() for each in self.variants]
        for found, paired in zip(models[1:], self.paired, strict=True):
            found["paired"] = {
                "with": self.variants[0].name,
                "only_it_right": paired.only_first,
                "only_this_right": paired.only_second,
                "p": paired.p,
            }
        first = self.variants[0]
        return {
            "function": self.function,
            "rows": self.rows.source,
            **first.figures.to_json(),
            **first.cost.to_json(),
            "models": models,
            "warnings": list(self.rows.warnings),
        }


@unrecorded()
def warm(variant: Variant, rows: LabelledRows) -> None:
    """Load the variant's model, and throw a first answer away: it pays for the prefix. A flow is not called
    for nothing, for what it calls in its turn may do something.

    Raises:
        ModelError: the model is not to be had.
    """
    if isinstance(variant.function, PromptFunction):
        next(outcomes(variant.function, rows.arguments[:1]))


@unrecorded()
def run(variant: Variant, rows: LabelledRows, advance: Callable[[int], None]) -> Evaluated:
    """Ask all rows and measure the answers; `advance` is told how many more rows are done.

    Raises:
        ModelError: the model is not to be had.
        MicropromptError: no row has an answer; this is what the first one had instead.
    """
    program = variant.function.program
    begun = time.monotonic()
    found: list[Outcome] = []
    for outcome in chain(
        outcomes(variant.function, rows.arguments[:TIMED_ROWS], in_flight=1),
        outcomes(variant.function, rows.arguments[TIMED_ROWS:]),
    ):
        found.append(outcome)
        advance(1)
    seconds = time.monotonic() - begun
    answers = [None if isinstance(each, MicropromptError) else each for each in found]
    if all(answer is None for answer in answers):
        assert isinstance(found[0], MicropromptError)
        found[0].add_note(f"no row of {rows.source} has an answer; this is why line {rows.lines[0]} has none")
        raise found[0]
    returns = kind(program.returns)
    figures = measure("", returns, rows.labels, answers)
    fields = tuple(_fields(program, rows, answers))
    return Evaluated(
        name=variant.name,
        outcomes=tuple(found),
        figures=figures,
        fields=fields,
        cost=_cost(answers, seconds),
        worst=_worst(program, rows, answers),
        warnings=(*_unanswered(rows, found), *chain.from_iterable(map(_collapsed, (figures, *fields)))),
    )


def compare(function: str, rows: LabelledRows, variants: tuple[Evaluated, ...]) -> Evaluation:
    """Put variants that were run on the same rows side by side."""
    first, *others = variants
    paired = tuple(metrics.mcnemar(first.figures.right, each.figures.right) for each in others)
    return Evaluation(function=function, rows=rows, variants=variants, paired=paired)


def _fields(program: Signature, rows: LabelledRows, answers: list[Answer[Any] | None]) -> Iterator[Figures]:
    returns = kind(program.returns)
    expected = [dict(leaf_values(returns, label)) for label in rows.labels]
    for name, leaf in leaves(returns):
        if name:
            given = [None if each is None else each.fields[name] for each in answers]
            yield measure(name, leaf, [label[name] for label in expected], given)


def _cost(answers: list[Answer[Any] | None], seconds: float) -> CallCost:
    timed = [1000 * each.seconds for each in answers[:TIMED_ROWS] if each is not None]
    # Where the first rows have no answer, others tell the time, though they were not alone.
    timed = timed or [1000 * each.seconds for each in answers if each is not None]
    usages = [each.usage for each in answers if each is not None]
    return CallCost(
        p50_ms=float(np.percentile(timed, 50)),
        p95_ms=float(np.percentile(timed, 95)),
        timed=len(timed),
        prompt_tokens=float(np.mean([usage.prompt_tokens for usage in usages])),
        cached_tokens=float(np.mean([usage.cached_tokens for usage in usages])),
        decoded_tokens=float(np.mean([usage.decoded_tokens for usage in usages])),
        seconds=seconds,
    )


def _worst(program: Signature, rows: LabelledRows, answers: list[Answer[Any] | None]) -> tuple[Mistake, ...]:
    returns = kind(program.returns)
    kinds = {parameter.name: kind(parameter.type) for parameter in program.parameters}
    wrong = [
        (answer, at)
        for at, answer in enumerate(answers)
        if answer is not None and not answer.abstained and answer.value != rows.labels[at]
    ]
    wrong.sort(key=lambda found: -found[0].confidence)
    return tuple(
        Mistake(
            line=rows.lines[at],
            arguments={name: kinds[name].to_data(value) for name, value in rows.arguments[at].items()},
            expected=returns.to_data(rows.labels[at]),
            answer=returns.to_data(answer.value),
            confidence=answer.confidence,
        )
        for answer, at in wrong[:WORST]
    )


def _unanswered(rows: LabelledRows, found: list[Outcome]) -> Iterator[str]:
    errors = [
        (line, outcome)
        for line, outcome in zip(rows.lines, found, strict=True)
        if isinstance(outcome, MicropromptError)
    ]
    if errors:
        line, first = errors[0]
        count = "1 row counts" if len(errors) == 1 else f"{len(errors)} rows count"
        yield f"{count} as wrong for having no answer; line {line}: {first.message}"


def _collapsed(figures: Figures) -> Iterator[str]:
    """Nearly all answers are one label, and the rows' labels are not."""
    if figures.choice is None or figures.n < _FEWEST:
        return
    counts = np.array(figures.choice.confusion)
    said, wanted = counts.sum(axis=0), counts.sum(axis=1)
    most = int(np.argmax(said))
    if said[most] >= _NEARLY_ALL * said.sum() and wanted[most] < _NEARLY_ALL * wanted.sum():
        of = f" of `{figures.name}`" if figures.name else ""
        yield (
            f"`{figures.choice.labels[most]}` takes {said[most]} of {said.sum()} answers{of} and is right in "
            f"{wanted[most]} rows: on this model the function hardly tells its inputs apart"
        )
