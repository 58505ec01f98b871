"""Scoring and writing, on random voices: the numbers are those of scoring every label by itself."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microprompt.errors import AnswerTooLong, EngineError
from microprompt.prompts.trie import build_trie
from microprompt.scheduling.decoding import Cursor, Decoding, Tally, choose, side_by_side
from microprompt.scheduling.jobs import Job
from microprompt.scheduling.lane import Lane
from microprompt.scheduling.prefixes import PrefixStore
from microprompt.scheduling.sampling import Sampler, Scores
from microprompt.scheduling.trie_search import LEFT_OUT, MAX_PATHS
from microprompt.scheduling.writing import Written, speak, write

from .programs import WatchedBackend, log_probability, random_voice

T = TypeVar("T")

PROMPT = b"Is it so? Answer:"
GREEDY = Sampler(0.0, None)
LABELS = st.lists(st.text("ab", max_size=5), min_size=1, max_size=12, unique=True).map(
    lambda found: [f" {label}\n".encode() for label in found]
)


def run(backend: WatchedBackend, job: Job[T]) -> T:
    """A job's result; afterwards the backend's sequences are all free."""
    lane = Lane(backend, PrefixStore())
    assert lane.admit(job)
    while lane.is_busy:
        lane.step(1)
    assert len(lane.pool) == backend.n_sequences
    return job.future.result()


def scored(
    labels: Sequence[bytes], backend: WatchedBackend, sampler: Sampler = GREEDY, prompt: bytes = PROMPT
) -> tuple[int, Scores, bytes, int]:
    """The label taken, the scores, all that the sequence holds afterwards, and the batches it took."""
    trie = build_trie([tuple(label) for label in labels])

    def decode(cursor: Cursor, _: int) -> Decoding[tuple[int, Scores, bytes, int]]:
        best, scores = yield from choose(cursor, trie, sampler)
        batches = backend.decoded_batches
        yield cursor.flush()
        return best, scores, backend.held()[cursor.sequence], batches

    job = Job(
        prefix=(), pending=list(prompt), expected_tokens=4000, max_sequences=MAX_PATHS + 1, decode=decode
    )
    result = run(backend, job)
    assert backend.held() == {}
    return result


@settings(max_examples=60, deadline=None, derandomize=True)
@given(LABELS, st.integers(0, 1000))
def test_scores_are_those_of_each_labels_own_tokens(labels: list[bytes], seed: int) -> None:
    voice = random_voice(seed)
    trie = build_trie([tuple(label) for label in labels])
    best, scores, held, _ = scored(labels, WatchedBackend(voice))
    common = bytes(trie.common)
    alone = [
        log_probability(voice, PROMPT + common, bytes(token for _, token in edges)) for edges in trie.edges
    ]
    assert scores.log_probs == pytest.approx(alone, abs=1e-6)
    assert best == int(np.argmax(alone))
    assert held == PROMPT + labels[best]


def test_labels_with_different_first_tokens_take_one_batch() -> None:
    assert scored([b"a\n", b"b\n", b"c\n"], WatchedBackend(random_voice(1)))[3] == 1


def test_labels_whose_tokens_collide_take_one_batch() -> None:
    labels = [f" {kind} {what}\n".encode() for kind in ("refund", "order") for what in ("request", "status")]
    assert scored(labels, WatchedBackend(random_voice(1)))[3] == 1


@pytest.mark.parametrize("seed", range(4))
def test_more_paths_than_go_side_by_side_take_turns_and_score_the_same(seed: int) -> None:
    voice = random_voice(seed, spread=1.0)
    labels = [bytes(digits) + b"\n" for digits in product(b"0123456789", repeat=3)]
    backend = WatchedBackend(voice)
    best, scores, held, batches = scored(labels, backend)
    alone = [log_probability(voice, PROMPT, label[:3]) for label in labels]
    assert batches == 2
    assert scores.log_probs == pytest.approx(alone, abs=1e-6)
    assert best == int(np.argmax(alone))
    assert held == PROMPT + labels[best]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(LABELS, min_size=1, max_size=4), st.integers(0, 1000))
def test_what_is_decoded_side_by_side_is_what_each_gives_alone(choices: list[list[bytes]], seed: int) -> None:
    voice = random_voice(seed)
    leads = [f" {number}:".encode() for number in range(len(choices))]

    def decode(cursor: Cursor, _: int) -> Decoding[tuple[list[tuple[int, Scores]], Tally]]:
        branches = [
            (list(lead), partial(choose, trie=build_trie([tuple(label) for label in labels]), sampler=GREEDY))
            for lead, labels in zip(leads, choices, strict=True)
        ]
        found = yield from side_by_side(cursor, branches)
        return found, cursor.tally

    backend = WatchedBackend(voice)
    together, tally = run(
        backend, Job(prefix=(), pending=list(PROMPT), expected_tokens=4000, max_sequences=200, decode=decode)
    )
    assert backend.decoded_batches == 1
    assert sum(backend.steps) == tally.decoded
    for (best, scores), lead, labels in zip(together, leads, choices, strict=True):
        alone_best, alone, _, _ = scored(labels, WatchedBackend(voice), prompt=PROMPT + lead)
        assert best == alone_best
        assert scores.log_probs == pytest.approx(alone.log_probs, abs=1e-6)


def test_continuations_of_different_lengths_end_each_in_its_time() -> None:
    voice = random_voice(2)
    grammars = [f'%llguidance {{}}\nstart: /[a-z]{{{length}}}/ "\\n"' for length in (1, 7, 3)]

    def decode(cursor: Cursor, _: int) -> Decoding[list[Written]]:
        branches = [
            (list(b"!"), partial(write, matcher=backend.matcher(grammar), sampler=GREEDY, budget=99))
            for grammar in grammars
        ]
        return (yield from side_by_side(cursor, branches))

    backend = WatchedBackend(voice)
    job = Job(prefix=(), pending=list(PROMPT[:-1]), expected_tokens=4000, max_sequences=4, decode=decode)
    found = run(backend, job)
    assert [len(each.text) for each in found] == [2, 8, 4]
    assert backend.decoded_batches == 7
    alone = WatchedBackend(voice)
    assert [written(alone, grammar, prompt=PROMPT[:-1] + b"!")[0] for grammar in grammars] == [
        each.text for each in found
    ]


def test_forced_continuations_leave_what_waits_for_the_next_ones() -> None:
    voice = random_voice(4)
    trie = build_trie([tuple(b"a\n"), tuple(b"b\n")])

    def decode(cursor: Cursor, _: int) -> Decoding[list[tuple[int, Scores]]]:
        forced = backend.matcher('%llguidance {}\nstart: "x\\n"')
        yield from side_by_side(cursor, [(b"!", partial(write, matcher=forced, sampler=GREEDY, budget=9))])
        return (yield from side_by_side(cursor, [(b"?", partial(choose, trie=trie, sampler=GREEDY))]))

    backend = WatchedBackend(voice)
    [(_, scores)] = run(
        backend, Job(prefix=(), pending=list(PROMPT), expected_tokens=99, max_sequences=2, decode=decode)
    )
    alone = [log_probability(voice, PROMPT + b"?", label) for label in (b"a", b"b")]
    assert scores.log_probs == pytest.approx(alone, abs=1e-6)


def test_a_continuation_that_fails_takes_the_others_with_it() -> None:
    def decode(cursor: Cursor, _: int) -> Decoding[list[Written]]:
        matcher = backend.matcher('%llguidance {}\nstart: /[a-z]{9}/ "\\n"')
        branches = [
            (list(b"!"), partial(write, matcher=matcher.deep_copy(), sampler=GREEDY, budget=3))
            for _ in range(2)
        ]
        return (yield from side_by_side(cursor, branches))

    backend = WatchedBackend(random_voice(1))
    job = Job(prefix=(), pending=list(PROMPT), expected_tokens=4000, max_sequences=3, decode=decode)
    with pytest.raises(AnswerTooLong):
        run(backend, job)
    assert backend.held() == {}


def test_thousands_of_labels_in_any_order_evaluate_hardly_any_node_twice() -> None:
    voice = random_voice(6, spread=1.0)
    labels = [bytes(digits) + b"\n" for digits in product(b"0123456789abc", repeat=3)]
    np.random.default_rng(0).shuffle(labels)  # pyright: ignore[reportArgumentType]  # a list will do
    backend = WatchedBackend(voice)
    _, scores, _, batches = scored(labels, backend)
    some = range(0, len(labels), 97)
    assert [scores.log_probs[index] for index in some] == pytest.approx(
        [log_probability(voice, PROMPT, labels[index][:3]) for index in some], abs=1e-6
    )
    nodes = len(build_trie([tuple(label) for label in labels]).nodes)
    assert batches == -(-13 * 13 // MAX_PATHS)
    assert sum(backend.steps[:batches]) <= len(PROMPT) + nodes + 13 * (batches - 1)


@pytest.mark.parametrize("seed", range(6))
def test_of_thousands_of_labels_only_those_that_can_matter_are_looked_at(seed: int) -> None:
    voice = random_voice(seed, spread=6.0)
    labels = [bytes(digits) + b"\n" for digits in product(b"0123456789abcdefghij", repeat=3)]
    backend = WatchedBackend(voice)
    best, scores, held, batches = scored(labels, backend)
    alone = np.array([log_probability(voice, PROMPT, label[:3]) for label in labels])
    exact = np.exp(alone) / np.exp(alone).sum()
    found = np.exp(scores.normalised())
    assert batches < -(-20 * 20 // MAX_PATHS)
    assert best == int(alone.argmax())
    assert found.sum() == pytest.approx(1)
    assert np.abs(found - exact).max() < LEFT_OUT
    assert held == PROMPT + labels[best]


def test_tokens_of_batches_that_are_gone_do_not_fill_the_context() -> None:
    labels = [bytes(digits) + b"\n" for digits in product(b"0123456789abcdef", repeat=3)]
    tally = []

    def decode(cursor: Cursor, _: int) -> Decoding[None]:
        yield from choose(cursor, build_trie([tuple(label) for label in labels]), GREEDY)
        tally.append((cursor.tally.decoded, cursor.tally.dropped))

    run(
        WatchedBackend(random_voice(1, spread=0.1)),
        Job(prefix=(), pending=[1], expected_tokens=4000, max_sequences=MAX_PATHS + 1, decode=decode),
    )
    ((decoded, dropped),) = tally
    assert decoded - dropped <= 2 * MAX_PATHS


def test_probabilities_of_all_labels_add_up_to_one() -> None:
    _, scores, _, _ = scored([b"a\n", b"b\n", b"bb\n"], WatchedBackend(random_voice(5)))
    assert np.exp(scores.normalised()).sum() == pytest.approx(1)
    assert scores.coverage() == pytest.approx(np.exp(scores.log_probs).sum())


def test_a_temperature_draws_labels_as_often_as_they_are_probable() -> None:
    voice = random_voice(3, spread=1.0)
    labels = [b"a\n", b"b\n", b"c\n"]
    random = np.random.default_rng(0)
    probabilities = np.exp(scored(labels, WatchedBackend(voice))[1].normalised())
    sampler = Sampler(1.0, random)
    drawn = [sampler.pick(np.log(probabilities)) for _ in range(3000)]
    assert np.bincount(drawn, minlength=3) / 3000 == pytest.approx(probabilities, abs=0.03)


def written(
    backend: WatchedBackend, grammar: str, budget: int = 100, prompt: bytes = PROMPT
) -> tuple[bytes, float, int]:
    """What is written, its log-probability, and how many batches it took."""

    def decode(cursor: Cursor, _: int) -> Decoding[tuple[bytes, float, int]]:
        found = yield from write(cursor, backend.matcher(grammar), GREEDY, budget)
        return found.text, sum(chance for _, chance in found.chosen), backend.decoded_batches

    job = Job(prefix=(), pending=list(prompt), expected_tokens=4000, max_sequences=1, decode=decode)
    return run(backend, job)


def test_forced_text_takes_no_batch() -> None:
    backend = WatchedBackend(random_voice(0))
    text, log_prob, batches = written(backend, '%llguidance {}\nstart: " all of it is forced\\n"')
    assert (text, log_prob, batches) == (b" all of it is forced\n", 0.0, 0)


def test_only_choices_take_batches_and_count() -> None:
    voice = random_voice(0)
    text, log_prob, batches = written(
        WatchedBackend(voice), '%llguidance {}\nstart: " so " ("ab" | "cd") "!"'
    )
    first = voice(PROMPT + b" so ").astype(np.float64)[list(b"ac")]
    assert text in (b" so ab!", b" so cd!")
    assert log_prob == pytest.approx(float(first.max() - np.log(np.exp(first).sum())))
    assert batches == 1


def test_writing_past_the_budget_raises() -> None:
    backend = WatchedBackend(random_voice(0))
    with pytest.raises(AnswerTooLong, match="max_tokens = 5"):
        written(backend, "%llguidance {}\nstart: /[a-z]{10}/", budget=5)
    assert backend.held() == {}


def test_a_grammar_that_is_none_raises() -> None:
    with pytest.raises(EngineError, match="refuses a grammar"):
        written(WatchedBackend(random_voice(0)), "%llguidance {}\nstart: nowhere")


def test_speaking_without_a_guide_ends_with_the_budget() -> None:
    def bias(
        tokens: Sequence[int], rows: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        seen.append(bytes(tokens))
        rows[:, 128:] = -np.inf
        return rows

    seen: list[bytes] = []
    backend = WatchedBackend(random_voice(0))
    said: list[bytes] = []

    def decode(cursor: Cursor, _: int) -> Decoding[bytes]:
        return (yield from speak(cursor, GREEDY, 4, bias=bias, emit=said.append)).text

    text = run(
        backend, Job(prefix=(), pending=list(PROMPT), expected_tokens=100, max_sequences=1, decode=decode)
    )
    assert len(text) == 4
    assert b"".join(said) == text
    assert seen == [PROMPT + text[:length] for length in range(4)]
