"""Heads from the source alone."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import numpy as np
import pytest

from microprompt import abi
from microprompt.deciding import source
from microprompt.deciding.choices import fingerprint, places, questions
from microprompt.deciding.evidence import evidence_of_rows
from microprompt.deciding.source import Made, Unseen, heads_from_source, weigh
from microprompt.errors import ModelError
from microprompt.heads.evidence import Embedding, Evidence, Labels, Named, Readout
from microprompt.heads.head import Head, HeadPart
from microprompt.program import Program
from microprompt.types import BoolType, DeclaredType, EnumType, IntType, LiteralType, OptionalType, StrType

from ..runtime.programs import ACT, INNER, OUTER, Act, Inner, program
from .fakes import EXAMPLES, FakeSources, direction, with_examples


@pytest.fixture
def sources() -> Iterator[FakeSources]:
    found = FakeSources({"ask": {Act.question: 0.75, Act.command: 0.25}})
    yield found
    found.close()


class Topic(StrEnum):
    card_arrival = "card_arrival"
    exchange_rate = "exchange_rate"


abi.words(Topic, exchange_rate=abi.Words(label="exchange rate", description="money of other countries"))
TOPIC = EnumType(python=Topic)


def made_of(laid_out: Program, sources: FakeSources, lacks: list[ModelError] | None = None) -> Made:
    found = [] if lacks is None else lacks
    (made,) = heads_from_source(
        laid_out, questions(laid_out.returns), sources(None, Path()), found.append
    ).values()
    return made


def head_of(laid_out: Program, sources: FakeSources, lacks: list[ModelError] | None = None) -> Head:
    head = made_of(laid_out, sources, lacks).head
    assert head is not None
    return head


def says(head: Head, text: str) -> int:
    """The number of the label that a head says of a text."""
    return int(head.log_probs({each: direction(text) for each in head.evidence}).argmax())


# ------------------------------------------------------------------------------------------- choices


@pytest.mark.parametrize(
    ("returns", "names"),
    [
        (ACT, [""]),
        (BoolType(), [""]),
        (LiteralType(values=("a", "b")), [""]),
        (IntType(minimum=1, maximum=5), [""]),
        (OptionalType(item=ACT), [""]),
        (StrType(), []),
        (IntType(), []),
        (LiteralType(values=("a",)), []),
        (OUTER, ["inner.act", "inner.urgency", "paid"]),
    ],
)
def test_choices_are_found_by_their_names(returns: DeclaredType, names: list[str]) -> None:
    assert [question.name for question in questions(returns)] == names


def test_leaves_are_all_that_an_answer_holds() -> None:
    assert places(OUTER) == {"inner.act", "inner.urgency", "note", "paid", "tags"}
    assert places(ACT) == {""}


def test_the_fingerprint_is_of_all_that_the_source_says() -> None:
    one = program(ACT)
    others = [
        program(BoolType()),
        program(OptionalType(item=ACT)),
        program(ACT, instruction="Say what it was."),
        program(ACT, examples={"Is it?": Act.question}),
        program(ACT, examples={"Is it?": Act.command}),
    ]
    found = {fingerprint(each) for each in (one, *others)}
    assert len(found) == 1 + len(others)
    assert fingerprint(program(ACT, name="other", using=abi.Using(timeout=3))) == fingerprint(one)


# ----------------------------------------------------------------------------------------- the labels


def test_the_words_of_labels_decide_without_any_example(sources: FakeSources) -> None:
    made = made_of(program(TOPIC), sources)
    head = made.head
    assert head is not None
    assert head.answered_by == "embedder"
    assert says(head, "my card") == 0
    assert says(head, "money of other countries") == 1
    assert made.unseen is None
    assert sources.loaded == ["minilm-l6"]


@pytest.mark.parametrize(
    "returns", [BoolType(), IntType(minimum=1, maximum=3), OptionalType(item=BoolType())], ids=str
)
def test_labels_without_words_need_examples(sources: FakeSources, returns: DeclaredType) -> None:
    made = made_of(program(returns), sources)
    assert (made.head, made.unseen) == (None, None)


@pytest.mark.parametrize("examples", [{}, {"my card": Topic.card_arrival, "what money": Topic.exchange_rate}])
def test_what_may_be_none_is_decided_as_what_may_not(
    sources: FakeSources, examples: dict[str, object]
) -> None:
    plain = head_of(program(TOPIC, examples=examples), sources)
    head = head_of(program(OptionalType(item=TOPIC), examples=examples), sources)
    assert head.answered_by == plain.answered_by
    assert head.n_labels == 3
    for text in ("my card", "money of other countries"):
        assert says(head, text) == says(plain, text)


def test_none_is_like_its_examples(sources: FakeSources) -> None:
    head = head_of(program(OptionalType(item=TOPIC), examples={"hm so": None}), sources)
    assert [says(head, text) for text in ("hm", "my card", "money of other countries")] == [2, 0, 1]


def test_a_label_without_words_is_like_its_examples(sources: FakeSources) -> None:
    laid_out = program(BoolType(), examples={"open now": True, "shut down": False})
    head = head_of(laid_out, sources)
    assert says(head, "open") == 0
    assert says(head, "shut") == 1


# --------------------------------------------------------------------------------------- the examples


def test_examples_make_a_readout_and_an_embedder_that_answer_together(sources: FakeSources) -> None:
    laid_out = program(ACT, examples=EXAMPLES)
    head = head_of(laid_out, sources)
    assert head.answered_by == "readout+embedder"
    assert [says(head, text) for text in ("Is it near?", "Close the lid.", "Hail was falling.")] == [0, 1, 2]
    assert made_of(laid_out, sources).unseen == Unseen(examples=6, right=6, chance=2)


class Colour(StrEnum):
    red = "red"
    blue = "blue"
    green = "green"


COLOUR = EnumType(python=Colour)
NAMING = {
    "my red cup broke": Colour.red,
    "the blue one is lost": Colour.blue,
    "like grass": Colour.green,
    "two red shirts": Colour.red,
}


def named(head: Head) -> HeadPart | None:
    return next((part for part in head.parts if isinstance(part.evidence, Named)), None)


def test_what_is_named_counts_where_examples_name_their_label(sources: FakeSources) -> None:
    made = made_of(program(COLOUR, examples=NAMING), sources)
    assert made.head is not None
    assert made.head.answered_by == "readout+embedder+names"
    part = named(made.head)
    assert part is not None
    assert part.evidence == Named(("red", "blue", "green"))
    # Three of three named ones are right, and three of four beforehand: 6 to 1, and two others share the 1.
    assert np.diag(part.linear.weights) == pytest.approx([np.log(6 * 2)] * 3)
    assert (part.linear.weights != 0).sum() == 3


def test_an_example_that_is_left_out_does_not_vouch_for_names(
    sources: FakeSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = {"my red cup": Colour.red, "the sky": Colour.blue, "like grass": Colour.green}
    made = made_of(program(COLOUR, examples=examples), sources)
    assert made.head is not None
    assert named(made.head) is not None
    monkeypatch.setattr(source, "_named", lambda known: None)
    without = made_of(program(COLOUR, examples=examples), sources)
    assert made.said == pytest.approx(without.said)


def test_the_less_names_are_right_the_less_they_count(sources: FakeSources) -> None:
    wrong = {f"red {n}": Colour.green for n in range(2)}
    part = named(head_of(program(COLOUR, examples=NAMING | wrong), sources))
    assert part is not None
    assert part.linear.weights[0, 0] == pytest.approx(np.log(6 / 3 * 2))


@pytest.mark.parametrize(
    "examples",
    [{}, {"like blood": Colour.red, "the sky": Colour.blue}, {"not red": Colour.blue, "no blue": Colour.red}],
    ids=["none", "no names", "wrong names"],
)
def test_names_that_no_example_vouches_for_do_not_count(
    sources: FakeSources, examples: dict[str, object]
) -> None:
    assert named(head_of(program(COLOUR, examples=examples), sources)) is None


def test_examples_of_one_label_fit_no_readout(sources: FakeSources) -> None:
    laid_out = program(TOPIC, examples={"my card": Topic.card_arrival, "the card": Topic.card_arrival})
    head = head_of(laid_out, sources)
    assert head.answered_by == "embedder"


def test_the_examples_of_a_field_are_those_of_the_records(sources: FakeSources) -> None:
    laid_out = with_examples(
        program(INNER),
        {
            text: Inner(act=act, urgency=1 + number // 2)
            for number, (text, act) in enumerate(EXAMPLES.items())
        },
    )
    made = heads_from_source(laid_out, questions(INNER), sources(None, Path()), lambda error: None)
    act, urgency = made["act"].head, made["urgency"].head
    assert act is not None
    assert urgency is not None
    assert says(act, "Is it near?") == 0
    assert urgency.answered_by == "readout"  # no example has 4 or 5, and numbers have no words
    assert len(sources.small.readings.asked) == 6  # for both fields


def test_an_embedder_that_is_not_to_be_had_is_done_without(sources: FakeSources) -> None:
    sources.fake_embedder = None
    lacks: list[ModelError] = []
    head = head_of(program(ACT, examples=EXAMPLES), sources, lacks)
    assert head.answered_by == "readout"
    assert [error.message for error in lacks] == ["the model `minilm-l6` is not here"]


# ----------------------------------------------------------------------------------------- the weights


def said(rows: int, sure: float) -> np.ndarray:
    """Log-probabilities of two labels, of the right one as sure as that, in one way of leaving out."""
    right, wrong = np.log(sure), np.log(1 - sure)
    return np.array([[[right, wrong] if row % 2 == 0 else [wrong, right] for row in range(rows)]])


def test_what_is_right_of_unseen_examples_weighs_more() -> None:
    good, bad = weigh([said(400, 0.9), said(400, 0.3)], np.arange(400) % 2)
    assert good > 2.0
    assert bad < 0.1


def test_few_examples_move_the_weights_little() -> None:
    few, _ = weigh([said(4, 0.8), said(4, 0.4)], np.arange(4) % 2)
    many, _ = weigh([said(400, 0.8), said(400, 0.4)], np.arange(400) % 2)
    assert 0.75 < few < 1.5 < many


def test_without_two_examples_a_label_weights_are_the_usual_ones() -> None:
    nothing = np.empty((3, 0, 2))
    assert weigh([nothing, nothing], np.arange(0)) == (0.75, 0.75)
    assert weigh([said(3, 0.9), said(3, 0.3)], np.arange(3) % 2) == (0.75, 0.75)


# ------------------------------------------------------------------------------------------- many rows


@pytest.mark.parametrize("evidence", [Labels(), Readout(1, "none"), Embedding("minilm-l6", "text")])
def test_evidence_of_rows_is_in_their_order(sources: FakeSources, evidence: Evidence) -> None:
    scores = {Act.question: 0.7, Act.other: 0.3}
    sources.small._script = {"ask": lambda text: scores if "?" in text else Act.other}
    laid_out = program(ACT)
    ticks: list[int] = []
    found = evidence_of_rows(
        laid_out,
        [{"text": text} for text in ("It is.", "Is it?", "It is?")],
        evidence,
        sources(None, Path()),
        question=questions(ACT)[0],
        progress=lambda: ticks.append(1),
    )
    assert len(ticks) == 3
    if isinstance(evidence, Labels):
        assert np.exp(found[:, 0]) == pytest.approx([0.0, 0.7, 0.7], abs=1e-3)
    else:
        assert found[2] == pytest.approx(direction("It is?"))
        assert found.shape == (3, 64)
