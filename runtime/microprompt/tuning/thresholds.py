"""The numbers of thresholds that a program gives as an accuracy to reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..deciding.escalation import added
from ..deciding.settle import model_name
from ..errors import ArgumentError
from ..heads.linear import Numbers
from ..heads.tuning import Resolved, Thresholds
from .cutpoints import CutPoint, to_abstain, to_escalate
from .larger import is_larger
from .request import Found, FoundLarger, Request


def to_reach(request: Request) -> dict[str, float]:
    """The accuracies that the program's thresholds are to reach on the model that is tuned. That of
    escalation comes first: what the answers are of which some are abstained from depends on it."""
    using = request.program.using
    found = {}
    if using.escalate is not None and using.escalate.when.reach is not None and not is_larger(request):
        found["escalate"] = using.escalate.when.reach
    if using.abstain is not None and using.abstain.reach is not None:
        found["abstain"] = using.abstain.reach
    return found


def cut_points(
    request: Request, found: Sequence[Found], larger: FoundLarger | None
) -> tuple[dict[str, CutPoint], tuple[str, ...]]:
    """The numbers of the thresholds that are given as an accuracy to reach, and why one has none. `larger` is
    what was found for the model that unsure answers go on to, if they do."""
    points: dict[str, CutPoint] = {}
    refused = []
    for name, reach in to_reach(request).items():
        try:
            points[name] = _cut_point(name, reach, request, found, larger, points.get("escalate"))
        except ArgumentError as error:
            refused.append(f"`{name} to reach {reach:g}`: {error.message}")
    return points, tuple(refused)


def _cut_point(
    name: str,
    reach: float,
    request: Request,
    found: Sequence[Found],
    larger: FoundLarger | None,
    escalated: CutPoint | None,
) -> CutPoint:
    if request.labelled is None:
        raise ArgumentError("it takes labelled rows (`--on`)")
    if request.is_written:
        raise ArgumentError("no number is taken from rows that were made up for the purpose")
    whole = next((one for one in found if one.question.name == ""), None)
    if whole is None or whole.taken is None or whole.places is None:
        raise ArgumentError("numbers are found for answers that are one choice, not for records")
    if larger is None:
        return to_abstain(_confidence(whole.taken.said), _right(whole.taken.said, whole.places), reach)
    assert larger.found.taken is not None
    places = whole.places[larger.rows]
    first = whole.taken.said[larger.rows]
    both = added(first, larger.found.taken.said)
    if name == "escalate":
        return to_escalate(_confidence(first), _right(first, places), _right(both, places), reach)
    below = _below(request, escalated)
    said = np.where((_confidence(first) < below)[:, None], both, first)
    return to_abstain(_confidence(said), _right(said, places), reach)


def _below(request: Request, escalated: CutPoint | None) -> float:
    """The confidence under which answers go on to the larger model."""
    if escalated is not None:
        return escalated.threshold
    escalate = request.program.using.escalate
    if escalate is None or escalate.when.below is None:
        raise ArgumentError("which answers go on to the larger model has no number")
    return escalate.when.below


def _confidence(said: Numbers) -> Numbers:
    found: Numbers = np.exp(said.max(axis=1))
    return found


def _right(said: Numbers, places: NDArray[np.intp]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = said.argmax(axis=1) == places
    return found


def resolved(request: Request, points: Mapping[str, CutPoint]) -> Thresholds:
    """The numbers as the tuning file keeps them."""
    return Thresholds(**{name: _resolved(request, point) for name, point in points.items()})


def _resolved(request: Request, point: CutPoint) -> Resolved:
    larger = request.program.using.escalate
    model = None if larger is None else model_name(larger.model)
    return Resolved(reach=point.reach, below=point.threshold, model=model)
