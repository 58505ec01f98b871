"""Texts on their way through a sentence embedder.

An embedder reads a text once and gives one vector; it writes nothing, so there is no cache, no prefix and
nothing that waits for its turn to go on. What is left of a lane is the batch: texts of many calls are
evaluated together, one of each call in turns, so that a call with a thousand texts does not keep one with a
single text waiting.

A text has to be in one batch as a whole, for each of its tokens sees all others, and embedders are trained on
sentences and paragraphs. So a longer text is cut into windows of equal length, each of which is embedded by
itself, and its embedding is the direction of the sum of theirs, each times its tokens. What a long text is
mostly about weighs most in it, wherever it stands; nothing is cut off. Only a text of whole books is refused,
which would take minutes and have no one subject.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import EngineError, PromptTooLong
from .backend import Interrupted
from .cores import Cores, Turns
from .jobs import Pending
from .lane import MAX_RUNNING

Vectors: TypeAlias = NDArray[np.float32]
"""Unit vectors, shape (texts, dimension)."""

EMBEDDING_BATCH_TOKENS: Final = 128
"""Tokens of several texts that are evaluated together. Larger batches cost as much a token, and every token
sees those of the other texts only to have them masked out."""


MAX_TEXT_TOKENS: Final = 1 << 16
"""The longest text that is embedded; half a minute on one core with MiniLM."""


class Encoder(Protocol):
    """A model that gives vectors of `dimension` numbers. Used by one thread at a time, but for `interrupt`
    and what only reads the vocabulary.

    A batch holds at most `n_sequences` texts of `n_tokens` together. Each stands between the tokens `before`
    and `after`, as the model was trained to see it.
    """

    name: str
    dimension: int
    n_sequences: int
    n_tokens: int
    before: tuple[int, ...]
    after: tuple[int, ...]

    def tokenize(self, text: str, *, control: bool) -> list[int]:
        """Token ids of a text by itself, without those that enclose it."""
        ...

    def word_vectors(self) -> NDArray[np.float32]:
        """What the model's first layer gets for each token, shape (tokens of the vocabulary, `dimension`).
        Raises `ModelError` where its file does not tell."""
        ...

    def encode(self, texts: Sequence[Sequence[int]], threads: int) -> Vectors:
        """The vector of each text, not yet of unit length. Raises `Interrupted` and `EngineError`."""
        ...

    def interrupt(self) -> None:
        """Have the batch that is encoded now end early. May be called by any thread."""
        ...

    def clone(self) -> Encoder:
        """Another one over the same weights. Raises `ModelError` without memory for it."""
        ...

    def close(self) -> None:
        """Free it, and the model with the last one."""
        ...


@dataclass(frozen=True, slots=True)
class Window:
    """A piece of a text: the text's place among those of its job, the tokens that are evaluated, and how many
    of them are the text's own."""

    text: int
    tokens: tuple[int, ...]
    weight: int


@dataclass(slots=True, eq=False, kw_only=True)
class EmbeddingJob(Pending[Vectors]):
    """Texts to embed, as windows in their order, of which `taken` have been in a batch; each text has one at
    least."""

    windows: Sequence[Window]
    taken: int = 0
    found: list[Vectors] = field(default_factory=list)


def windows_of(texts: Sequence[str], encoder: Encoder) -> list[Window]:
    """Each text's tokens in as few windows as hold them, all of nearly the same length. A text of no tokens
    is read as an empty line. Raises `PromptTooLong` for one of more than `MAX_TEXT_TOKENS`."""
    room = encoder.n_tokens - len(encoder.before) - len(encoder.after)
    windows = []
    for place, text in enumerate(texts):
        tokens = encoder.tokenize(text, control=False) or encoder.tokenize("\n", control=False)
        if len(tokens) > MAX_TEXT_TOKENS:
            raise PromptTooLong(
                f"a text has {len(tokens)} tokens; {encoder.name} embeds up to {MAX_TEXT_TOKENS}",
                parameter=None,
                tokens=len(tokens),
                room=MAX_TEXT_TOKENS,
                help="shorten it, or embed its chapters one by one",
            )
        count = max(1, -(-len(tokens) // room))
        for start, end in pairwise(len(tokens) * cut // count for cut in range(count + 1)):
            whole = (*encoder.before, *tokens[start:end], *encoder.after)
            windows.append(Window(place, whole, max(1, end - start)))
    return windows


class EmbeddingLane:
    """Embeds texts in batches; a scheduler's `Runner`: used by one thread, but for `interrupt_if_over`. Lanes
    with the same `cores` take turns at them.
    """

    def __init__(self, encoder: Encoder, cores: Cores) -> None:
        self.encoder = encoder
        self._cores = cores
        self._turns = Turns(cores, encoder.interrupt)
        self._running: deque[EmbeddingJob] = deque()

    @property
    def is_busy(self) -> bool:
        return bool(self._running)

    def wants(self, job: Pending[Any]) -> bool:
        """Whether another job may run beside those that are here."""
        return len(self._running) < MAX_RUNNING

    def admit(self, job: Pending[Any]) -> bool:
        """Start a job."""
        assert isinstance(job, EmbeddingJob)
        if not job.is_over():
            job.begin()
            self._running.append(job)
        return True

    def step(self, threads: int) -> None:
        """Evaluate one batch and give every job its part."""
        self._running = deque(job for job in self._running if not job.is_over())
        batch = self._next_batch()
        if not batch:
            return
        jobs = tuple(dict.fromkeys(job for job, _ in batch))
        try:
            with self._turns.taken(threads, jobs):
                vectors = _unit(self.encoder.encode([window.tokens for _, window in batch], threads))
        except Exception as error:  # also a defect of ours: it ends who had a part in the batch, not the lane
            for job in jobs:
                if not isinstance(error, Interrupted):  # who was interrupted is over already
                    job.fail(error)
                self._running.remove(job)
            return
        for (job, _), vector in zip(batch, vectors, strict=True):
            job.found.append(vector)
        for job in jobs:
            if len(job.found) == len(job.windows):
                self._running.remove(job)
                job.succeed(_joined(job.windows, job.found))

    def interrupt_if_over(self) -> None:
        """End the batch that runs now early if nobody waits for any of it."""
        self._turns.interrupt_if_over()

    def fail_all(self, error: BaseException) -> None:
        """End every job with an error."""
        for job in self._running:
            job.fail(error)
        self._running.clear()

    def clone(self) -> EmbeddingLane:
        """Another lane over the same weights. Raises `ModelError` without memory for it."""
        return EmbeddingLane(self.encoder.clone(), self._cores)

    def close(self) -> None:
        """Free the encoder, and the model with the last one."""
        self.encoder.close()

    def _next_batch(self) -> list[tuple[EmbeddingJob, Window]]:
        """The next window of each job in turns, as many as go into a batch; a longer one goes by itself."""
        room = min(EMBEDDING_BATCH_TOKENS, self.encoder.n_tokens)
        batch: list[tuple[EmbeddingJob, Window]] = []
        tokens = 0
        waiting = deque(self._running)
        while waiting and len(batch) < self.encoder.n_sequences:
            job = waiting.popleft()
            window = job.windows[job.taken]
            tokens += len(window.tokens)
            if batch and tokens > room:
                break
            batch.append((job, window))
            job.taken += 1
            if job.taken < len(job.windows):
                waiting.append(job)
        # Who did not get into this batch is the first in the next.
        self._running.rotate(-len({job for job, _ in batch}))
        return batch


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not lengths.all():
        raise EngineError("an embedding of zeros has no direction")
    unit: Vectors = vectors / lengths
    return unit


def _joined(windows: Sequence[Window], found: Sequence[Vectors]) -> Vectors:
    """The unit vector of each text, from those of its windows."""
    sums = np.zeros((windows[-1].text + 1, len(found[0])), dtype=np.float32)
    for window, vector in zip(windows, found, strict=True):
        sums[window.text] += window.weight * vector
    return _unit(sums)
