"""The llama.cpp engine, which is also an Outlines model."""

from __future__ import annotations

import codecs
import copy
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import outlines.models
from outlines.backends.llguidance import LLGuidanceLogitsProcessor
from outlines.backends.outlines_core import OutlinesCoreLogitsProcessor
from outlines.inputs import Chat
from outlines.models.llamacpp import LlamaCppTokenizer, LlamaCppTypeAdapter
from outlines.processors import OutlinesLogitsProcessor
from outlines_core import Guide

from ..errors import ArgumentError, EngineError, PromptTooLong
from ..llamacpp.backend import LlamaCppBackend
from ..prompts.layout import Argument, Literal, Message
from ..scheduling.backend import Rows
from ..scheduling.decoding import Cursor, Decoding, Emit, Sampler, speak, write
from ..scheduling.lane import Job
from ..scheduling.slots.guided import USUAL_TOKENS
from .engine import Engine

Input: TypeAlias = str | Chat


class LlamaCppEngine(Engine, outlines.models.LlamaCpp):
    """Prompt functions and `outlines.Generator(engine, T)` run on the same scheduler, alone and batched.

    A prompt given as `str` is the exact text, control tokens included; a `Chat` goes through the model's chat
    template, and its contents are text only. Generation takes `max_tokens` (default: until the output type is
    complete, the model ends, or the context is full), `temperature` (default 0), `seed` and `timeout` in
    seconds.
    """

    def __init__(
        self, backend: LlamaCppBackend, *, layout: str = "plain", lanes: int = 1, threads: int = 1
    ) -> None:
        Engine.__init__(self, backend, layout=layout, lanes=lanes, threads=threads)
        self._set_up(backend)

    @classmethod
    def sharing(cls, engine: Engine) -> LlamaCppEngine:
        """An Outlines model on the scheduler of `engine`."""
        if not isinstance(engine.backend, LlamaCppBackend):
            raise ArgumentError(f"{engine.name} does not run on llama.cpp")
        twin = cls.__new__(cls)
        vars(twin).update(vars(engine))
        twin._set_up(engine.backend)
        return twin

    def _set_up(self, backend: LlamaCppBackend) -> None:
        # Outlines' own initialiser would read the whole vocabulary at once.
        self.llama = backend
        self.model = backend.weights  # type: ignore[assignment]  # has what Outlines reads of a `Llama`
        self.type_adapter = LlamaCppTypeAdapter(has_chat_template=False)

    @cached_property
    def tokenizer(self) -> LlamaCppTokenizer:  # type: ignore[override]  # read at first need, not at once
        return LlamaCppTokenizer(self.model)  # pyright: ignore[reportArgumentType]  # as above

    def generate(
        self, model_input: Input, output_type: OutlinesLogitsProcessor | None = None, **options: Any
    ) -> str:
        """Generate one text. Raises what `microprompt.errors` lists."""
        return self.generate_batch([model_input], output_type, **options)[0]

    def generate_batch(
        self, model_input: Sequence[Input], output_type: OutlinesLogitsProcessor | None = None, **options: Any
    ) -> list[str]:
        """Generate a text for each prompt, side by side, in order."""
        settings = _Options.read(options)
        jobs = [self._text_job(prompt, output_type, settings) for prompt in model_input]
        try:
            for job in jobs:
                self.scheduler.submit(job)
            return [self.scheduler.result(job) for job in jobs]
        finally:
            for job in jobs:
                self.scheduler.abandon(job)

    def generate_stream(
        self, model_input: Input, output_type: OutlinesLogitsProcessor | None = None, **options: Any
    ) -> Iterator[str]:
        """Generate one text, piece by piece as it is written. Closing the iterator stops the generation."""
        settings = _Options.read(options)
        pieces: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        job = self._text_job(model_input, output_type, settings, pieces.put)
        job.future.add_done_callback(lambda _: pieces.put(None))
        self.scheduler.submit(job)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        try:
            while (piece := pieces.get()) is not None:
                if text := decoder.decode(piece):
                    yield text
            job.future.result()
        finally:
            self.scheduler.abandon(job)

    def _text_job(
        self,
        prompt: Input,
        processor: OutlinesLogitsProcessor | None,
        settings: _Options,
        emit: Emit | None = None,
    ) -> Job[str]:
        tokens = self._prompt_tokens(prompt)
        room = self.llama.n_context - len(tokens)
        if room < 1:
            raise PromptTooLong(
                f"the prompt has {len(tokens)} tokens; the model's context holds {self.llama.n_context}",
                parameter=None,
                tokens=len(tokens),
                room=self.llama.n_context - 1,
                help="shorten the prompt, or load the model with a larger context",
            )
        budget = min(room, settings.max_tokens or room)
        # One seed for the job: if it is begun again, it writes the same text again.
        seed = np.random.SeedSequence(settings.seed).entropy
        listener = Listener(emit) if emit else None

        def decode(cursor: Cursor, _: int) -> Decoding[str]:
            tell = listener.from_the_start() if listener else None
            sampler = Sampler(settings.temperature, np.random.default_rng(seed))
            if isinstance(processor, LLGuidanceLogitsProcessor):
                matcher = self.llama.matcher(processor.grammar)
                text, _chance = yield from write(cursor, matcher, sampler, budget, tell)
            else:
                bias = _bias(processor)
                text = yield from speak(cursor, bias, sampler, budget, tell)
            return text.decode(errors="replace")

        return Job(
            prefix=(),
            pending=tokens,
            cells=len(tokens) + min(budget, USUAL_TOKENS),
            most=len(tokens) + budget,
            sequences=1,
            decode=decode,
            deadline=settings.deadline(),
        )

    def _prompt_tokens(self, prompt: Input) -> list[int]:
        if isinstance(prompt, str):
            return self.llama.start_tokens() + self.llama.tokenize(prompt, control=True)
        if self.llama.template is None:
            raise ArgumentError(f"{self.name} has no chat template", help="give the prompt as one `str`")
        turns = [
            Message(message["role"], (Argument(message["content"]),))
            for message in self.type_adapter.format_input(prompt)
        ]
        tokens = self.llama.start_tokens()
        for segment in self.llama.template(turns):
            assert isinstance(segment, (Literal, Argument))
            tokens += self.llama.tokenize(segment.text, control=isinstance(segment, Literal))
        return tokens


def _bias(processor: OutlinesLogitsProcessor | None) -> Callable[[Sequence[int], Rows], Rows]:
    """A logits processor as a function of one sequence; without one, the logits as they are."""
    if processor is None:
        return lambda _tokens, rows: rows
    if isinstance(processor, OutlinesCoreLogitsProcessor):
        return _core_bias(Guide(processor.index))
    # A processor keeps the state of the sequences it sees, so each sequence gets its own.
    own = copy.copy(processor)
    own.reset()  # type: ignore[no-untyped-call]  # Outlines leaves it so
    return lambda tokens, rows: own(np.array([tokens]), rows)


def _core_bias(guide: Guide) -> Callable[[Sequence[int], Rows], Rows]:
    """outlines-core's guide without its NumPy kernel, which needs numba."""
    started = False

    def bias(tokens: Sequence[int], rows: Rows) -> Rows:
        nonlocal started
        if started:
            guide.advance(tokens[-1], return_tokens=False)
        started = True
        masked = np.full_like(rows, -np.inf)
        allowed = guide.get_tokens()
        masked[:, allowed] = rows[:, allowed]
        return masked

    return bias


class Listener:
    """Who is told a text as it is written, each byte once, also if the writing begins again."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._told = bytearray()

    def from_the_start(self) -> Emit:
        """What takes the pieces of one writing. Raises `EngineError` if it differs from what was told."""
        written = bytearray()

        def tell(piece: bytes) -> None:
            written.extend(piece)
            fresh = bytes(written[len(self._told) :])
            if not (written.startswith(self._told) or self._told.startswith(written)):
                raise EngineError(
                    "a text had to be begun again for want of cache, and became another one",
                    help="give max_tokens, or load the model with a larger context",
                )
            if fresh:
                self._told.extend(fresh)
                self._emit(fresh)

        return tell


@dataclass(frozen=True, slots=True)
class _Options:
    max_tokens: int | None = None
    temperature: float = 0.0
    seed: int | None = None
    timeout: float | None = None

    @classmethod
    def read(cls, options: dict[str, Any]) -> _Options:
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(options) - known):
            raise ArgumentError(
                f"generation takes no option {unknown[0]!r}",
                help=f"the options are {', '.join(sorted(known))}",
            )
        return cls(**options)

    def deadline(self) -> float | None:
        return None if self.timeout is None else time.monotonic() + self.timeout
