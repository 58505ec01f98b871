"""Prompt functions: what `@prompt(...)` makes of a generated `def`."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Generic, ParamSpec, TypeVar, cast

from . import abi, settings
from .answer import Answer
from .errors import ArgumentError, MicropromptError
from .values import check

if TYPE_CHECKING:
    from .engines.engine import Call, Engine
    from .explain import Explanation

P = ParamSpec("P")
R = TypeVar("R")


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
        with self._placed():
            return self._answer([self._call(args, kwargs)])[0]

    async def acall(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The answer, without blocking the event loop."""
        return await asyncio.to_thread(self.__call__, *args, **kwargs)

    def map(self, rows: Iterable[object]) -> list[R]:
        """The answers to many rows, in order.

        A row is the argument of a function with one parameter, a tuple of arguments, or a mapping from
        parameters to arguments.
        """
        return [answer.value for answer in self.map_detail(rows)]

    def map_detail(self, rows: Iterable[object]) -> Iterator[Answer[R]]:
        """As `map`, with details, streaming: a few rows are read, answered side by side, and given.

        Which rows run together depends only on their order.
        """
        from .engines.scheduler import MAX_BATCH

        source = iter(rows)
        while batch := list(islice(source, MAX_BATCH)):
            with self._placed():
                answers = self._answer([self._row_call(row) for row in batch])
            yield from answers

    def render(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """The exact text of the prompt."""
        with self._placed():
            return self._engine().render(self._call(args, kwargs))

    def explain(self) -> Explanation:
        """What a call costs and why: the prefix, the tail, the labels' trie, the plan of every field."""
        from .explain import explain

        with self._placed():
            return explain(self._engine(), self.program)

    def __repr__(self) -> str:
        return f"<prompt function {self.program.name} of {self.program.source}:{self.program.line}>"

    @contextmanager
    def _placed(self) -> Iterator[None]:
        """Let what is raised in the block name the prompt's line."""
        try:
            yield
        except MicropromptError as error:
            note = f"in prompt {self.program.name}, {self.program.source}:{self.program.line}"
            if note not in getattr(error, "__notes__", ()):
                error.add_note(note)
            raise

    def _engine(self) -> Engine:
        from .engines.loaded import engine_for

        return engine_for(self.program.using.model, self._folder)

    def _answer(self, calls: list[Call]) -> list[Answer[R]]:
        answers = []
        for result in self._engine().answer(calls):
            if isinstance(result, MicropromptError):
                raise result
            answers.append(cast(Answer[R], result))
        return answers

    def _call(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Call:
        from .engines.engine import Call

        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise ArgumentError(f"{self.program.name}: {error}") from None
        bound.apply_defaults()
        for parameter in self.program.parameters:
            value = bound.arguments[parameter.name]
            check(value, parameter.type, f"argument `{parameter.name}` of {self.program.name}")
        timeout = settings.current().timeout if self._timeout is None else self._timeout
        return Call(self.program, bound.arguments, timeout)

    def _row_call(self, row: object) -> Call:
        if isinstance(row, Mapping):
            return self._call((), row)
        return self._call(row if isinstance(row, tuple) else (row,), {})
