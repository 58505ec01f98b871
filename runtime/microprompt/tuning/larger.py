"""Tuning the model that unsure answers go on to, on some of the rows that the program's own is tuned on.

Untuned, a large model is worth little more than a small one with a head: its label scores lean to some
labels. Thirty rows take that away, and a readout of it is worth more than its label scores
(stdlib/docs/accuracy.md). A row takes a large model a second or so, and more than some hundred teach it
little. Embedders are not tried for it: what they say, the smaller model's head knows already.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..deciding.escalation import on_larger_model
from ..deciding.settle import model_name
from ..evaluation.rows import LabelledRows
from ..types import kind
from .request import Request

LARGER_ROWS: Final = 150
"""Rows that a larger model reads at most."""


def is_larger(request: Request) -> bool:
    """Whether the model that is tuned is the one that unsure answers go on to."""
    larger = request.program.using.escalate
    return larger is not None and model_name(larger.model) == model_name(request.model)


def request_for_larger(request: Request) -> tuple[Request, NDArray[np.intp]] | None:
    """What to tune the larger model for, and the numbers of its rows; `None` where there is none, or nothing
    to tune it on."""
    program, rows = on_larger_model(request.program), request.labelled
    if program is None or rows is None or is_larger(request):
        return None
    assert program.using.model is not None
    chosen = _in_turn([kind(request.program.returns).key(label) for label in rows.labels], LARGER_ROWS)
    return (
        replace(
            request,
            program=program,
            model=program.using.model,
            labelled=_some(rows, chosen),
            counts=None if request.counts is None else request.counts[chosen],
            candidates=None,
            strength=None,
        ),
        chosen,
    )


def _some(rows: LabelledRows, numbers: NDArray[np.intp]) -> LabelledRows:
    return replace(
        rows,
        lines=tuple(rows.lines[each] for each in numbers),
        arguments=tuple(rows.arguments[each] for each in numbers),
        labels=tuple(rows.labels[each] for each in numbers),
    )


def _in_turn(labels: list[str], most: int) -> NDArray[np.intp]:
    """The numbers of the first rows of each label, one after another in turn; in the order of the rows."""
    seen: defaultdict[str, int] = defaultdict(int)
    ranks = []
    for label in labels:
        ranks.append(seen[label])
        seen[label] += 1
    return np.sort(np.argsort(ranks, kind="stable")[:most]).astype(np.intp)
