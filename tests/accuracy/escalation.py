"""What it does to put the calls that a small model is least sure of to a larger one as well.

What heads say follows from the features of a text, so each model reads each row once, and every share of
calls that go on is computed from that, as the engine answers: by what both models say, added up. Beside it
stands what the larger model's word alone would give.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from microprompt import abi
from microprompt.deciding.escalation import added
from microprompt.evaluation import metrics
from microprompt.evaluation.rows import LabelledRows
from microprompt.heads import tuning
from microprompt.heads.head import Head
from microprompt.heads.linear import Numbers
from microprompt.tuning import tune
from microprompt.tuning.request import Request

from . import ways
from .cached import Cached
from .outcome import with_interval
from .tasks import DEV, TRAIN, Task, key_of, places_of, rows_of, task_called
from .telling import Telling

TASK: Final = "taskclass"
LARGER: Final = "qwen2.5-coder-1.5b"
SHARES: Final = (0.0, 0.1, 0.2, 0.3, 0.5, 1.0)

_SHOWN: Final = 0.3  # the share whose interval and calibration error are shown
_UNTUNED: Final = "not tuned: label scores"
_ADDED: Final = "both, added up"
_ALONE: Final = "the larger one alone"


def measure(data: Path, cached: Cached) -> dict[str, object]:
    """The curves, as JSON data.

    Raises:
        ArgumentError: the data set is absent.
        ModelError: a model is not to be had.
    """
    task = task_called(TASK)
    rows = rows_of(task, data, DEV)
    labels = places_of(task, rows)
    learnt = _tuned(task, rows_of(task, data, TRAIN), cached)
    assert learnt.larger is not None
    head = learnt.larger.entry.heads[""]
    shipped = ways.head_in(tuning.tuning_path(task.source), task)
    first = {
        "shipped": _said(task, shipped, rows, cached, ways.MODEL),
        "tuned on train": _said(task, learnt.entry.heads[""], rows, cached, ways.MODEL),
    }
    second = {
        _UNTUNED: _said(task, ways.scores_alone(task), rows, cached, LARGER),
        f"tuned on train: {head.answered_by}": _said(task, head, rows, cached, LARGER),
    }
    return {
        "name": TASK,
        "model": LARGER,
        "n": len(rows),
        "alone": {name: curve(each, each, labels, (0.0,))[0] for name, each in second.items()},
        "curves": [
            {"first": small, "second": large, "answered_by": by, "points": curve(one, other, labels)}
            for small, one in first.items()
            for large, said in second.items()
            for by, other in ((_ADDED, added(one, said)), (_ALONE, said))
        ],
    }


def curve(
    first: Numbers, other: Numbers, labels: NDArray[np.intp], shares: tuple[float, ...] = SHARES
) -> list[dict[str, object]]:
    """Accuracy, its interval and the calibration error where the share of rows that the first is least sure
    of is answered otherwise; both are log-probabilities, shape (n, K), and `labels` numbers, shape (n,)."""
    order = np.argsort(first.max(axis=1), kind="stable")
    found: list[dict[str, object]] = []
    for share in shares:
        goes_on = order[: round(share * len(order))]
        said = first.copy()
        said[goes_on] = other[goes_on]
        right = said.argmax(axis=1) == labels
        bins = metrics.reliability(np.exp(said.max(axis=1)), right)
        found.append(
            {
                "share": share,
                "accuracy": float(right.mean()),
                "interval": list(metrics.wilson(int(right.sum()), len(right))),
                "ece": metrics.calibration_error(bins),
            }
        )
    return found


def _tuned(task: Task, rows: LabelledRows, cached: Cached) -> tune.Tuned:
    """Both models, tuned as `mpc tune --on ROWS --share` does."""
    program = ways.from_source(task).program
    escalate = abi.Escalation(model=abi.Model(name=LARGER), when=abi.Threshold(below=0.5))
    request = Request(
        program=replace(program, using=replace(program.using, escalate=escalate)),
        key=key_of(task),
        model=abi.Model(name=ways.MODEL),
        folder=task.source.parent,
        labelled=rows,
        seconds=math.inf,
        shares=True,
    )
    return tune.tune(request, Telling(f"{task.name}, escalated"), reader=cached.evidence)


def _said(task: Task, head: Head, rows: LabelledRows, cached: Cached, model: str) -> Numbers:
    """What a head on a model says of rows, shape (n, K)."""
    return ways.log_probs(head, task, ways.from_source(task, model=model).program, rows, cached)


# ---------------------------------------------------------------------------------------------- the page


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The section of the page."""
    alone = "; ".join(f"{name} {with_interval(point)}" for name, point in found["alone"].items())
    title = task_called(found["name"]).title
    yield (
        f"`{title}` with `escalate`: the calls that the small model is least sure of are put to "
        f"{found['model']} as well, and what both say is added up. On {found['n']} rows of dev that model "
        f"has by itself: {alone}. Accuracy by the share of calls that go on, with the interval and the "
        f"calibration error at {_SHOWN:.0%}. Where the larger one alone answers, its word takes the place of "
        "the first: three rows more or less (0.015) are chance."
    )
    yield ""
    shares = [point["share"] for point in found["curves"][0]["points"]]
    heads = " | ".join(f"{share:.0%}" for share in shares)
    yield f"| small model | larger model | answered by | {heads} | ECE |"
    yield f"|---|---|---|{'---|' * (len(shares) + 1)}"
    for each in found["curves"]:
        cells = [_cell(point) for point in each["points"]]
        ece = next(point["ece"] for point in each["points"] if point["share"] == _SHOWN)
        of = f"{each['first']} | {each['second']} | {each['answered_by']}"
        yield f"| {of} | {' | '.join(cells)} | {ece:.2f} |"


def _cell(point: Mapping[str, Any]) -> str:
    return with_interval(point) if point["share"] == _SHOWN else f"{point['accuracy']:.3f}"
