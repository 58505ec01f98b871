"""What a tuning file says for people: the rows, and all that was tried on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..evaluation.metrics import calibration_error, reliability, wilson
from .cutpoints import CutPoint
from .request import Found, Request
from .search import FOLDS, Trial


def report(
    request: Request, found: Sequence[Found], cut_points: Mapping[str, CutPoint]
) -> dict[str, object]:
    """What the file says for people."""
    rows = request.labelled or request.inputs
    return {
        "rows": 0 if rows is None else len(rows),
        "folds": FOLDS if request.labelled else 0,
        "written": request.is_written,
        "sources": list(request.sources),
        "choices": {one.question.name: _choice(one) for one in found},
        "cut_points": {name: point.to_data() for name, point in cut_points.items()},
    }


def _choice(one: Found) -> dict[str, object]:
    if one.taken is None or one.places is None:
        return {"by": one.note}
    names = [one.question.kind.key(option) for option in one.question.options]
    counts = np.bincount(one.places, minlength=len(names))
    return {
        **({"by": one.note} if one.note else {}),
        "labels": dict(zip(names, map(int, counts), strict=True)),
        "tried": [_tried(trial, one.places) for trial in one.tried],
        "taken": one.taken.name,
        **({"untuned": _tried(one.untuned, one.places)} if one.untuned is not None else {}),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialScores:
    """How a trial did on rows that were left out: accuracy with Wilson's 95 % interval, and ECE."""

    accuracy: float
    interval: tuple[float, float]
    ece: float


def scores(trial: Trial, places: NDArray[np.intp]) -> TrialScores:
    """Scores of a trial; `places` are the numbers of the right labels, shape (n,)."""
    right = trial.said.argmax(axis=1) == places
    bins = reliability(np.exp(trial.said.max(axis=1)), right)
    return TrialScores(
        accuracy=float(right.mean()),
        interval=wilson(int(right.sum()), len(places)),
        ece=calibration_error(bins),
    )


def _tried(trial: Trial, places: NDArray[np.intp]) -> dict[str, object]:
    found = scores(trial, places)
    return {
        "evidence": trial.name,
        "strength": trial.strength,
        "accuracy": round(found.accuracy, 4),
        "interval": [round(end, 4) for end in found.interval],
        "log_loss": round(trial.log_loss, 4),
        "ece": round(found.ece, 4),
    }
