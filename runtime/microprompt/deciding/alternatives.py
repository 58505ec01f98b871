"""What an answer would have been if the model had taken another label in one of its places."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Final

from ..answer import Answer, FieldAnswer
from ..engines.base import AnyEngine, Call
from ..engines.engine import Engine
from ..errors import ArgumentError
from ..scheduling.slots import SaidAnswer
from ..types import kind
from ..types.leaves import leaves

OF_THE_TEXT: Final = ("labels", "model")
"""What decides a field by the text before it; all other evidence says the same whatever that is."""


def with_label(
    engine: AnyEngine, call: Call, answer: Answer[object], field: str, label: str
) -> Answer[object]:
    """The answer to a call that says `label` in a field, where `answer` says something else: what is written
    behind the field is written anew, behind that label.

    `field` is a dotted name, and `label` a key of its distribution in `Answer.to_json`. The field keeps its
    distribution, and has the probability of that label. Raises `ArgumentError` where there is no such field
    or label, where nothing else stands beside the field, and for engines that are not asked label by label.
    """
    if not isinstance(engine, Engine):
        raise ArgumentError(f"{engine.name} can't be asked what would follow another label")
    declared = dict(leaves(kind(call.program.returns).given(call.arguments)))
    if field not in declared or field not in answer.parts or len(answer.parts) < 2:
        raise ArgumentError(f"nothing follows `{field}` in an answer of {call.program.name}")
    part = answer.parts[field]
    value = _outcome(part, field, label, part.to_json(declared[field])["distribution"])
    taken = replace(part, value=value, confidence=(part.distribution or {})[value])
    said = {
        name: SaidAnswer(found)
        for name, found in answer.parts.items()
        if found.answered_by not in OF_THE_TEXT and name in declared and declared[name].is_choice
    }
    return engine.result(engine.submit(call, said={**said, field: SaidAnswer(taken)}))


def _outcome(part: FieldAnswer, field: str, label: str, shown: object) -> Hashable:
    """What a key of a distribution stands for."""
    if part.distribution is not None and isinstance(shown, dict):
        for outcome, key in zip(part.distribution, shown, strict=True):
            if key == label and isinstance(outcome, Hashable):
                return outcome
    raise ArgumentError(f"`{field}` has no label `{label}`")
