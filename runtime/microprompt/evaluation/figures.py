"""What the answers to labelled rows measure: for all types, and what fits choices, numbers and texts.

Which measures fit is told by the values, so that a field that may be none is measured like one that may not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeAlias, TypeGuard

import numpy as np

from ..answer import Answer, FieldAnswer
from ..types import AnyKind
from . import metrics

Given: TypeAlias = Answer[Any] | FieldAnswer
"""An answer, or that of a field."""

COVERAGES: Final = tuple(step / 10 for step in range(1, 11))
"""The coverages at which JSON data tell the risk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceFigures:
    """Of a choice among `labels`: `confusion` has the shape (k, k), a row for each label that was right.

    `brier` is missing where an answer came without a distribution.
    """

    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    macro_f1: float
    brier: float | None

    def occurring(self) -> tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]:
        """The labels that occur as a label or as an answer, and the confusion among them."""
        columns = zip(*self.confusion, strict=True)
        pairs = enumerate(zip(self.confusion, columns, strict=True))
        occurs = [at for at, (row, column) in pairs if any(row) or any(column)]
        counts = tuple(tuple(self.confusion[row][column] for column in occurs) for row in occurs)
        return tuple(self.labels[at] for at in occurs), counts


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberFigures:
    """Of the `n` rows where label and answer are numbers: the mean absolute error, and the share of answers
    that are off by at most `tolerance`.

    `error_of_mean` is the error of the distributions' means, where all answers have one.
    """

    n: int
    error: float
    error_of_mean: float | None
    tolerance: float
    near: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFigures:
    """Of texts: how alike label and answer are in the mean, from 0 to 1 (see `metrics.similarity`)."""

    similarity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectiveFigures:
    """Of answers that may be none: the share of rows that have another, and how many of these are right."""

    coverage: float
    n: int
    accuracy: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is measured of an answer, or of its field `name`, over `n` rows.

    `right` says of each row whether the answer equals the label; a row without an answer is wrong.
    `interval` is Wilson's, at 95 %. Calibration and risk are of the answered rows, with the confidence that
    the model had in its first guess, also where it abstained. `answered_by` counts by what was answered.
    """

    name: str
    type: str
    n: int
    right: metrics.Truths
    accuracy: float
    interval: tuple[float, float]
    bins: tuple[metrics.Bin, ...]
    calibration_error: float
    risk: metrics.RiskCoverage
    choice: ChoiceFigures | None
    numbers: NumberFigures | None
    text: TextFigures | None
    selective: SelectiveFigures | None
    answered_by: Mapping[str, int]

    @property
    def macro_f1(self) -> float | None:
        """Of a choice; `None` for other types."""
        return None if self.choice is None else self.choice.macro_f1

    @property
    def brier(self) -> float | None:
        """Of a choice with distributions; `None` for other types."""
        return None if self.choice is None else self.choice.brier

    def in_words(self) -> Iterator[str]:
        """What there is beside the accuracy, a few words each."""
        if self.macro_f1 is not None:
            yield f"macro-F1 {self.macro_f1:.3f}"
        yield f"ECE {self.calibration_error:.3f}"
        if self.brier is not None:
            yield f"Brier {self.brier:.3f}"
        yield f"AURC {self.risk.area:.3f}"
        if self.numbers is not None:
            yield f"off by {self.numbers.error:.3g} in the mean"
            yield f"{self.numbers.near:.3f} off by at most {self.numbers.tolerance:.3g}"
        if self.text is not None:
            yield f"similarity {self.text.similarity:.3f}"
        if self.selective is not None:
            yield f"{self.selective.coverage:.3f} answered"
            yield f"of these right {share(self.selective.accuracy, self.selective.interval)}"
        yield f"answered by {', '.join(f'{name} ({n})' for name, n in self.answered_by.items())}"

    def to_json(self) -> dict[str, object]:
        """As JSON data. What does not fit the type is null, or left out where few types have it."""
        found: dict[str, object] = {
            "type": self.type,
            "n": self.n,
            "accuracy": self.accuracy,
            "interval": list(self.interval),
            "macro_f1": self.macro_f1,
            "ece": self.calibration_error,
            "brier": self.brier,
            "confusion": self.choice
            and {"labels": list(self.choice.labels), "counts": [list(row) for row in self.choice.confusion]},
            "aurc": self.risk.area,
            "risk_coverage": [{"coverage": at, "risk": self.risk.at(at)} for at in COVERAGES],
            "reliability": [asdict(each) for each in self.bins],
            "answered_by": dict(self.answered_by),
        }
        if self.numbers is not None:
            found |= {
                "mean_absolute_error": self.numbers.error,
                "tolerance": self.numbers.tolerance,
                "within_tolerance": self.numbers.near,
            }
            if self.numbers.error_of_mean is not None:
                found["mean_absolute_error_of_mean"] = self.numbers.error_of_mean
        if self.text is not None:
            found["similarity"] = self.text.similarity
        if self.selective is not None:
            found |= {
                "coverage": self.selective.coverage,
                "answered": self.selective.n,
                "accuracy_answered": self.selective.accuracy,
                "interval_answered": list(self.selective.interval),
            }
        return found


def share(found: float, interval: tuple[float, float]) -> str:
    """A share with its interval, as people read it."""
    return f"{found:.3f} [{interval[0]:.3f}, {interval[1]:.3f}]"


def measure(
    name: str, declared: AnyKind, expected: Sequence[object], given: Sequence[Given | None]
) -> Figures:
    """Measure the answers to rows whose labels are `expected`; at least one row has an answer."""
    pairs = [(label, answer) for label, answer in zip(expected, given, strict=True) if answer is not None]
    right = np.array(
        [each is not None and each.value == label for label, each in zip(expected, given, strict=True)]
    )
    guesses = [_guess(answer) for _, answer in pairs]
    confidence = np.array([chance for _, chance in guesses], dtype=np.float64)
    guessed_right = np.array([guess == label for (label, _), (guess, _) in zip(pairs, guesses, strict=True)])
    bins = metrics.reliability(confidence, guessed_right)
    return Figures(
        name=name,
        type=declared.describe(),
        n=len(expected),
        right=right,
        accuracy=float(np.mean(right)),
        interval=metrics.wilson(int(np.sum(right)), len(right)),
        bins=bins,
        calibration_error=metrics.calibration_error(bins),
        risk=metrics.risk_coverage(confidence, guessed_right),
        choice=_choice(declared, expected, given),
        numbers=_numbers(pairs),
        text=_text(declared, expected, given),
        selective=_selective(pairs, len(expected)),
        answered_by=dict(Counter(answer.answered_by for _, answer in pairs).most_common()),
    )


def _guess(answer: Given) -> tuple[object, float]:
    """The most probable value and its probability; where a choice abstains, it is not the answer."""
    if answer.distribution is None or isinstance(answer.value, frozenset):
        return answer.value, answer.confidence
    return max(answer.distribution.items(), key=lambda item: item[1])


def _choice(
    declared: AnyKind, expected: Sequence[object], given: Sequence[Given | None]
) -> ChoiceFigures | None:
    options = declared.options()
    if options is None:
        return None
    place = {option: at for at, option in enumerate(options)}
    labels = np.array([place[label] for label in expected])
    answers = np.array([-1 if answer is None else place[answer.value] for answer in given])
    told = [at for at, answer in enumerate(given) if answer is not None]
    chances = [
        [answer.distribution.get(option, 0.0) for option in options]
        for answer in given
        if answer is not None and answer.distribution is not None
    ]
    counts = metrics.confusion(labels, answers, len(options))
    return ChoiceFigures(
        labels=tuple(map(declared.key, options)),
        confusion=tuple(tuple(row) for row in counts.tolist()),
        macro_f1=metrics.macro_f1(labels, answers, len(options)),
        brier=metrics.brier(np.array(chances), labels[told]) if len(chances) == len(told) else None,
    )


def _numbers(pairs: Sequence[tuple[object, Given]]) -> NumberFigures | None:
    found = [
        (label, answer.value, answer.mean)
        for label, answer in pairs
        if _is_number(label) and _is_number(answer.value)
    ]
    if not found:
        return None
    off = np.array([abs(answer - label) for label, answer, _ in found], dtype=np.float64)
    near = metrics.tolerance([label for label, _, _ in found])
    means = [abs(mean - label) for label, _, mean in found if mean is not None]
    return NumberFigures(
        n=len(found),
        error=float(np.mean(off)),
        error_of_mean=float(np.mean(means)) if len(means) == len(found) else None,
        tolerance=near,
        near=float(np.mean(off <= near)),
    )


def _text(
    declared: AnyKind, expected: Sequence[object], given: Sequence[Given | None]
) -> TextFigures | None:
    texts = [label for label in expected if isinstance(label, str)]
    if declared.options() is not None or not texts:
        return None
    alike = [
        metrics.similarity(label, answer.value)
        if answer is not None and isinstance(answer.value, str)
        else 0.0
        for label, answer in zip(expected, given, strict=True)
        if isinstance(label, str)
    ]
    return TextFigures(similarity=float(np.mean(alike)))


def _selective(pairs: Sequence[tuple[object, Given]], n: int) -> SelectiveFigures | None:
    answered = [label == answer.value for label, answer in pairs if answer.value is not None]
    if len(answered) == len(pairs):
        return None
    return SelectiveFigures(
        coverage=len(answered) / n,
        n=len(answered),
        accuracy=sum(answered) / max(1, len(answered)),
        interval=metrics.wilson(sum(answered), len(answered)),
    )


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
