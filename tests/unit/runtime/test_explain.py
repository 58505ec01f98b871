"""What a call costs, as data."""

from __future__ import annotations

import json

from microprompt import abi
from microprompt.explain import Explanation, Speed, TextPart, TrieBranch
from microprompt.program import Program
from microprompt.testing import scripted
from microprompt.types import LiteralType

from .programs import ACT, INNER, OUTER, Act, function, program


def explained(laid_out: Program) -> Explanation:
    with scripted({}):
        return function(laid_out).explain()


def test_prefix_and_tail_are_parted_at_the_first_hole() -> None:
    found = explained(program(ACT, examples={"Is it?": Act.question}))
    assert [part.text for part in found.prefix] == [
        "Say what it is.\n- question: asks for something\n\nInput: ",
        "Is it?",
        "\nAnswer: question\n\nInput: ",
    ]
    assert found.tail == (
        TextPart(text="{text}", tokens=None, is_hole=True),
        TextPart(text="\nAnswer:", tokens=8, is_hole=False),
    )


def test_counts_agree_with_what_a_call_uses() -> None:
    laid_out = program(OUTER)
    found = explained(laid_out)
    with scripted({}) as engine:
        bound = engine.bind(laid_out)
        led = bound.answer.lead_tokens
        assert len(bound.question({"text": ""})) + led == found.call_tokens + len(" ")
    assert sum(part.tokens or 0 for part in found.prefix) == found.prefix_tokens
    assert found.max_tokens == bound.answer.max_tokens
    assert found.expected_tokens == bound.answer.expected_tokens < found.max_tokens


def test_a_choices_trie_ends_in_its_labels() -> None:
    [slot] = explained(program(LiteralType(values=("ab", "ac", "b")))).slots
    assert (slot.kind, slot.labels, slot.passes, slot.forced) == ("choice", 3, 1, (" ",))
    assert slot.trie == (
        TrieBranch(
            token="a",
            label=None,
            evaluated=True,
            children=(
                TrieBranch(token="b", label="ab", evaluated=False, children=()),
                TrieBranch(token="c", label="ac", evaluated=False, children=()),
            ),
        ),
        TrieBranch(token="b", label="b", evaluated=False, children=()),
    )


def test_every_field_of_a_record_has_its_plan() -> None:
    found = explained(program(OUTER))
    assert [(slot.name, slot.type, slot.kind) for slot in found.slots] == [
        ("inner.act", "Act", "choice"),
        ("inner.urgency", "int(1..5)", "choice"),
        ("note", "str(..20)", "guided"),
        ("paid", "bool?", "choice"),
        ("tags", "list[str(1..8)](..3)", "guided"),
    ]
    assert [slot.grammar is not None for slot in found.slots] == [False, False, True, False, True]


def test_independent_fields_are_told_with_what_their_names_cost() -> None:
    chained = explained(program(INNER))
    found = explained(program(INNER, using=abi.Using(independent=True)))
    assert (chained.waves, found.waves) == ((), (("act", "urgency"),))
    leads = len(' {"act":') + len(' {"how urgent":')
    assert found.call_tokens - chained.call_tokens == leads - len(' {"act":')


def test_an_explanation_is_json_data() -> None:
    found = explained(program(OUTER))
    assert json.loads(json.dumps(found.to_json()))["source"] == "tests/ask.mp:7"


def test_the_cost_is_known_where_the_model_was_measured() -> None:
    with scripted({}) as engine:
        asked = function(program(ACT))
        assert asked.explain().cost is None
        engine.speed = Speed(call_token_ms=2.0, batch_token_ms=1.0)
        found = asked.explain()
    assert found.cost is not None
    warm = 2.0 * (found.call_tokens + found.cost.argument_tokens)
    assert (found.cost.warm_ms, found.cost.cold_ms) == (warm, warm + found.prefix_tokens)


def test_explaining_runs_nothing() -> None:
    with scripted({}) as engine:
        function(program(ACT)).explain()
        assert engine.calls == []
        assert engine.backend.decoded_batches == 0  # type: ignore[attr-defined]  # a ByteBackend
