"""Slots: nodes of a plan, decoded on a model of bytes whose probabilities are known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from microprompt import settings
from microprompt.answer import FieldAnswer
from microprompt.engines.engine import Call, Engine
from microprompt.engines.scripted import VOCABULARY, Voice
from microprompt.errors import AnswerRefused, AnswerTooLong, EngineError, PromptTooLong
from microprompt.prompts.plan import Branch, Chain, Choice, Forced, Guided, Node, SideBySide, make_plan
from microprompt.scheduling.decoding import Cursor, Decoding
from microprompt.scheduling.jobs import Job
from microprompt.scheduling.lane import Lane
from microprompt.scheduling.prefixes import PrefixStore
from microprompt.scheduling.sampling import Sampler
from microprompt.scheduling.slots import (
    AnySlot,
    Binding,
    Decided,
    Said,
    SaidAnswer,
    SaidScores,
    Terms,
    make_slot,
)
from microprompt.types import (
    DeclaredType,
    IntType,
    ListType,
    LiteralType,
    OptionalType,
    PatternType,
    RecordField,
    RecordType,
    StrType,
    UnionType,
    kind,
)

from .programs import ACT, INNER, OUTER, Act, Inner, WatchedBackend, log_probability, program, random_voice

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


def decoded(
    node: Node, voice: Voice, budget: int = 1000, said: Mapping[str, Said] | None = None
) -> tuple[Decided, bytes, int]:
    """What a node gives behind the prompt, the text that was evaluated, and how many tokens that took."""
    return decoded_on(WatchedBackend(voice), node, budget, said)


def decoded_on(
    backend: WatchedBackend, node: Node, budget: int = 1000, said: Mapping[str, Said] | None = None
) -> tuple[Decided, bytes, int]:
    slot = slot_of(node, backend)

    def decode(cursor: Cursor, _: int) -> Decoding[tuple[Decided, bytes, int]]:
        parts = yield from slot.decode(cursor, Terms(Sampler(0.0, None), budget, said or {}))
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


def mass(voice: Voice, text: bytes, allowed: bytes) -> dict[bytes, float]:
    """The probabilities of bytes behind a text, among those that are allowed."""
    scores = {bytes([each]): log_probability(voice, text, bytes([each])) for each in allowed}
    total = sum(np.exp(list(scores.values())))
    return {each: float(np.exp(score)) / total for each, score in scores.items()}


@pytest.mark.parametrize("seed", range(8))
def test_that_a_number_is_missing_is_set_against_all_numbers_together(seed: int) -> None:
    voice = random_voice(seed)
    parts, text, _ = decoded(make_plan(OptionalType(item=IntType(minimum=0))).root, voice)

    chances = mass(voice, PROMPT + b" ", b"n0123456789")
    assert parts[""].distribution == pytest.approx({"some": 1 - chances[b"n"], "none": chances[b"n"]})
    if chances[b"n"] > 0.5:
        assert (text, list(parts)) == (PROMPT + b" none\n", [""])
    else:
        assert text == PROMPT + f" {parts['some'].value}\n".encode()


def voice_of(lines: Mapping[bytes, float]) -> Voice:
    """A model that says one of these lines, with these probabilities."""

    def voice(text: bytes) -> NDArray[np.float32]:
        said = text.removeprefix(PROMPT)
        weights = np.full(VOCABULARY, 1e-30)
        for line, chance in lines.items():
            if line.startswith(said) and len(line) > len(said):
                weights[line[len(said)]] += chance
        logits: NDArray[np.float32] = np.log(weights).astype(np.float32)
        return logits

    return voice


@pytest.mark.parametrize("weight", [0.7, 0.3])
def test_that_text_is_missing_is_not_said_by_text_that_begins_alike(weight: float) -> None:
    lines = {b" none\n": weight, b" nonesuch\n": 1 - weight}
    parts, text, _ = decoded(make_plan(OptionalType(item=StrType())).root, voice_of(lines))
    assert parts[""].distribution == pytest.approx({"some": 1 - weight, "none": weight})
    assert text == PROMPT + max(lines, key=lambda line: lines[line])


def test_text_that_is_there_is_never_the_word_for_what_is_missing() -> None:
    lines = {b" none\n": 0.4, b" nobody\n": 0.1, b" Ann\n": 0.3, b" Bob\n": 0.2}
    parts, text, _ = decoded(make_plan(OptionalType(item=StrType())).root, voice_of(lines))
    assert parts[""].distribution == pytest.approx({"some": 0.6, "none": 0.4})
    assert (text, parts["some"].value) == (PROMPT + b" Ann\n", "Ann")
    assert parts["some"].confidence == pytest.approx(0.5 ** (1 / 4))  # of a token, four of which are written


def test_text_that_begins_as_none_does_is_whole() -> None:
    optional = OptionalType(item=PatternType(pattern="nine|nobody"))
    parts, text, _ = decoded(make_plan(optional).root, voice_of({b" nine\n": 0.6, b" none\n": 0.4}))
    assert (text, parts["some"].value) == (PROMPT + b" nine\n", "nine")


NODES = [
    BRANCH,
    make_plan(OUTER).root,
    make_plan(OUTER, independent=True).root,
    make_plan(IntType(minimum=0, maximum=255)).root,
    make_plan(ListType(item=INNER, max_count=2)).root,
    SideBySide((Chain((Forced(" a:"), HOW_MANY)), Chain((Forced(" b:"), REASON)))),
    make_plan(OptionalType(item=StrType(max_length=6))).root,
    make_plan(OptionalType(item=OUTER)).root,
    make_plan(UnionType(items=(INNER, IntType(), LiteralType(values=("no idea",))))).root,
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
def test_a_value_that_its_class_refuses_is_refused_by_name(returns: DeclaredType) -> None:
    engine = Engine(WatchedBackend(random_voice(1)))
    with pytest.raises(AnswerRefused, match=r"Picky refuses the model.s answer: not today"):
        engine.answer(Call(program(returns), {"text": "Hm."}))


# ---------------------------------------------------------------------------------- what others say of it


def scores(*values: float, labels: float = 1.0) -> SaidScores:
    return SaidScores(np.array(values), labels, answered_by="labels+readout", calibrated=True)


def told(value: object) -> SaidAnswer:
    return SaidAnswer(
        FieldAnswer(value=value, confidence=0.5, distribution=None, coverage=None, answered_by="readout")
    )


def chances(part: FieldAnswer) -> list[float]:
    assert part.distribution is not None
    return list(part.distribution.values())


def test_a_label_that_is_said_stands_in_the_text_and_is_not_scored() -> None:
    voice = random_voice(3)
    for value, rest in (("yes", b'{"count": '), ("no", b"")):
        parts, text, _ = decoded(BRANCH, voice, said={"which": told(value)})
        assert parts["which"] == told(value).answer
        assert text.startswith(PROMPT + WHICH.options[("yes", "no").index(value)][1].encode() + rest)


def test_what_follows_sees_the_label_that_was_said() -> None:
    voice = random_voice(3)
    parts, _, _ = decoded(BRANCH, voice, said={"which": told("yes")})
    before = PROMPT + b' {"some": {"count": '
    digits = [log_probability(voice, before, digit) for digit in (b"1", b"2", b"3")]
    assert chances(parts["count"]) == pytest.approx(np.exp(digits) / np.exp(digits).sum())


def test_a_label_that_is_said_costs_no_pass() -> None:
    passes = []
    for said in ({}, {"urgency": told(4)}):
        backend = WatchedBackend(random_voice(1))
        decoded_on(backend, make_plan(INNER).root, said=said)
        passes.append(len(backend.steps))
    assert passes[1] == passes[0] - 1


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("weight", [0.0, 0.6, 1.0])
def test_scores_of_others_are_added_to_those_of_the_labels(seed: int, weight: float) -> None:
    voice = random_voice(seed)
    node = make_plan(IntType(minimum=1, maximum=3)).root
    alone = np.log(chances(decoded(node, voice)[0][""]))
    more = np.array([0.5, -2.0, 3.0])
    parts, _, _ = decoded(node, voice, said={"": scores(*more, labels=weight)})
    expected = np.exp(weight * alone + more)
    assert chances(parts[""]) == pytest.approx(expected / expected.sum())
    assert parts[""].value == 1 + int(np.argmax(expected))
    assert parts[""].confidence == max(chances(parts[""]))
    assert (parts[""].answered_by, parts[""].calibrated) == ("labels+readout", True)


def test_how_likely_the_labels_were_together_is_the_models_own_business() -> None:
    node = make_plan(IntType(minimum=1, maximum=3)).root
    alone = decoded(node, random_voice(0))[0][""]
    beside = decoded(node, random_voice(0), said={"": scores(5, 0, 0)})[0][""]
    assert beside.coverage == pytest.approx(alone.coverage)


@pytest.mark.parametrize("independent", [False, True])
def test_labels_of_colliding_tokens_and_of_fields_side_by_side_heed_what_is_said(independent: bool) -> None:
    node = make_plan(INNER, independent=independent).root
    voice = random_voice(5)
    plain = decoded(node, voice)[0]
    least = 1 + int(np.argmin(chances(plain["urgency"])))
    push = [50.0 if value == least else 0.0 for value in (1, 2, 3, 4, 5)]
    assert decoded(node, voice, said={"urgency": scores(*push)})[0]["urgency"].value == least
    for act in Act:
        parts, _, _ = decoded(node, voice, said={"act": told(act), "urgency": scores(0, 0, 0, 0, 0)})
        assert parts["act"].value is act
        assert sum(chances(parts["urgency"])) == pytest.approx(1)


def test_an_answer_with_said_fields_is_put_together_and_not_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept = replace(settings.current(), home=tmp_path, answer_cache=True)
    monkeypatch.setattr(settings, "current", lambda: kept)
    engine = Engine(WatchedBackend(random_voice(2)))
    engine.identity = "these weights"
    call = Call(program(INNER), {"text": "Hm."})
    plain = engine.answer(call)
    other = next(act for act in Act if act is not plain.fields["act"].value)
    said = engine.result(engine.submit(call, said={"act": told(other)}))
    assert said.value == Inner(other, said.fields["urgency"].value)  # type: ignore[arg-type]  # an int
    assert said.fields["act"].answered_by == "readout"
    assert engine.answer(call).value == plain.value
    engine.close()


def test_a_whole_answer_that_is_weighed_says_by_what() -> None:
    engine = Engine(WatchedBackend(random_voice(2)))
    call = Call(program(ACT), {"text": "Hm."})
    answer = engine.result(engine.submit(call, said={"": scores(9, 0, 0)}))
    assert (answer.answered_by, answer.calibrated, answer.value) == ("labels+readout", True, Act.question)
    assert engine.answer(call).answered_by == "labels"
    engine.close()


@pytest.mark.parametrize(
    "said",
    [{"nothing": scores(1, 2)}, {"": scores(1, 2)}, {"": told("question!")}, {"": scores(1, 2, 3, 4)}],
)
def test_what_fits_no_choice_is_an_error(said: Mapping[str, Said]) -> None:
    engine = Engine(WatchedBackend(random_voice(2)))
    with pytest.raises(EngineError, match="does not fit the answer of ask"):
        engine.result(engine.submit(Call(program(ACT), {"text": "Hm."}), said=said))
    engine.close()
