"""What decides a program's choices, for `explain`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..engines.base import AnyEngine
from ..engines.engine import Engine
from ..explain import ChoicePlan, Cost, Explanation, LargerPlan, PartPlan
from ..heads.evidence import Readout
from ..heads.names import name_of
from ..program import Program
from .choices import open_choices
from .settle import Settled, Settlement
from .shortlist import SHORTLIST
from .source import OF_WORDS


def explained(
    found: Explanation,
    program: Program,
    settlement: Settlement,
    engine: AnyEngine,
    larger: Settlement | None,
) -> Explanation:
    """The same explanation, with what decides; `larger` is for the model that calls go on to, if they do."""
    return replace(
        found,
        choices=(*map(_choice, settlement.settled), *_of_calls(program, settlement)),
        abstain_below=settlement.abstain,
        escalate_below=settlement.escalate,
        escalate_to=None if larger is None else _larger(larger),
        untuned=settlement.untuned,
        cost=found.cost and _cost(found.cost, settlement, engine),
    )


def _choice(one: Settled) -> ChoicePlan:
    parts = () if one.head is None else one.head.parts
    unseen = one.unseen
    return ChoicePlan(
        name=one.question.name,
        answered_by="labels" if one.head is None else one.head.answered_by,
        origin=one.origin,
        parts=tuple(
            PartPlan(evidence=name_of(part.evidence).whole, weight=round(part.weight, 3)) for part in parts
        ),
        calibrated=one.head is not None and one.head.calibrated,
        examples=None if unseen is None else unseen.examples,
        right=None if unseen is None else unseen.right,
        chance=None if unseen is None else unseen.chance,
        report=one.report,
    )


def _of_calls(program: Program, settlement: Settlement) -> Iterator[ChoicePlan]:
    """What decides among options that calls bring along, where their words do."""
    for place in open_choices(program.returns) if settlement.asks_call else ():
        yield ChoicePlan(
            name=place.name,
            answered_by=OF_WORDS.name,
            origin="call",
            parts=(PartPlan(evidence=name_of(OF_WORDS).whole, weight=1.0),),
            calibrated=False,
            shortlist=SHORTLIST,
        )


def _larger(settlement: Settlement) -> LargerPlan:
    (one,) = settlement.settled
    return LargerPlan(model=settlement.model, choice=_choice(one), untuned=settlement.untuned)


def _cost(cost: Cost, settlement: Settlement, engine: AnyEngine) -> Cost:
    """With what it costs to read the hidden states that heads go by: tokens through the first layers only."""
    layers = [each.layer for each in settlement.evidence if isinstance(each, Readout)]
    if not layers or not isinstance(engine, Engine) or engine.speed is None:
        return cost
    share = sum(layers) / engine.backend.n_layers
    return replace(cost, read_ms=round(cost.argument_tokens * engine.speed.call_token_ms * share, 1))
