"""An embedder gives texts vectors, on a scheduler of its own, as an engine gives calls answers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError
from ..scheduling.cores import Cores
from ..scheduling.embedding import EmbeddingJob, EmbeddingLane, Encoder, windows_of
from ..scheduling.jobs import Pending, deadline_of
from ..scheduling.scheduler import Scheduler

T = TypeVar("T")


class Embedder:
    """Gives each text a unit vector, near those of texts that are about the same. Safe from several threads.

    `threads` is how many cores it may use; embedders and engines with the same `cores` take turns at them. An
    embedder that nobody refers to any more is freed as if it had been closed.
    """

    identity: str = ""
    """Stands for the weights and the version of what computes on them."""

    def __init__(self, encoder: Encoder, *, threads: int = 1, cores: Cores | None = None) -> None:
        self.encoder = encoder
        self.scheduler = Scheduler(EmbeddingLane(encoder, cores or Cores(threads)), threads=threads)

    @property
    def name(self) -> str:
        """The model's name."""
        return self.encoder.name

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
        return self.encoder.dimension

    @property
    def is_closed(self) -> bool:
        return self.scheduler.is_closed

    def count_tokens(self, text: str) -> int:
        """The tokens that are evaluated for a text, with those that enclose it."""
        with self.scheduler.kept_open():
            return sum(len(window.tokens) for window in windows_of([text], self.encoder))

    def embed(
        self, texts: Sequence[str], *, timeout: float | None = None, waits: bool = False
    ) -> EmbeddingJob:
        """Queue texts: the result is their unit vectors, float32 of shape (len(texts), `dimension`).

        A text that is longer than what the model reads at once is cut into windows of equal length; its
        vector is the direction of the sum of theirs, each times its tokens. Nothing is cut off.

        `timeout`, in seconds, counts from now; with `waits`, for calls of which many are queued, from when it
        starts. Raises `EngineError` once the embedder is closed, `ArgumentError` for what is no text, and
        `PromptTooLong` for a text of more than 65,536 tokens.
        """
        job = self.job(texts, timeout=timeout, waits=waits)
        self.scheduler.submit(job)
        return job

    def job(
        self, texts: Sequence[str], *, timeout: float | None = None, waits: bool = False
    ) -> EmbeddingJob:
        """What the scheduler runs for texts; done at once if there are none."""
        deadline = deadline_of(timeout, waits=waits)
        if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
            raise ArgumentError("texts to embed are a sequence of `str`", help="for one text: [text]")
        with self.scheduler.kept_open():
            windows = windows_of(texts, self.encoder)
        job = EmbeddingJob(windows=windows, deadline=deadline, timeout=timeout)
        if not windows:
            job.succeed(np.empty((0, self.dimension), dtype=np.float32))
        return job

    def tokens_of(self, text: str) -> list[int]:
        """The tokens of a text by itself. Raises `EngineError` once the embedder is closed."""
        with self.scheduler.kept_open():
            return self.encoder.tokenize(text, control=False)

    @property
    def word_vectors(self) -> NDArray[np.float32]:
        """Of each token of the vocabulary the unit vector that the first layer gets, shape (tokens,
        `dimension`): what words mean, and nothing of what they mean together. Nothing is evaluated. Raises
        `ModelError` where the model's file does not tell them."""
        return self._word_vectors

    @cached_property
    def _word_vectors(self) -> NDArray[np.float32]:
        vectors = self.encoder.word_vectors()
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: NDArray[np.float32] = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
        return unit

    def result(self, pending: Pending[T], /) -> T:
        """Wait for what was queued. Raises what ended it."""
        return self.scheduler.result(pending)

    def abandon(self, pending: Pending[Any], /) -> None:
        """Give up what was queued; what is computed for nobody else ends at once."""
        self.scheduler.abandon(pending)

    def close(self) -> None:
        """Free the model. Calls afterwards fail."""
        self.scheduler.close()
