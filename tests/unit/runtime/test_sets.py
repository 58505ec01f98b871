"""Sets of labels: what is a value, how it is written, and how its labels are asked for and bounded."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import numpy as np
import pytest
from llguidance import LLMatcher, LLTokenizer
from numpy.typing import NDArray

from microprompt.answer import Answer, FieldAnswer
from microprompt.engines.engine import Call, Engine
from microprompt.engines.scripted import VOCABULARY, ByteBackend
from microprompt.errors import ArgumentError
from microprompt.prompts.plan import Guided, Subset, make_plan
from microprompt.types import DeclaredType, ListType, LiteralType, SetType, kind

from .programs import program

LABELS = LiteralType(values=("bug", "billing", "praise"))


def sets(least: int = 0, most: int | None = None) -> SetType:
    return SetType(item=LABELS, min_count=least, max_count=most)


def asked(returns: DeclaredType, chances: Mapping[str, float]) -> Answer[object]:
    """The answer where each label is true with its probability, whatever was said of the others."""

    def voice(text: bytes) -> NDArray[np.float32]:
        logits = np.full(VOCABULARY, -60.0, dtype=np.float32)
        label = text.rpartition(b'"')[0].rpartition(b'"')[2].decode()
        if text.endswith(b" ") and label in chances:
            logits[ord("t")], logits[ord("f")] = math.log(chances[label]), math.log(1 - chances[label])
        else:
            logits[ord(" ")] = 0
        return logits

    engine = Engine(ByteBackend(voice, context=10**5))
    try:
        return engine.answer(Call(program(returns), {"text": "Hm."}))
    finally:
        engine.close()


CHANCES = {"bug": 0.9, "billing": 0.4, "praise": 0.7}


@pytest.mark.parametrize(
    ("least", "most", "taken"),
    [
        (0, None, {"bug", "praise"}),
        (0, 1, {"bug"}),
        (3, None, {"bug", "billing", "praise"}),
        (1, 2, {"bug", "praise"}),
    ],
)
def test_each_label_is_asked_for_and_the_least_sure_give_way_to_the_bounds(
    least: int, most: int | None, taken: set[str]
) -> None:
    answer = asked(sets(least, most), CHANCES)
    assert answer.value == taken
    assert answer.distribution == pytest.approx(CHANCES)
    assert answer.confidence == pytest.approx(
        min(chance if label in taken else 1 - chance for label, chance in CHANCES.items())
    )
    assert answer.mean is None
    assert answer.coverage == pytest.approx(1)


def test_more_labels_than_sequences_take_turns() -> None:
    labels = LiteralType(values=tuple(f"label {number}" for number in range(150)))
    chances = {label: 0.9 if label.endswith("7") else 0.2 for label in map(str, labels.values)}
    answer = asked(SetType(item=labels), chances)
    assert answer.value == {label for label, chance in chances.items() if chance > 0.5}


def test_what_was_decided_is_kept_and_recalled() -> None:
    backend = ByteBackend(lambda text: np.zeros(VOCABULARY, dtype=np.float32), context=4096)
    (slot,) = Engine(backend).bind(program(sets())).answer.leaves()
    answer = asked(sets(), CHANCES)
    part = FieldAnswer(
        value=answer.value,
        confidence=answer.confidence,
        distribution=answer.distribution,
        coverage=answer.coverage,
        answered_by="labels",
    )
    assert slot.recall(json.loads(json.dumps(slot.keep(part)))) == part


def test_one_batch_asks_for_all() -> None:
    plan = make_plan(sets(), space="")
    assert isinstance(plan.root, Subset)
    assert [flag.lead for flag in plan.root.flags] == ['{"bug":', '{"billing":', '{"praise":']
    assert plan.texts(frozenset({"billing"}))[-1] == '{"bug": false, "billing": true, "praise": false}\n'


def grammatical(declared: DeclaredType, text: str) -> bool:
    node = Guided("", kind(declared), is_json=True, space="", after="\n")
    matcher = LLMatcher(LLTokenizer("byte"), node.grammar())
    data = list(f"{text}\n".encode())
    return matcher.try_consume_tokens(data) == len(data) and matcher.is_accepting()


@pytest.mark.parametrize(("least", "most"), [(0, None), (1, None), (0, 1), (1, 2), (2, 2), (3, 3), (0, 3)])
def test_inside_other_types_a_grammar_keeps_the_bounds(least: int, most: int | None) -> None:
    declared = sets(least, most)
    own = kind(ListType(item=declared))
    for number in range(8):
        value = frozenset(label for place, label in enumerate(LABELS.values) if number >> place & 1)
        fits = least <= len(value) <= (3 if most is None else most)
        text = own.json([value])
        assert grammatical(ListType(item=declared), text) is fits
        assert own.read_plain(text) == [value]


def test_a_value_is_a_set_of_labels() -> None:
    own = kind(sets(1, 2))
    value = frozenset({"bug"})
    assert own.check(value, "x") is value
    assert own.check({"bug"}, "x") == value
    for wrong in (["bug"], "bug", frozenset(), frozenset(LABELS.values), {"bugs"}):
        with pytest.raises(ArgumentError, match="x"):
            own.check(wrong, "x")


def test_data_is_a_list_in_the_order_of_the_labels() -> None:
    own = kind(sets())
    assert own.to_data(frozenset({"praise", "bug"})) == ["bug", "praise"]
    assert own.read_data(["praise", "bug"], "x") == own.read_word(json.dumps(["bug", "praise"]), "x")
    assert own.shown(frozenset({"praise", "bug"})) == "bug, praise"
    assert own.key("bug") == "bug"
    for wrong in (["bug", "bug"], {"bug": True}, "bug", ["bugs"]):
        with pytest.raises(ArgumentError, match="x"):
            own.read_data(wrong, "x")
