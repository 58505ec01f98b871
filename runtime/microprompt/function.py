"""Prompt functions: what `@prompt(...)` makes of a generated `def`."""

from __future__ import annotations

import functools
import inspect
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, ParamSpec, TypeVar, cast

from . import abi, settings
from .answer import Answer
from .errors import ArgumentError, MicropromptError
from .gathering import Later
from .types import kind

if TYPE_CHECKING:
    from .engines.engine import Call, Engine
    from .explain import Explanation
    from .scheduling.lane import Job

P = ParamSpec("P")
R = TypeVar("R")

IN_FLIGHT: Final = 64
"""Rows of a `map` that are worked on at a time: enough to keep every lane's batches full."""


def prompt(program: abi.Program) -> Callable[[Callable[P, R]], PromptFunction[P, R]]:
    """Give a typed `def` without a body the model as its body."""

    def wrap(signature: Callable[P, R]) -> PromptFunction[P, R]:
        return PromptFunction(program, signature)

    return wrap


class PromptFunction(Generic[P, R]):
    """A function whose body is English and whose answer a local model gives.

    Safe to call from several threads. The model loads at the first call. Every method that runs the model
    raises the exceptions of `microprompt.errors`, with a note that names the prompt's line.
    """

    __name__: str

    def __init__(self, program: abi.Program, signature: Callable[P, R]) -> None:
        self.program = program
        functools.update_wrapper(self, signature)
        self._signature = inspect.signature(signature)
        self._folder = Path(signature.__code__.co_filename).parent
        self._timeout = program.using.timeout

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The answer."""
        return self.detail(*args, **kwargs).value

    def detail(self, *args: P.args, **kwargs: P.kwargs) -> Answer[R]:
        """The answer with its probability, the distribution over the labels, and what it cost."""
        with self.placed():
            return cast(Answer[R], self.engine().answer(self._call(args, kwargs)))

    async def acall(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The answer, without blocking the event loop. Cancelling the task cancels the call."""
        return (await self.adetail(*args, **kwargs)).value

    async def adetail(self, *args: P.args, **kwargs: P.kwargs) -> Answer[R]:
        """As `detail`, without blocking the event loop."""
        import asyncio  # not at the top: who uses it has it, and others do without

        with self.placed():
            call = self._call(args, kwargs)
            # Loading a model takes a while; once it is there, the thread costs more than the look.
            engine = self._loaded_engine()
            if engine is None:
                engine = await asyncio.to_thread(self.engine)
            return cast(Answer[R], await engine.aanswer(call))

    def later(self, *args: P.args, **kwargs: P.kwargs) -> Later[R]:
        """The call, to be answered beside others by `gather`."""
        with self.placed():
            return Later(self, self._call(args, kwargs))

    def map(self, rows: Iterable[object], *, in_flight: int = IN_FLIGHT) -> list[R]:
        """The answers to many rows, in order.

        A row is the argument of a function with one parameter, a tuple of arguments, or a mapping from
        parameters to arguments. Up to `in_flight` rows are worked on at a time; a row's `timeout` counts from
        when it starts to run.
        """
        return [answer.value for answer in self.map_detail(rows, in_flight=in_flight)]

    def map_detail(self, rows: Iterable[object], *, in_flight: int = IN_FLIGHT) -> Iterator[Answer[R]]:
        """As `map`, with details, streaming: rows are read as answers are taken, up to `in_flight` ahead."""
        with self.placed():
            if in_flight < 1:
                raise ArgumentError(f"in_flight = {in_flight} is not a whole number of at least 1")
            engine = self.engine()
            jobs: deque[Job[Answer[object]]] = deque()
            bad_row: MicropromptError | None = None
            try:
                for row in rows:
                    try:
                        jobs.append(engine.submit(self._row_call(row), waits=True))
                    except MicropromptError as error:
                        bad_row = error  # raised in its turn
                        break
                    while jobs and (len(jobs) >= in_flight or jobs[0].future.done()):
                        yield cast(Answer[R], engine.scheduler.result(jobs.popleft()))
                while jobs:
                    yield cast(Answer[R], engine.scheduler.result(jobs.popleft()))
                if bad_row is not None:
                    raise bad_row
            finally:
                for job in jobs:
                    engine.scheduler.abandon(job)

    def render(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """The exact text of the prompt."""
        with self.placed():
            return self.engine().render(self._call(args, kwargs))

    def explain(self) -> Explanation:
        """What a call costs and why: the prefix, the tail, the labels' trie, the plan of every field."""
        from .explain import explain

        with self.placed():
            return explain(self.engine(), self.program)

    def __repr__(self) -> str:
        return f"<prompt function {self.program.name} of {self.program.source}:{self.program.line}>"

    @contextmanager
    def placed(self) -> Iterator[None]:
        """Let what is raised in the block name the prompt's line."""
        try:
            yield
        except MicropromptError as error:
            note = f"in prompt {self.program.name}, {self.program.source}:{self.program.line}"
            if note not in getattr(error, "__notes__", ()):
                error.add_note(note)
            raise

    def engine(self) -> Engine:
        """The engine that answers; loads the model if it has to."""
        from .engines.loaded import engine_for

        return engine_for(self.program.using.model, self._folder)

    def _loaded_engine(self) -> Engine | None:
        from .engines.loaded import loaded_engine

        return loaded_engine(self.program.using.model, self._folder)

    def _call(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Call:
        from .engines.engine import Call

        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise ArgumentError(f"{self.program.name}: {error}") from None
        bound.apply_defaults()
        for parameter in self.program.parameters:
            where = f"argument `{parameter.name}` of {self.program.name}"
            value = bound.arguments[parameter.name]
            bound.arguments[parameter.name] = kind(parameter.type).check(value, where)
        timeout = settings.current().timeout if self._timeout is None else self._timeout
        return Call(self.program, bound.arguments, timeout)

    def _row_call(self, row: object) -> Call:
        if isinstance(row, Mapping):
            return self._call((), row)
        return self._call(row if isinstance(row, tuple) else (row,), {})
