"""Jobs that need more cells as they go: who is preempted, and that nobody can tell from the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microprompt.prompts.trie import Trie, build_trie
from microprompt.scheduling.backend import Rows
from microprompt.scheduling.decoding import Cursor, Decoding, choose, side_by_side
from microprompt.scheduling.jobs import Job
from microprompt.scheduling.sampling import Sampler
from microprompt.scheduling.trie_search import MAX_PATHS
from microprompt.scheduling.writing import speak

from .jobs import WildDrafts, ask, job, write
from .programs import WatchedBackend
from .test_lane import make, prefixes_held, run


def growing(count: int) -> Job[str]:
    """A job that writes that many tokens, and could have written 250."""
    return job(write(count), expected=8, at_most=250)


def test_jobs_whose_worst_cases_do_not_fit_together_run_side_by_side() -> None:
    lane, backend = make(context=256)
    assert run(lane, [growing(20) for _ in range(4)]) == ["done"] * 4
    assert len(backend.steps) == 20
    assert prefixes_held(lane, backend) == []


def test_the_youngest_is_preempted_and_its_tokens_are_evaluated_again_in_one_go() -> None:
    lane, backend = make(context=256)
    assert run(lane, [growing(200), growing(200)]) == ["done", "done"]
    # Side by side, then the first one alone, then what the second one had had, and the rest of it.
    [had] = [count for count in backend.steps if count > 2]
    assert len(backend.steps) == 200 + 1 + (200 - had)
    assert sum(backend.steps) == 200 + 200 + had - 1
    assert backend.most_cells <= 256
    assert prefixes_held(lane, backend) == []


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 250), min_size=1, max_size=12), st.sampled_from((256, 300, 700)))
def test_all_that_grow_end_whatever_their_lengths(lengths: list[int], context: int) -> None:
    lane, backend = make(context=context)
    assert run(lane, [growing(length) for length in lengths]) == ["done"] * len(lengths)
    assert prefixes_held(lane, backend) == []


def test_a_short_job_runs_beside_one_that_grows() -> None:
    lane, backend = make(context=256)
    long, short = growing(150), ask("Is it?")
    waiting = [long, short]
    while not short.future.done():
        while waiting and lane.admit(waiting[0]):
            waiting.pop(0)
        lane.step(1)
    assert not long.future.done()
    assert len(backend.steps) < 10
    assert run(lane, []) == []


def test_no_new_job_passes_one_that_was_preempted() -> None:
    lane, _ = make(context=256)
    first, second, third = growing(240), growing(240), ask("Is it?")
    assert lane.admit(first)
    assert lane.admit(second)
    for _ in range(200):
        lane.step(1)
    assert not lane.wants_more()
    assert not lane.admit(third)
    assert run(lane, [third]) == ["Is it? (0 cached)"]
    assert (first.future.result(), second.future.result()) == ("done", "done")


def test_a_prefix_makes_room_for_a_job_that_grows() -> None:
    lane, backend = make(context=256)
    run(lane, [ask("?", "a prefix of some length: ")])
    assert run(lane, [growing(249)]) == ["done"]
    assert prefixes_held(lane, backend) == []


@pytest.mark.parametrize("steps", [120, 200], ids=["running", "preempted"])
def test_a_job_that_needs_cells_can_be_cancelled(steps: int) -> None:
    lane, backend = make(context=256)
    first, second = growing(240), growing(240)
    lane.admit(first)
    lane.admit(second)
    for _ in range(steps):
        lane.step(1)
    second.future.cancel()
    run(lane, [])
    assert first.future.result() == "done"
    assert prefixes_held(lane, backend) == []


def test_a_timeout_counts_on_for_a_job_that_was_preempted() -> None:
    lane, _ = make(context=256)
    first, second = growing(240), growing(240)
    second.timeout = 60.0
    lane.admit(first)
    lane.admit(second)
    deadline = second.deadline
    assert deadline is not None
    run(lane, [])
    assert (first.future.result(), second.future.result()) == ("done", "done")
    assert second.deadline == deadline


# ----------------------------------------------------------------------- any load, in any cache it fits into

Part: TypeAlias = "int | Trie | tuple[Part, ...]"
"""Tokens to write, labels to choose from, or several parts side by side."""

TRIES = [
    build_trie([tuple(label.encode()) for label in labels])
    for labels in (("a\n", "b\n"), ("aa\n", "ab\n", "ba\n", "bb\n"), ("x", "yyyyy1", "yyyyy2", "yyz"))
]
MANY = build_trie([tuple(bytes(digits)) for digits in product(b"0123456789", repeat=3)])
assert len(MANY.paths) > MAX_PATHS

PARTS = st.one_of(st.integers(1, 60), st.sampled_from([*TRIES, MANY]))
BESIDE = st.lists(st.one_of(st.integers(1, 20), st.sampled_from(TRIES)), min_size=2, max_size=4).map(tuple)


def sequences(part: Part) -> int:
    """The most that a part takes beside its cursor's own."""
    match part:
        case int():
            return 0
        case Trie():
            return min(len(part.paths), MAX_PATHS)
        case _:
            return sum(1 + sequences(one) for one in part)


@dataclass(frozen=True)
class Load:
    """A job's parts, one after the other, and what is noted of it as it runs."""

    prefix: str
    pending: str
    parts: tuple[Part, ...]
    temperature: float
    chosen: list[object] = field(default_factory=list, compare=False)
    decoded: list[int] = field(default_factory=list, compare=False)

    def job(self, *, expected: int, at_most: int, drafts: WildDrafts | None = None) -> Job[object]:
        return Job(
            prefix=tuple(self.prefix.encode()),
            pending=list(self.pending.encode()),
            expected_tokens=min(len(self.pending) + expected, at_most),
            max_tokens=at_most,
            max_sequences=1 + max(map(sequences, self.parts)),
            decode=self._decode,
            drafts=drafts,
        )

    def _decode(self, cursor: Cursor, _: int) -> Decoding[object]:
        sampler = Sampler(self.temperature, np.random.default_rng(1))
        found = []
        for part in self.parts:
            cursor.pending.append(ord(":"))
            found.append((yield from self._part(part, cursor, sampler)))
        cursor.pending.append(ord("."))
        yield cursor.flush()
        self.decoded.append(cursor.tally.decoded)
        backend = cursor.sequences.backend
        assert isinstance(backend, WatchedBackend)
        return found, backend.held()[cursor.sequence][: cursor.position]

    def _part(self, part: Part, cursor: Cursor, sampler: Sampler) -> Decoding[object]:
        match part:
            case int():
                return (yield from speak(cursor, sampler, part, bias=letters, emit=self.chosen.append))
            case Trie():
                best, scores = yield from choose(cursor, part, sampler)
                self.chosen.append(best)
                return best, scores.log_probs.tolist()
            case _:
                branches = [
                    (f"{index}=".encode(), partial(self._part, one, sampler=sampler))
                    for index, one in enumerate(part)
                ]
                return (yield from side_by_side(cursor, branches))


def letters(_: Sequence[int], rows: Rows) -> Rows:
    return np.where(np.arange(rows.shape[1]) < 128, rows, -np.inf).astype(np.float32)


LOADS = st.builds(
    Load,
    st.sampled_from(("", "one prefix: ", "one prefix, another: ", "something else: ")),
    st.text("abc", min_size=1, max_size=90),
    st.lists(st.one_of(PARTS, BESIDE), min_size=1, max_size=3).map(tuple),
    st.sampled_from((0.0, 1.0)),
)


def alone(load: Load, drafts: WildDrafts | None = None) -> tuple[object, list[object], int]:
    """What a job gives in a cache without end, what it chooses, and the tokens that it evaluates."""
    lane, _ = make(context=100_000)
    fresh = replace(load, chosen=[], decoded=[])
    [found] = run(lane, [fresh.job(expected=10_000, at_most=10_000, drafts=drafts)])  # type: ignore[list-item]
    if isinstance(found, BaseException):
        raise found
    return found, fresh.chosen, fresh.decoded[0]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    st.lists(LOADS, min_size=1, max_size=8),
    st.integers(0, 300),
    st.integers(1, 40),
    st.one_of(st.none(), st.integers(0, 9).map(WildDrafts)),
)
def test_answers_are_those_of_a_cache_without_end_and_nothing_is_chosen_twice(
    loads: list[Load], slack: int, expected: int, drafts: WildDrafts | None
) -> None:
    expectations = [alone(load) for load in loads]
    context = slack + max(
        len(load.prefix) + tokens for load, (_, _, tokens) in zip(loads, expectations, strict=True)
    )
    lane, backend = make(context, sequences=160)
    jobs = [
        load.job(expected=expected, at_most=tokens, drafts=drafts)
        for load, (_, _, tokens) in zip(loads, expectations, strict=True)
    ]
    assert run(lane, jobs) == [found for found, _, _ in expectations]  # type: ignore[arg-type]
    assert [load.chosen for load in loads] == [chosen for _, chosen, _ in expectations]
    assert backend.most_cells <= context
    prefixes_held(lane, backend)


@pytest.mark.parametrize(
    "part",
    [40, TRIES[1], MANY, (20, TRIES[1], 20), (TRIES[1], TRIES[2])],
    ids=["writing", "choosing", "choosing in turns", "side by side", "choosing side by side"],
)
@pytest.mark.parametrize("drafts", [None, WildDrafts(1)], ids=["without drafts", "with drafts"])
def test_a_job_can_be_preempted_wherever_it_is(part: Part, drafts: WildDrafts | None) -> None:
    # The argument is so long that the first step is evaluated in parts.
    load = Load("one prefix: ", "abc" * 40, (part, 10, part), 1.0)
    expected, chosen, tokens = alone(load)
    preempted = 0
    for before in range(1, 200):
        fresh = replace(load, chosen=[], decoded=[])
        lane, backend = make(context=4096)
        one = fresh.job(expected=10, at_most=tokens, drafts=drafts)
        lane.admit(one)
        for _ in range(before):
            lane.step(1)
        if one.future.done():
            break
        lane._preempt(lane._running[0])
        assert backend.cells() == lane.prefixes.cells()
        assert run(lane, []) == []
        assert one.future.result() == expected
        assert fresh.chosen == chosen
        prefixes_held(lane, backend)
        preempted += 1
    assert preempted > 2
