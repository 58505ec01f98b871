"""An engine on llama.cpp as an Outlines model."""

from __future__ import annotations

import codecs
import copy
import queue
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

from ..errors import ArgumentError, PromptTooLong
from ..llamacpp.backend import LlamaCppBackend
from ..llamacpp.weights import Weights
from ..prompts.layout import Argument, Literal, Message
from ..scheduling.backend import Rows
from ..scheduling.decoding import Cursor, Decoding
from ..scheduling.jobs import Job, deadline_of, run_many
from ..scheduling.lane_group import LaneGroup
from ..scheduling.sampling import Sampler
from ..scheduling.scheduler import Scheduler
from ..scheduling.slots.guided import USUAL_TOKENS
from ..scheduling.writing import Emit, speak, write
from .engine import Engine

Input: TypeAlias = str | Chat


class OutlinesModel(outlines.models.LlamaCpp):
    """An engine as Outlines sees it: `outlines.Generator(model, T)` runs on the scheduler that prompt
    functions run on, alone, batched and streamed.

    A prompt given as `str` is the exact text, control tokens included; a `Chat` goes through the model's chat
    template, and its contents are text only. Generation takes `max_tokens` (default: until the output type is
    complete, the model ends, or the context is full), `temperature` (default 0), `seed` and `timeout` in
    seconds.

    Raises `ArgumentError` for an engine that does not run on llama.cpp.
    """

    def __init__(self, engine: Engine) -> None:
        if not isinstance(engine.backend, LlamaCppBackend):
            raise ArgumentError(f"{engine.name} does not run on llama.cpp")
        # Outlines' own initialiser would read the whole vocabulary at once.
        self.engine = engine
        self._weights = engine.backend.weights
        self.type_adapter = LlamaCppTypeAdapter(has_chat_template=False)

    @property
    def name(self) -> str:
        """The model's name."""
        return self.engine.name

    def close(self) -> None:
        """Close the engine, also for the prompt functions that use it; their next call loads it again."""
        self.engine.close()

    @property
    def model(self) -> Weights:  # type: ignore[override]  # has what Outlines reads of a `Llama`
        """The vocabulary. Raises `EngineError` once the engine is closed."""
        self.engine.scheduler.refuse()
        return self._weights

    @cached_property
    def tokenizer(self) -> LlamaCppTokenizer:  # type: ignore[override]  # read at first need, not at once
        with self.engine.scheduler.kept_open():
            return LlamaCppTokenizer(self.model)  # type: ignore[arg-type]  # it has what a `Llama` has

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
        return list(run_many(map(self._submitted, jobs), in_flight=len(jobs)))

    def generate_stream(
        self, model_input: Input, output_type: OutlinesLogitsProcessor | None = None, **options: Any
    ) -> Iterator[str]:
        """Generate one text, piece by piece as it is written. Closing the iterator stops the generation."""
        settings = _Options.read(options)
        pieces: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        job = self._text_job(model_input, output_type, settings, pieces.put)
        job.future.add_done_callback(lambda _: pieces.put(None))
        scheduler, _ = self._submitted(job)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        try:
            while (piece := pieces.get()) is not None:
                if text := decoder.decode(piece):
                    yield text
            job.future.result()
        finally:
            scheduler.abandon(job)

    def _submitted(self, job: Job[str]) -> tuple[Scheduler[LaneGroup], Job[str]]:
        self.engine.scheduler.submit(job)
        return self.engine.scheduler, job

    def _text_job(
        self,
        prompt: Input,
        processor: OutlinesLogitsProcessor | None,
        settings: _Options,
        emit: Emit | None = None,
    ) -> Job[str]:
        backend = self.engine.backend
        tokens = self._prompt_tokens(prompt)
        room = backend.n_context - len(tokens)
        if room < 1:
            raise PromptTooLong(
                f"the prompt has {len(tokens)} tokens; the model's context holds {backend.n_context}",
                parameter=None,
                tokens=len(tokens),
                room=backend.n_context - 1,
                help="shorten the prompt, or load the model with a larger context",
            )
        budget = min(room, settings.max_tokens or room)

        def decode(cursor: Cursor, _: int) -> Decoding[str]:
            sampler = Sampler(settings.temperature, np.random.default_rng(settings.seed))
            if isinstance(processor, LLGuidanceLogitsProcessor):
                matcher = backend.matcher(processor.grammar)
                text = (yield from write(cursor, matcher, sampler, budget, emit)).text
            else:
                bias = _bias(processor)
                text = (yield from speak(cursor, sampler, budget, bias=bias, emit=emit)).text
            return text.decode(errors="replace")

        return Job(
            prefix=(),
            pending=tokens,
            expected_tokens=len(tokens) + min(budget, USUAL_TOKENS),
            max_tokens=len(tokens) + budget,
            max_sequences=1,
            decode=decode,
            deadline=deadline_of(settings.timeout),
        )

    def _prompt_tokens(self, prompt: Input) -> list[int]:
        backend = self.engine.backend
        with self.engine.scheduler.kept_open():
            if isinstance(prompt, str):
                return backend.start_tokens() + backend.tokenize(prompt, control=True)
            if backend.template is None:
                raise ArgumentError(f"{self.name} has no chat template", help="give the prompt as one `str`")
            turns = [
                Message(message["role"], (Argument(message["content"]),))
                for message in self.type_adapter.format_input(prompt)
            ]
            tokens = backend.start_tokens()
            for segment in backend.template(turns):
                assert isinstance(segment, (Literal, Argument))
                tokens += backend.tokenize(segment.text, control=isinstance(segment, Literal))
            return tokens


def _bias(processor: OutlinesLogitsProcessor | None) -> Callable[[Sequence[int], Rows], Rows] | None:
    """A logits processor as a function of one sequence."""
    if processor is None:
        return None
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
