"""Drafts: what is guessed and when, and that no answer depends on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from microprompt import Answer, abi
from microprompt.engines.base import Call
from microprompt.engines.engine import Engine
from microprompt.scheduling import drafts as module
from microprompt.scheduling.backend import BATCH_TOKENS, PASS_TOKENS
from microprompt.scheduling.drafts import Drafts
from microprompt.types import DeclaredType, ListType

from .jobs import WildDrafts
from .programs import INNER, OUTER, WatchedBackend, program, random_voice
from .test_lane import make, run
from .test_preemption import TRIES, Load, alone


def draft(drafts: Drafts, before: str, question: str = "", room: int = 60) -> list[str]:
    found = drafts.draft(list(before.encode()), list(question.encode()), room)
    return [bytes(segment).decode() for segment in found]


def untaught(pass_tokens: float = 6) -> Drafts:
    return Drafts(lambda token: bytes((token,)), pass_tokens)


def learn(drafts: Drafts, before: str, segment: str, question: str = "") -> None:
    drafts.learn(list(before.encode()), list(segment.encode()), list(question.encode()))


def taught(*lines: tuple[str, str], times: int = 5, pass_tokens: float = 6) -> Drafts:
    drafts = untaught(pass_tokens)
    for _ in range(times):
        for before, segment in lines:
            learn(drafts, before, segment)
    return drafts


# ------------------------------------------------------------------------------------- what is guessed


def test_nothing_is_guessed_before_anything_is_learnt() -> None:
    assert draft(untaught(), "mood: ") == []


def test_what_came_often_is_guessed_to_the_end_of_the_answer() -> None:
    drafts = taught(("mood: ", "calm, urgency: "), ("urgency: ", "3."), ("3.", ""))
    assert draft(drafts, "the mood: ") == ["calm, urgency: ", "3."]


def test_the_likeliest_is_guessed_if_it_is_likely() -> None:
    drafts = taught(("is it: ", "yes"), ("is it: ", "yes"), ("is it: ", "no!"))
    assert draft(drafts, "is it: ")[:1] == ["yes"]
    assert draft(taught(*(("is it: ", f"{n} and so on") for n in range(9))), "is it: ") == []


def test_a_single_token_is_worth_a_lower_chance_than_many() -> None:
    once = taught(("it is: ", "a"), times=1)
    assert draft(once, "it is: ") == ["a"]
    assert draft(taught(("it is: ", "a long one"), times=1), "it is: ") == []


def test_the_more_a_pass_costs_the_more_is_guessed() -> None:
    lines = (("it is: ", "white"), ("it is: ", "white"), ("it is: ", "black"))
    assert draft(taught(*lines, pass_tokens=6), "it is: ")[:1] == ["white"]
    assert draft(taught(*lines, pass_tokens=1), "it is: ") == []
    sure = ("it is: ", "white")
    assert draft(taught(sure, times=30, pass_tokens=1), "it is: ")[:1] == ["white"]
    assert draft(taught(sure, times=30, pass_tokens=0), "it is: ") == []


def test_no_more_is_guessed_than_there_is_room_for() -> None:
    drafts = taught(("mood: ", "calm, urgency: "), ("urgency: ", "3."), ("3.", ""))
    assert draft(drafts, "mood: ", room=16) == ["calm, urgency: "]
    assert draft(drafts, "mood: ", room=14) == []


def test_text_is_copied_from_the_question() -> None:
    question = "Send it to Grace Hopper, please. It is for Grace Hopper."
    assert draft(untaught(), "to: Gra", question)[:2] == ["c", "e"]
    assert draft(untaught(), "to: xyz", question) == []


PRODUCTS = [("product: ", f"{product}, mood: ") for product in ("phone", "laptop", "tablet", "TV", "ink")]


def test_a_label_that_the_question_names_is_guessed() -> None:
    drafts = taught(*PRODUCTS)
    assert draft(drafts, "product: ", "Where are they?") == []
    assert draft(drafts, "product: ", "Where is my Tablet?") == ["tablet, mood: "]
    assert draft(drafts, "product: ", "Where are my phones?") == ["phone, mood: "]


@pytest.mark.parametrize("question", ["My headphones!", "A phone or a tablet?", "The TV?"])
def test_what_names_no_label_or_several_is_not_guessed_from(question: str) -> None:
    assert draft(taught(*PRODUCTS), "product: ", question) == []


def test_what_is_named_is_guessed_no_longer_where_it_does_not_come() -> None:
    drafts = taught(*PRODUCTS)
    for _ in range(5):
        learn(drafts, "product: ", "ink, mood: ", "Where is my tablet?")
    assert draft(drafts, "product: ", "Where is my laptop?") == []


def test_what_is_learnt_anew_soon_counts_more_than_what_was() -> None:
    drafts = taught(("mood: ", "calm"), times=1000)
    for _ in range(40):
        learn(drafts, "mood: ", "angry")
    assert draft(drafts, "mood: ")[:1] == ["angry"]


def test_no_more_contexts_are_kept_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CONTEXTS", 10)
    drafts = taught(*((f"{n:09}", "x") for n in range(50)))
    assert len(drafts._after) == 10
    assert draft(drafts, "000000049")[:1] == ["x"]
    assert draft(drafts, "000000007") == draft(drafts, "no7")


def test_the_words_of_questions_that_are_answered_side_by_side_are_found_once() -> None:
    read: list[int] = []

    def piece(token: int) -> bytes:
        read.append(token)
        return bytes((token,))

    drafts = Drafts(piece, 6)
    questions = [list(b"My tablet is late."), list(b"Your phone is early.")]
    for question in questions * 3:
        drafts.learn(list(b"device: "), list(b"phone"), question)
    assert (read.count(ord("M")), read.count(ord("Y"))) == (1, 1)


# -------------------------------------------------------------------------- what it saves, what it changes


def ask_all(
    returns: DeclaredType, using: abi.Using, seed: int, *, drafts: Drafts | None
) -> tuple[list[Answer[object]], int]:
    """The answers to three questions, each asked twice, and in how many batches."""
    backend = WatchedBackend(random_voice(seed))
    engine = Engine(backend)
    asked = program(returns, using=using)
    if drafts is not None:
        engine.bind(asked).drafts = drafts
    answers = [
        replace(engine.answer(Call(asked, {"text": text})), seconds=0.0)
        for text in ("", "order 12", "abc " * 9) * 2
    ]
    engine.close()
    return answers, len(backend.steps)


class NoDrafts(Drafts):
    def __init__(self) -> None:
        super().__init__(lambda token: bytes((token % 256,)), PASS_TOKENS)

    def draft(self, before: Sequence[int], question: Sequence[int], room: int) -> Iterator[tuple[int, ...]]:
        return iter(())


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("returns", [INNER, OUTER, ListType(item=INNER, max_count=3)], ids=str)
@pytest.mark.parametrize(
    "using",
    [abi.Using(), abi.Using(independent=True), abi.Using(temperature=0.8, seed=7)],
    ids=["best", "independent", "sampled"],
)
def test_no_answer_depends_on_what_is_drafted(returns: DeclaredType, using: abi.Using, seed: int) -> None:
    if using.independent and isinstance(returns, ListType):
        pytest.skip("only fields are independent")
    expected, batches = ask_all(returns, using, seed, drafts=NoDrafts())
    for drafts in (None, wild := WildDrafts(seed)):
        found, fewer = ask_all(returns, using, seed, drafts=drafts)
        assert found == expected
        assert fewer <= batches
    assert wild.drafted or using.independent  # fields side by side share their batches


def test_what_was_asked_before_takes_fewer_batches() -> None:
    _, batches = ask_all(OUTER, abi.Using(), 1, drafts=NoDrafts())
    _, fewer = ask_all(OUTER, abi.Using(), 1, drafts=None)
    assert fewer < 0.8 * batches


def test_jobs_that_share_batches_draft_nothing() -> None:
    drafts = WildDrafts(0)
    loads = [Load("", text, (TRIES[1], 20, TRIES[1]), 0.0) for text in ("a", "b")]
    expected = [alone(load) for load in loads]
    lane, _ = make()
    jobs = [load.job(expected=60, at_most=200, drafts=drafts) for load in loads]
    assert run(lane, jobs) == [found for found, _, _ in expected]  # type: ignore[arg-type]
    assert drafts.drafted == 0


def test_a_long_text_is_cut_as_ever() -> None:
    drafts = WildDrafts(0)
    load = Load("", "x" * 300, (3,), 0.0)
    lane, backend = make()
    run(lane, [load.job(expected=100, at_most=500, drafts=drafts)])  # type: ignore[list-item]
    assert backend.steps[:2] == [128, 128]
    assert 45 <= backend.steps[2] <= BATCH_TOKENS
