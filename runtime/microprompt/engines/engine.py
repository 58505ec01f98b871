"""An engine answers calls: it binds programs to a model's tokens and has the scheduler decode their plans."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Final

from .. import abi, settings
from ..answer import Answer, Usage
from ..errors import EngineError
from ..prompts.layout import Argument, Literal, hole_text
from ..scheduling.backend import Backend
from ..scheduling.decoding import Cursor, Decoding
from ..scheduling.lane import Job
from ..scheduling.program import TokenizedProgram
from ..scheduling.scheduler import Scheduler
from ..scheduling.slots import Decided
from .answer_cache import AnswerStore, from_text, key_of, to_text

NEAR_TIE: Final = 0.1
"""Log-probabilities that are closer may change places with the shape of a batch (decisions/0005)."""


@dataclass(frozen=True, slots=True)
class Call:
    """A program with checked arguments, all parameters by name; `timeout` in seconds, if there is one."""

    program: abi.Program
    arguments: Mapping[str, object]
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Speed:
    """What a token takes here, measured, in milliseconds: in a single call's batch, and in a full one."""

    call_ms: float
    batch_ms: float


class Engine:
    """Answers calls on one backend. Safe from several threads.

    `layout` is "plain" or "chat", as suits the model. `lanes` and `threads` are as in `Scheduler`.
    """

    speed: Speed | None = None
    """Known for models that have been prepared."""

    identity: str = ""
    """Stands for the weights and the version of what computes on them; without it no answers are kept."""

    def __init__(self, backend: Backend, *, layout: str = "plain", lanes: int = 1, threads: int = 1) -> None:
        if layout == "chat" and backend.template is None:
            raise EngineError(
                f"{backend.name} has no chat template that llama.cpp knows; use the plain layout"
            )
        self.backend = backend
        self.layout = layout
        self.scheduler = Scheduler(backend, lanes=lanes, threads=threads)
        self._bound: dict[int, TokenizedProgram] = {}
        self._answers: AnswerStore | None = None

    @property
    def name(self) -> str:
        """The model's name."""
        return self.backend.name

    def bind(self, program: abi.Program) -> TokenizedProgram:
        """The program in this model's tokens; bound at first use."""
        found = self._bound.get(id(program))
        if found is None:
            found = TokenizedProgram(program, self.backend, chat=self.layout == "chat")
            # `found` keeps the program alive, so its id stays its own.
            self._bound[id(program)] = found
        return found

    def render(self, call: Call) -> str:
        """The exact text of a call's prompt."""
        return "".join(
            segment.text
            if isinstance(segment, (Literal, Argument))
            else hole_text(call.program, segment, call.arguments)
            for segment in self.bind(call.program).prompt.segments
        )

    def submit(self, call: Call, *, waits: bool = False) -> Job[Answer[object]]:
        """Queue a call; `scheduler.result` waits for it. Raises `PromptTooLong` and `EngineError`.

        Its `timeout` counts from now; with `waits`, for calls of which many are queued, from when it starts.
        """
        job = self.job(call, waits=waits)
        self.scheduler.submit(job)
        return job

    def answer(self, call: Call) -> Answer[object]:
        """Answer a call."""
        return self.scheduler.result(self.submit(call))

    async def aanswer(self, call: Call) -> Answer[object]:
        """Answer a call without blocking the event loop."""
        return await self.scheduler.arun(self.job(call))

    def close(self) -> None:
        """Free the model. Calls afterwards fail."""
        self.scheduler.close()
        if self._answers is not None:
            self._answers.close()

    def job(self, call: Call, *, waits: bool = False) -> Job[Answer[object]]:
        """What the scheduler runs for a call. Raises `PromptTooLong`."""
        start = time.monotonic()
        bound = self.bind(call.program)
        question = bound.question(call.arguments)
        cells, most = bound.cells(len(question))

        def assemble(parts: Decided, near_tie: bool, cached: int, decoded: int) -> Answer[object]:
            whole = parts.get("")
            return Answer(
                value=bound.value(parts),
                confidence=prod(part.confidence for part in parts.values()),
                distribution=whole.distribution if whole else None,
                coverage=whole.coverage if whole else None,
                fields={} if whole else parts,
                near_tie=near_tie,
                usage=Usage(
                    prompt_tokens=len(bound.prefix) + len(question),
                    cached_tokens=cached,
                    decoded_tokens=decoded,
                ),
                seconds=time.monotonic() - start,
                model=self.name,
                returns=call.program.returns,
            )

        kept = self._kept_answers(bound)
        key = b"" if kept is None else key_of(bound, question, self.identity)

        def decode(cursor: Cursor, cached: int) -> Decoding[Answer[object]]:
            parts = yield from bound.decode(cursor, most)
            near_tie = bound.program.using.temperature == 0 and cursor.tally.margin < NEAR_TIE
            if kept is not None:
                kept.put(key, to_text(bound, parts, near_tie=near_tie))
            return assemble(parts, near_tie, cached, max(0, cursor.tally.decoded - len(question)))

        job = Job(
            prefix=bound.prefix,
            pending=question,
            cells=cells,
            most=most,
            sequences=1 + bound.answer.sequences,
            decode=decode,
            deadline=None if waits or call.timeout is None else start + call.timeout,
            timeout=call.timeout,
        )
        if kept is not None and (text := kept.get(key)) and (found := from_text(bound, text)):
            job.succeed(assemble(*found, cached=len(bound.prefix) + len(question), decoded=0))
        return job

    def _kept_answers(self, bound: TokenizedProgram) -> AnswerStore | None:
        """Where answers to this program are kept, if they are: not where chance decides."""
        using = bound.program.using
        if not self.identity or (using.temperature and using.seed is None):
            return None
        current = settings.current()
        if not current.answer_cache:
            return None
        if self._answers is None:
            self._answers = AnswerStore(current.home / "answers.sqlite")
        return self._answers
