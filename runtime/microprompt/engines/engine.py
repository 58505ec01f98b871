"""An engine answers calls: it binds programs to a model's tokens and has the scheduler decode their plans."""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from .. import settings
from ..answer import Answer, Usage
from ..errors import EngineError
from ..explain import Explanation, Speed, explain
from ..heads.evidence import Readout
from ..program import Program
from ..prompts.layout import rendered
from ..prompts.tokenized import Passage
from ..scheduling.backend import FullBackend
from ..scheduling.cores import Cores
from ..scheduling.decoding import Cursor, Decoding
from ..scheduling.jobs import Job, Pending, deadline_of, run_many
from ..scheduling.lane_group import LaneGroup
from ..scheduling.program import TokenizedProgram
from ..scheduling.readouts import Pooled, read
from ..scheduling.sampling import NEAR_TIE
from ..scheduling.scheduler import Scheduler
from ..scheduling.slots import Decided, Said
from ..scheduling.trails import Trail
from .answer_cache import AnswerStore, from_text, key_of, to_text
from .base import Call

__all__ = ["NEAR_TIE", "Call", "Engine"]

T = TypeVar("T")

_ALONE: Final = {"own": False, "none": True}
"""By a readout's prefix, whether it reads the arguments without what the prompt says."""


class Engine:
    """The local engine: answers calls on one backend. Safe from several threads.

    `layout` is "plain" or "chat", as suits the model. `lanes` is how many threads may evaluate batches side
    by side, each with a cache, and `threads` how many cores they have together; engines with the same `cores`
    take turns at them. An engine that nobody refers to any more is freed as if it had been closed.
    """

    speed: Speed | None = None
    """Known for models that have been prepared."""

    identity: str = ""
    """Stands for the weights and the version of what computes on them; without it no answers are kept."""

    def __init__(
        self,
        backend: FullBackend,
        *,
        layout: str = "plain",
        lanes: int = 1,
        threads: int = 1,
        cores: Cores | None = None,
    ) -> None:
        _require_layout(backend, layout)
        self.backend = backend
        self.layout = layout
        self.scheduler = Scheduler(LaneGroup(backend, cores=cores), runners=lanes, threads=threads)
        self._bound: dict[int, TokenizedProgram] = {}
        self._answers: AnswerStore | None = None

    @property
    def name(self) -> str:
        """The model's name."""
        return self.backend.name

    @property
    def is_closed(self) -> bool:
        return self.scheduler.is_closed

    def bind(self, program: Program) -> TokenizedProgram:
        """The program in this model's tokens; bound at first use."""
        with self.scheduler.kept_open():
            found = self._bound.get(id(program))
            if found is None:
                layout = self._layout_of(program)
                _require_layout(self.backend, layout)
                found = TokenizedProgram(program, self.backend, chat=layout == "chat")
                # `found` keeps the program alive, so its id stays its own.
                self._bound[id(program)] = found
            return found

    def _layout_of(self, program: Program) -> str:
        return program.arrangement.layout or program.using.layout or self.layout

    def render(self, call: Call) -> str:
        """The exact text of a call's prompt."""
        return rendered(call.program, self.bind(call.program).prompt.segments, call.arguments)

    def explain(self, program: Program) -> Explanation:
        """What a call of a program costs and why; runs nothing on the model."""
        with self.scheduler.kept_open():
            layout = self._layout_of(program)
            return explain(self.bind(program), backend=self.backend, layout=layout, speed=self.speed)

    def submit(
        self,
        call: Call,
        *,
        waits: bool = False,
        said: Mapping[str, Said] | None = None,
        trail: Trail | None = None,
    ) -> Job[Answer[object]]:
        """Queue a call. Raises `PromptTooLong` and `EngineError`.

        Its `timeout` counts from now; with `waits`, for calls of which many are queued, from when it starts.
        `said` is what other evidence says of choices, by their dotted names ("" for a whole answer). The
        answer is looked for along a `trail`, and leaves one there.
        """
        job = self.job(call, waits=waits, said=said, trail=trail)
        self.scheduler.submit(job)
        return job

    def result(self, pending: Pending[T], /) -> T:
        """Wait for what was submitted. Raises what ended it."""
        return self.scheduler.result(pending)

    def abandon(self, pending: Pending[Any], /) -> None:
        """Give up what was submitted; what is computed for nobody else ends at once."""
        self.scheduler.abandon(pending)

    def run_many(self, calls: Iterable[Call], *, in_flight: int) -> Iterator[Answer[object]]:
        """The answers to many calls, in order. `calls` is read up to `in_flight` ahead."""
        return run_many(((self, self.submit(call, waits=True)) for call in calls), in_flight=in_flight)

    def answer(self, call: Call) -> Answer[object]:
        """Answer a call."""
        return self.result(self.submit(call))

    async def aanswer(self, call: Call) -> Answer[object]:
        """Answer a call without blocking the event loop."""
        return await self.scheduler.arun(self.job(call))

    def close(self) -> None:
        """Free the model. Calls afterwards fail."""
        self.scheduler.close()
        if self._answers is not None:
            self._answers.close()

    @property
    def exit_layer(self) -> int:
        """After how many layers a readout of this model reads, unless something better is known: half of
        them. What a text is stands most plainly in the middle: those layers beat the last one by 5 points on
        three tasks, and from half to two thirds of the way they are alike."""
        return max(1, self.backend.n_layers // 2)

    def passage(self, call: Call, reading: Readout) -> Passage:
        """What `read` reads; calls with equal passages, read behind one layer, have equal features.

        Raises `PromptTooLong`, and `ArgumentError` if the prompt has no arguments.
        """
        with self.scheduler.kept_open():
            return self.bind(call.program).prompt.passage(call.arguments, alone=_ALONE[reading.prefix])

    def read(self, call: Call, reading: Readout, *, waits: bool = False) -> Job[Pooled]:
        """Queue a readout of a call's arguments: the features of its hidden states, float32 of shape
        (2 * n_embd,). Nothing is answered. Raises and times out as `submit`, and raises what `passage` does.
        """
        job = self.reading(call, reading, waits=waits)
        self.scheduler.submit(job)
        return job

    def reading(self, call: Call, reading: Readout, *, waits: bool = False) -> Job[Pooled]:
        """What the scheduler runs for a readout. Raises `EngineError` if the model has no such layer."""
        deadline = deadline_of(call.timeout, waits=waits)
        if not 1 <= reading.layer < self.backend.n_layers:
            raise EngineError(
                f"{self.name} has {self.backend.n_layers} layers; nothing can be read behind layer "
                f"{reading.layer} before it ends",
                help="a readout that was fitted for another model does not fit this one",
            )
        passage = self.passage(call, reading)
        return Job(
            prefix=passage.prefix,
            pending=passage.tokens,
            expected_tokens=len(passage.tokens),
            max_sequences=1,
            decode=lambda cursor, _: read(cursor),
            exit=reading.layer,
            deadline=deadline,
            timeout=call.timeout,
        )

    def job(
        self,
        call: Call,
        *,
        waits: bool = False,
        said: Mapping[str, Said] | None = None,
        trail: Trail | None = None,
    ) -> Job[Answer[object]]:
        """What the scheduler runs for a call. Raises `PromptTooLong`."""
        start, deadline = time.monotonic(), deadline_of(call.timeout, waits=waits)
        with self.scheduler.kept_open():
            bound = self.bind(call.program)
            question = bound.question(call.arguments)
            state = bound.prompt.state(call.arguments)
            bound = bound.given(call.arguments)
        expected, most = bound.cells(len(question), state=len(state))
        prefix = bound.prefix + state

        def assemble(parts: Decided, near_tie: bool, cached: int, decoded: int) -> Answer[object]:
            return Answer.of(
                bound.value(parts),
                parts,
                declared=bound.plan.kind,
                near_tie=near_tie,
                usage=Usage(
                    prompt_tokens=len(prefix) + len(question),
                    cached_tokens=cached,
                    decoded_tokens=decoded,
                ),
                seconds=time.monotonic() - start,
                model=self.name,
            )

        # The key does not say what other evidence there was, nor which answers were refused.
        kept = None if said or trail else self._kept_answers(bound)
        key = b"" if kept is None else key_of(bound, (*state, *question), self.identity)

        def decode(cursor: Cursor, cached: int) -> Decoding[Answer[object]]:
            parts = yield from bound.decode(cursor, most, said, trail, call.listener)
            near_tie = bound.program.using.temperature == 0 and cursor.tally.margin < NEAR_TIE
            if kept is not None:
                kept.put(key, to_text(bound, parts, near_tie=near_tie))
            return assemble(parts, near_tie, cached, max(0, cursor.tally.decoded - len(question)))

        job = Job(
            prefix=prefix,
            ends_in_state=bool(state),
            pending=question,
            expected_tokens=expected,
            max_tokens=most,
            max_sequences=1 + bound.answer.sequences,
            decode=decode,
            drafts=bound.drafts,
            deadline=deadline,
            timeout=call.timeout,
        )
        if trail is None and (parts := bound.answer.settled()) is not None:
            job.succeed(assemble(parts, near_tie=False, cached=0, decoded=0))
        elif kept is not None and (text := kept.get(key)) and (found := from_text(bound, text)):
            answer = assemble(*found, cached=len(prefix) + len(question), decoded=0)
            job.succeed(replace(answer, is_kept=True))
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
            # An engine that is not closed must not leave the file open. At exit the system sees to that.
            weakref.finalize(self, self._answers.close).atexit = False
        return self._answers


def _require_layout(backend: FullBackend, layout: str) -> None:
    if layout == "chat" and backend.template is None:
        raise EngineError(f"{backend.name} has no chat template that llama.cpp knows; use the plain layout")
