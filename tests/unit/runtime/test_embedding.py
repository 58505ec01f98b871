"""Embedders: what is in a batch, long texts, and how jobs end. The model is one that counts letters."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from microprompt.engines.embedder import Embedder
from microprompt.errors import ArgumentError, DeadlineExceeded, EngineError, PromptTooLong
from microprompt.scheduling.backend import Interrupted
from microprompt.scheduling.cores import Cores
from microprompt.scheduling.embedding import (
    EMBEDDING_BATCH_TOKENS,
    MAX_TEXT_TOKENS,
    EmbeddingJob,
    EmbeddingLane,
    Vectors,
    windows_of,
)

OPEN, CLOSE = 1, 2


class LetterCounter:
    """An encoder: tokens are letters, and a vector says how often each is there."""

    name = "letters"
    dimension = 256
    before: tuple[int, ...] = (OPEN,)
    after: tuple[int, ...] = (CLOSE,)

    def __init__(self, *, n_tokens: int = 256, n_sequences: int = 64) -> None:
        self.n_tokens = n_tokens
        self.n_sequences = n_sequences
        self.batches: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.stop = threading.Event()
        self.error: Exception | None = None
        self.is_closed = False

    def tokenize(self, text: str, *, control: bool) -> list[int]:
        return list(text.encode())

    def word_vectors(self) -> NDArray[np.float32]:
        return 2 * np.eye(256, self.dimension, dtype=np.float32)

    def encode(self, texts: Sequence[Sequence[int]], threads: int) -> Vectors:
        self.entered.set()
        assert self.gate.wait(20)
        if self.stop.is_set():
            self.stop.clear()
            raise Interrupted
        assert sum(map(len, texts)) <= self.n_tokens
        assert len(texts) <= self.n_sequences
        if self.error is not None:
            raise self.error
        self.batches.append([bytes(text).decode()[1:-1] for text in texts])
        return np.array([np.bincount(text, minlength=256) for text in texts], dtype=np.float32)

    def interrupt(self) -> None:
        self.stop.set()
        self.gate.set()

    def clone(self) -> LetterCounter:
        return LetterCounter(n_tokens=self.n_tokens)

    def close(self) -> None:
        self.is_closed = True


def unit(text: str) -> NDArray[np.float32]:
    """The vector of a text that is embedded at once."""
    counts = np.bincount([OPEN, *text.encode(), CLOSE], minlength=256).astype(np.float32)
    return counts / np.float32(np.linalg.norm(counts))


def job(encoder: LetterCounter, *texts: str) -> EmbeddingJob:
    return EmbeddingJob(windows=windows_of(texts, encoder))


def run(lane: EmbeddingLane, jobs: Sequence[EmbeddingJob]) -> None:
    for one in jobs:
        assert lane.admit(one)
    while lane.is_busy:
        lane.step(1)


# ---------------------------------------------------------------------------------------------- vectors


def test_each_text_gets_its_unit_vector_in_order() -> None:
    embedder = Embedder(LetterCounter())
    texts = ["abba", "", "c", "abba"]
    found = embedder.result(embedder.embed(texts))
    assert found.shape == (4, 256)
    assert found.dtype == np.float32
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(4))
    for row, text in zip(found, ["abba", "\n", "c", "abba"], strict=True):
        assert row == pytest.approx(unit(text))
    embedder.close()


def test_no_texts_have_no_vectors_and_need_no_model() -> None:
    encoder = LetterCounter()
    embedder = Embedder(encoder)
    assert embedder.result(embedder.embed([])).shape == (0, 256)
    assert encoder.batches == []
    embedder.close()


@pytest.mark.parametrize("length", [1, 253, 254, 255, 508, 509, 5000])
def test_a_long_text_is_cut_into_few_windows_of_nearly_equal_length(length: int) -> None:
    encoder = LetterCounter()
    windows = windows_of(["x" * length], encoder)
    lengths = [window.weight for window in windows]
    assert sum(lengths) == length
    assert len(lengths) == -(-length // 254)
    assert max(lengths) - min(lengths) <= 1
    assert all(window.tokens == (OPEN, *b"x" * window.weight, CLOSE) for window in windows)


def test_windows_of_a_text_count_by_their_tokens() -> None:
    encoder = LetterCounter(n_tokens=6)
    found = Embedder(encoder)
    text = "aaaabbbb" + "c"
    pieces = ["aaa", "abb", "bbc"]
    expected = np.sum([3 * unit(piece) for piece in pieces], axis=0)
    expected /= np.linalg.norm(expected)
    vectors = found.result(found.embed(["zz", text, "yy"]))
    assert vectors[1] == pytest.approx(expected)
    assert vectors[0] == pytest.approx(unit("zz"))
    assert vectors[2] == pytest.approx(unit("yy"))
    found.close()


@pytest.mark.parametrize("texts", ["one text", [1], ["a", None]])
def test_what_is_no_text_is_an_error(texts: Sequence[str]) -> None:
    embedder = Embedder(LetterCounter())
    with pytest.raises(ArgumentError, match="texts to embed are a sequence of `str`"):
        embedder.embed(texts)
    embedder.close()


def test_a_text_of_whole_books_is_refused() -> None:
    embedder = Embedder(LetterCounter())
    embedder.job(["fits", "x" * MAX_TEXT_TOKENS])
    with pytest.raises(PromptTooLong, match="a text has 65537 tokens; letters embeds up to 65536"):
        embedder.embed(["fits", "x" * (MAX_TEXT_TOKENS + 1)])
    embedder.close()


# ---------------------------------------------------------------------------------------------- batches


def test_texts_of_many_calls_share_a_batch() -> None:
    encoder = LetterCounter()
    jobs = [job(encoder, f"{number}a", f"{number}b") for number in range(3)]
    run(EmbeddingLane(encoder, Cores(1)), jobs)
    assert encoder.batches == [["0a", "1a", "2a", "0b", "1b", "2b"]]
    for number, one in enumerate(jobs):
        assert one.future.result()[1] == pytest.approx(unit(f"{number}b"))


def test_a_call_with_many_texts_keeps_none_with_one_text_waiting() -> None:
    encoder = LetterCounter()
    lane = EmbeddingLane(encoder, Cores(1))
    many, single = job(encoder, *["many" * 10] * 100), job(encoder, "single")
    assert lane.admit(many)
    lane.step(1)
    assert lane.admit(single)
    lane.step(1)
    assert single.future.done()
    assert not many.future.done()
    run(lane, [])
    assert len(many.future.result()) == 100


def test_who_did_not_get_into_a_batch_is_in_the_next() -> None:
    encoder = LetterCounter()
    lane = EmbeddingLane(encoder, Cores(1))
    jobs = [job(encoder, str(number) * 60, str(number) * 60) for number in range(4)]
    run(lane, jobs)
    assert [[text[0] for text in batch] for batch in encoder.batches] == [
        ["0", "1"],
        ["2", "3"],
        ["0", "1"],
        ["2", "3"],
    ]


def test_no_batch_is_longer_than_its_limits_but_for_one_long_text() -> None:
    encoder = LetterCounter(n_sequences=5)
    jobs = [job(encoder, *"abcdefgh"), job(encoder, "x" * 250, "y" * 40, "z" * 250)]
    run(EmbeddingLane(encoder, Cores(1)), jobs)
    for batch in encoder.batches:
        tokens = sum(len(text) + 2 for text in batch)
        assert len(batch) <= 5
        assert len(batch) == 1 or tokens <= EMBEDDING_BATCH_TOKENS


def test_a_model_of_short_texts_gets_short_batches() -> None:
    encoder = LetterCounter(n_tokens=20)
    run(EmbeddingLane(encoder, Cores(1)), [job(encoder, "a" * 100, *"bcdefgh")])
    assert max(sum(len(text) + 2 for text in batch) for batch in encoder.batches) <= 20


# ------------------------------------------------------------------------------------------ ends of jobs


def test_an_error_ends_the_jobs_of_its_batch_and_the_next_one_works() -> None:
    encoder = LetterCounter()
    embedder = Embedder(encoder)
    for error in (EngineError("no"), KeyError("defect")):
        encoder.error = error
        with pytest.raises(type(error)):
            embedder.result(embedder.embed(["a"]))
    encoder.error = None
    assert embedder.result(embedder.embed(["a"]))[0] == pytest.approx(unit("a"))
    embedder.close()


def test_a_vector_of_zeros_is_an_error() -> None:
    encoder = LetterCounter()
    encoder.encode = lambda texts, threads: np.zeros((len(texts), 256), dtype=np.float32)  # type: ignore[method-assign]
    embedder = Embedder(encoder)
    with pytest.raises(EngineError, match="no direction"):
        embedder.result(embedder.embed(["a"]))
    embedder.close()


def test_a_deadline_ends_a_job_and_leaves_the_others() -> None:
    encoder = LetterCounter()
    embedder = Embedder(encoder)
    encoder.gate.clear()
    slow, late = embedder.embed(["slow"]), embedder.embed(["late"], timeout=0.01)
    with pytest.raises(DeadlineExceeded):
        embedder.result(late)
    encoder.gate.set()
    assert embedder.result(slow)[0] == pytest.approx(unit("slow"))
    embedder.close()


def test_a_timeout_of_a_job_that_waits_begins_when_it_starts() -> None:
    encoder = LetterCounter()
    waiting = EmbeddingJob(windows=windows_of(["a"], encoder), timeout=60)
    assert waiting.deadline is None
    EmbeddingLane(encoder, Cores(1)).admit(waiting)
    assert waiting.deadline is not None
    embedder = Embedder(encoder)
    assert embedder.job(["a"], timeout=5, waits=True).deadline is None
    assert embedder.job(["a"], timeout=5).deadline is not None
    embedder.close()


def test_what_is_given_up_by_all_ends_at_once() -> None:
    encoder = LetterCounter()
    embedder = Embedder(encoder)
    encoder.gate.clear()
    one = embedder.embed(["a"])
    assert encoder.entered.wait(20)
    embedder.abandon(one)
    assert one.future.cancelled()
    assert embedder.result(embedder.embed(["b"]))[0] == pytest.approx(unit("b"))
    assert encoder.batches == [["b"]]
    embedder.close()


def test_what_somebody_waits_for_is_not_interrupted() -> None:
    encoder = LetterCounter()
    lane = EmbeddingLane(encoder, Cores(1))
    jobs = [job(encoder, "a"), job(encoder, "b")]
    encoder.gate.clear()
    worker = threading.Thread(target=run, args=(lane, jobs))
    worker.start()
    assert encoder.entered.wait(20)
    jobs[0].future.cancel()
    lane.interrupt_if_over()
    encoder.gate.set()
    worker.join()
    assert jobs[1].future.result()[0] == pytest.approx(unit("b"))


def test_threads_and_tasks_get_their_own_vectors() -> None:
    embedder = Embedder(LetterCounter())
    found: dict[str, Vectors] = {}

    def work(number: int) -> None:
        for n in range(10):
            text = f"t{number}.{n}"
            found[text] = embedder.result(embedder.embed([text]))[0]

    async def task(number: int) -> None:
        for n in range(10):
            text = f"a{number}.{n}"
            found[text] = (await embedder.scheduler.arun(embedder.job([text])))[0]

    async def tasks() -> None:
        await asyncio.gather(*map(task, range(4)))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    asyncio.run(tasks())
    for thread in threads:
        thread.join()
    assert len(found) == 80
    for text, vector in found.items():
        assert vector == pytest.approx(unit(text))
    embedder.close()


def test_closing_ends_what_waits_frees_the_model_and_refuses_later_texts() -> None:
    encoder = LetterCounter()
    embedder = Embedder(encoder)
    encoder.gate.clear()
    jobs = [embedder.embed(["a" * 100]) for _ in range(30)]
    closing = threading.Thread(target=embedder.close)
    closing.start()
    while not embedder.is_closed:
        time.sleep(0.001)
    encoder.gate.set()
    closing.join()
    assert all(one.future.done() for one in jobs)
    assert any(isinstance(one.future.exception(), EngineError) for one in jobs)
    assert encoder.is_closed
    with pytest.raises(EngineError, match="closed"):
        embedder.embed(["a"])


def test_the_vectors_of_words_are_of_unit_length_and_nothing_is_evaluated() -> None:
    encoder = LetterCounter()
    embedder = Embedder(encoder)
    assert embedder.tokens_of("ab") == [97, 98]
    assert embedder.word_vectors[97][97] == 1
    assert not encoder.batches
    embedder.close()
    with pytest.raises(EngineError):
        embedder.tokens_of("ab")
