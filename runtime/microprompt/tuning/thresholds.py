"""The numbers of thresholds that a program gives as an accuracy to reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..deciding.decider import Decider
from ..deciding.evidence import evidence_of_rows
from ..deciding.settle import Heads, model_name
from ..engines.base import Call
from ..errors import ArgumentError
from ..evaluation.rows import LabelledRows
from ..heads.evidence import Labels
from ..heads.tuning import Resolved, Thresholds
from .cutpoints import LEAST_ROWS, CutPoint, to_abstain, to_escalate, too_few
from .request import Found, Listener, Request, SourcesOf
from .search import Labelled, search


def to_reach(request: Request) -> dict[str, float]:
    """The accuracies that the program's thresholds are to reach on the model that is tuned."""
    using = request.program.using
    found = {}
    if using.abstain is not None and using.abstain.reach is not None:
        found["abstain"] = using.abstain.reach
    larger = using.escalate
    if larger is not None and larger.when.reach is not None and not _is_larger(request):
        found["escalate"] = larger.when.reach
    return found


def _is_larger(request: Request) -> bool:
    """Whether the model that is tuned is the one that others escalate to."""
    larger = request.program.using.escalate
    return larger is not None and model_name(larger.model) == model_name(request.model)


def cut_points(
    request: Request,
    found: Sequence[Found],
    sources: SourcesOf,
    listener: Listener,
) -> tuple[dict[str, CutPoint], tuple[str, ...]]:
    """The numbers of the thresholds that are given as an accuracy to reach, and why one has none."""
    points: dict[str, CutPoint] = {}
    refused = []
    for name, reach in to_reach(request).items():
        try:
            points[name] = _cut_point(name, reach, request, found, sources, listener)
        except ArgumentError as error:
            refused.append(f"`{name} to reach {reach:g}`: {error.message}")
    return points, tuple(refused)


def _cut_point(
    name: str,
    reach: float,
    request: Request,
    found: Sequence[Found],
    sources: SourcesOf,
    listener: Listener,
) -> CutPoint:
    rows = request.labelled
    if rows is None:
        raise ArgumentError("it takes labelled rows (`--on`)")
    if request.is_written:
        raise ArgumentError("no number is taken from rows that were made up for the purpose")
    whole = next((one for one in found if one.question.name == ""), None)
    if whole is None or whole.taken is None or whole.places is None:
        raise ArgumentError("numbers are found for answers that are one choice, not for records")
    right = whole.taken.said.argmax(axis=1) == whole.places
    confidence = np.exp(whole.taken.said.max(axis=1))
    if name == "abstain":
        return to_abstain(confidence, right, reach)
    if len(rows) < LEAST_ROWS:  # which is said before a large model reads them all
        raise too_few(len(rows))
    return to_escalate(confidence, right, _larger_right(request, rows, whole, sources, listener), reach)


def _larger_right(
    request: Request,
    rows: LabelledRows,
    whole: Found,
    sources: SourcesOf,
    listener: Listener,
) -> NDArray[np.bool_]:
    """Which rows the larger model gets right, as its own tuning has it, shape (n,).

    Its head may have been fitted on these very rows, and would be right about what it has seen: so it is
    fitted anew for each fifth of the rows, on the others.
    """
    using, places = request.program.using, whole.places
    assert using.escalate is not None
    assert places is not None
    larger = using.escalate.model
    program = replace(request.program, using=replace(using, model=larger, escalate=None, abstain=None))
    decider = Decider(program, request.folder, sources=sources, heads=Heads.TUNED)
    (settled,) = decider.settlement().settled
    models = sources(larger, request.folder)
    if settled.head is None or not settled.head.calibrated:
        with listener.reading(Labels(), len(rows)) as advance:
            correct = []
            calls = (Call(program, row) for row in rows.arguments)
            for answer, label in zip(decider.run_many(calls, in_flight=16), rows.labels, strict=True):
                correct.append(answer.value == label)
                advance(1)
        return np.array(correct)
    features = {}
    for evidence in settled.head.evidence:
        with listener.reading(evidence, len(rows)) as advance:
            features[evidence] = evidence_of_rows(
                program,
                rows.arguments,
                evidence,
                models,
                question=whole.question,
                progress=partial(advance, 1),
            )
    known = Labelled(features=features, labels=places, n_labels=settled.head.n_labels)
    (trial,) = search(known, [settled.head.evidence])
    right: NDArray[np.bool_] = trial.said.argmax(axis=1) == places
    return right


def resolved(request: Request, points: Mapping[str, CutPoint]) -> Thresholds:
    """The numbers as the tuning file keeps them."""
    return Thresholds(**{name: _resolved(request, name, point) for name, point in points.items()})


def _resolved(request: Request, name: str, point: CutPoint) -> Resolved:
    larger = request.program.using.escalate if name == "escalate" else None
    model = None if larger is None else model_name(larger.model)
    return Resolved(reach=point.reach, below=point.threshold, model=model)
