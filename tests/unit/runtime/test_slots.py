"""Slots: nodes of a plan, decoded on a model of bytes whose probabilities are known."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pytest

from microprompt.engines.engine import Call, Engine
from microprompt.engines.scripted import Voice
from microprompt.errors import AnswerTooLong, EngineError, PromptTooLong
from microprompt.prompts.plan import Branch, Chain, Choice, Forced, Guided, Node, SideBySide, make_plan
from microprompt.scheduling.decoding import Cursor, Decoding
from microprompt.scheduling.jobs import Job
from microprompt.scheduling.lane import Lane
from microprompt.scheduling.prefixes import PrefixStore
from microprompt.scheduling.sampling import Sampler
from microprompt.scheduling.slots import AnySlot, Binding, Decided, make_slot
from microprompt.types import (
    DeclaredType,
    IntType,
    ListType,
    LiteralType,
    RecordField,
    RecordType,
    StrType,
    kind,
)

from .programs import INNER, OUTER, WatchedBackend, log_probability, program, random_voice

PROMPT = b"What?"
TEXT = kind(StrType(min_length=1, max_length=6))
COUNT = kind(IntType(minimum=1, maximum=3))
YES_NO = kind(LiteralType(values=("yes", "no")))

WHICH = Choice("which", YES_NO, (("yes", ' {"some": '), ("no", ' {"none": ')), "")
HOW_MANY = Choice("count", COUNT, ((1, "1"), (2, "2"), (3, "3")), "}")
REASON = Guided("reason", TEXT, True, "", "}")
BRANCH = Branch(WHICH, (Chain((Forced('{"count": '), HOW_MANY, Forced("}"))), REASON))


def slot_of(node: Node, backend: WatchedBackend, max_tokens: int | None = None) -> AnySlot:
    return make_slot(node, Binding(backend, max_tokens, make_slot))


def decoded(node: Node, voice: Voice, budget: int = 1000) -> tuple[Decided, bytes, int]:
    """What a node gives behind the prompt, the text that was evaluated, and how many tokens that took."""
    backend = WatchedBackend(voice)
    slot = slot_of(node, backend)

    def decode(cursor: Cursor, _: int) -> Decoding[tuple[Decided, bytes, int]]:
        parts = yield from slot.decode(cursor, Sampler(0.0, None), budget)
        count = cursor.tally.decoded + len(cursor.pending)
        yield cursor.flush()
        return parts, backend.held()[cursor.sequence], count

    lane = Lane(backend, PrefixStore())
    job = Job(
        prefix=(), pending=list(PROMPT), expected_tokens=4000, max_sequences=1 + slot.sequences, decode=decode
    )
    assert lane.admit(job)
    while lane.is_busy:
        lane.step(1)
    parts, text, count = job.future.result()
    assert backend.held() == {}
    return parts, text, count - len(PROMPT)


@pytest.mark.parametrize("seed", range(12))
def test_a_branch_decodes_the_arm_of_its_label_with_exact_probabilities(seed: int) -> None:
    voice = random_voice(seed)
    parts, text, _ = decoded(BRANCH, voice)

    # The labels differ after ` {"`, which is forced.
    common = b' {"'
    scores = [log_probability(voice, PROMPT + common, label) for label in (b"s", b"n")]
    chances = np.exp(scores) / np.exp(scores).sum()
    which = parts["which"]
    assert which.distribution == pytest.approx({"yes": chances[0], "no": chances[1]})
    assert which.value == ("yes" if scores[0] > scores[1] else "no")
    if which.value == "no":
        assert parts.keys() == {"which", "reason"}
        assert text == PROMPT + b' {"none": ' + TEXT.json(parts["reason"].value).encode() + b"}"
        return
    assert parts.keys() == {"which", "count"}
    before = PROMPT + b' {"some": {"count": '
    assert text == before + f"{parts['count'].value}}}}}".encode()
    digits = [log_probability(voice, before, digit) for digit in (b"1", b"2", b"3")]
    expected = dict(zip((1, 2, 3), np.exp(digits) / np.exp(digits).sum(), strict=True))
    assert parts["count"].distribution == pytest.approx(expected)


def test_both_arms_of_the_branch_are_taken_by_some_voice() -> None:
    taken = {decoded(BRANCH, random_voice(seed))[0]["which"].value for seed in range(12)}
    assert taken == {"yes", "no"}


NODES = [
    BRANCH,
    make_plan(OUTER).root,
    make_plan(OUTER, independent=True).root,
    make_plan(IntType(minimum=0, maximum=255)).root,
    make_plan(ListType(item=INNER, max_count=2)).root,
    SideBySide((Chain((Forced(" a:"), HOW_MANY)), Chain((Forced(" b:"), REASON)))),
]


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("seed", range(3))
def test_an_answer_takes_as_many_tokens_as_its_slot_says(node: Node, seed: int) -> None:
    slot = slot_of(node, WatchedBackend(random_voice(seed)))
    _, _, count = decoded(node, random_voice(seed))
    # What ends a part that is side by side with others is never evaluated, for nothing follows it.
    is_chained = not slot.waves()
    assert (slot.shortest_tokens if is_chained else 0) <= count <= slot.max_tokens
    assert slot.shortest_tokens <= slot.max_tokens
    assert slot.expected_tokens <= slot.max_tokens


@pytest.mark.parametrize("limit", [1, 5, 40])
def test_a_limit_of_chosen_tokens_bounds_free_text(limit: int) -> None:
    free = make_plan(StrType()).root
    slot = slot_of(free, WatchedBackend(random_voice(0)), limit)
    assert slot.max_tokens == limit + len(" \n")
    assert slot_of(free, WatchedBackend(random_voice(0))).max_tokens == 800 + len(" \n")


@pytest.mark.parametrize("node", NODES)
def test_what_was_decided_is_kept_as_data_and_recalled(node: Node) -> None:
    parts, _, _ = decoded(node, random_voice(3))
    leaves = {leaf.name: leaf for leaf in slot_of(node, WatchedBackend(random_voice(3))).leaves()}
    for name, part in parts.items():
        kept = json.loads(json.dumps(leaves[name].keep(part)))
        assert leaves[name].recall(kept) == part


def test_slots_that_may_be_filled_differently_have_different_keys() -> None:
    keys = [json.dumps(slot_of(node, WatchedBackend(random_voice(0))).key()) for node in NODES]
    assert len(set(keys)) == len(NODES)


def test_every_leaf_of_a_branch_is_explained() -> None:
    slot = slot_of(BRANCH, WatchedBackend(random_voice(0)))
    assert [(plan.name, plan.kind) for plan in slot.explain()] == [
        ("which", "choice"),
        ("count", "choice"),
        ("reason", "guided"),
    ]


# ------------------------------------------------------------------------------ answers and the context


def chatty(text: bytes) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """A voice that never comes to an end of its own."""
    logits = np.full(262, -50, dtype=np.float32)
    logits[ord("x")] = 0
    return logits


def terse(text: bytes) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """A voice that closes what is open as soon as it may."""
    logits = np.full(262, -50, dtype=np.float32)
    for liking, char in enumerate('"}]\n'):
        logits[ord(char)] = liking
    return logits


WORDS = ListType(item=StrType())


def test_a_call_is_not_refused_for_an_answer_that_it_will_not_give() -> None:
    engine = Engine(WatchedBackend(terse, context=120))
    asked = program(WORDS)
    assert engine.bind(asked).answer.max_tokens > 10_000
    assert engine.answer(Call(asked, {"text": "Hm."})).value == []


def test_an_answer_that_the_context_has_no_room_for_ends_with_what_to_do() -> None:
    engine = Engine(WatchedBackend(chatty, context=120))
    with pytest.raises(AnswerTooLong, match=r"the model's context of 120 tokens was full\n  help: bound the"):
        engine.answer(Call(program(WORDS), {"text": "Hm."}))
    assert engine.answer(Call(program(StrType(max_length=8)), {"text": "Hm."})).value == "x" * 8


def test_a_call_is_refused_where_not_even_the_shortest_answer_fits() -> None:
    asked = program(StrType(min_length=30))
    engine = Engine(WatchedBackend(terse, context=80))
    room = 80 - len(engine.bind(asked).prefix) - len(engine.bind(asked).question({"text": ""}))
    with pytest.raises(PromptTooLong) as caught:
        engine.answer(Call(asked, {"text": "x" * (room - 31)}))
    assert caught.value.parameter == "text"
    engine.answer(Call(asked, {"text": "x" * (room - 32)}))


@pytest.mark.parametrize("context", range(60, 130, 7))
def test_no_call_takes_more_cells_than_there_are(context: int) -> None:
    backend = WatchedBackend(random_voice(5), context=context)
    engine = Engine(backend)
    for returns in (OUTER, WORDS, StrType()):
        with suppress(AnswerTooLong, PromptTooLong):
            engine.answer(Call(program(returns), {"text": "Hm."}))
    assert backend.most_cells <= context


@dataclass(frozen=True)
class Picky:
    note: str

    def __post_init__(self) -> None:
        raise ValueError("not today")


PICKY = RecordType(python=Picky, fields=(RecordField(name="note", label="note", type=StrType()),))


@pytest.mark.parametrize("returns", [PICKY, ListType(item=PICKY, min_count=1)])
def test_a_value_that_its_class_refuses_is_an_engine_error(returns: DeclaredType) -> None:
    engine = Engine(WatchedBackend(random_voice(1)))
    with pytest.raises(EngineError, match="not today"):
        engine.answer(Call(program(returns), {"text": "Hm."}))
