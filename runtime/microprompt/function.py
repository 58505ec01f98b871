"""Prompt functions: what `@prompt` makes of a generated `def`, and `gather` for several calls."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final, Generic, ParamSpec, TypeVar, cast, overload

from . import abi, settings
from .answer import Answer
from .errors import AbiError, ArgumentError, MicropromptError
from .program import Program, program_of
from .types import kind

if TYPE_CHECKING:
    from .deciding.decider import Decider
    from .deciding.nested import NestedEngine
    from .engines.base import AnyEngine, Call
    from .explain import Explanation
    from .scheduling.jobs import Pending

P = ParamSpec("P")
R = TypeVar("R")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")

IN_FLIGHT: Final = 64
"""Rows of a `map` that are worked on at a time: enough to keep every lane's batches full."""


def prompt(signature: Callable[P, R]) -> PromptFunction[P, R]:
    """Give a typed `def` without a body the model as its body; how it is asked, `abi.Body` says."""
    return PromptFunction(signature)


@dataclass(frozen=True, slots=True)
class Later(Generic[R]):
    """A call of a prompt function that has not begun; `gather` runs it."""

    function: PromptFunction[..., R]
    call: Call


class PromptFunction(Generic[P, R]):
    """A function whose body is English and whose answer a local model gives.

    Safe to call from several threads. The model loads at the first call. Every method that runs the model
    raises the exceptions of `microprompt.errors`, with a note that names the prompt's line.

    It is pickled and copied as functions are: by its name.
    """

    # `self` is positional everywhere, so that a prompt's parameter may have this name too.

    __name__: str
    __qualname__: str

    body: abi.Body
    """How the model is asked; a generated module sets it below the `def`."""

    def __init__(self, signature: Callable[P, R], /, *, program: Program | None = None) -> None:
        """`program` is for functions that no compiler wrote; else it is made of the `def` and `body`."""
        self._def = signature
        self._program = program
        functools.update_wrapper(self, signature)
        self._signature = inspect.signature(signature)
        self._folder = Path(signature.__code__.co_filename).parent
        value = self._signature.return_annotation
        forms = {"__call__": value, "acall": value, "render": str}
        forms |= {"detail": Answer, "adetail": Answer, "later": Later}
        for name, returns in forms.items():
            setattr(self, name, _with_signature(self, name, signature, returns))

    @property
    def program(self) -> Program:
        """The types that the `def` is annotated with, and the body. Raises `AbiError` without a body."""
        if self._program is None:
            if not hasattr(self, "body"):
                raise AbiError(
                    f"the prompt {self.__name__} has no body",
                    help="write it in a .mp file, and compile that with `mpc build`",
                )
            self._program = program_of(self._def, self.body)
        return self._program

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """The answer."""
        return self.detail(*args, **kwargs).value

    def detail(self, /, *args: P.args, **kwargs: P.kwargs) -> Answer[R]:
        """The answer with its probability, the distribution over the labels, and what it cost."""
        with self.placed():
            engine = self.engine()
            return cast(Answer[R], engine.result(engine.submit(self._call(args, kwargs))))

    async def acall(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """The answer, without blocking the event loop. Cancelling the task cancels the call."""
        return (await self.adetail(*args, **kwargs)).value

    async def adetail(self, /, *args: P.args, **kwargs: P.kwargs) -> Answer[R]:
        """As `detail`, without blocking the event loop."""
        import asyncio  # not at the top: who uses it has it, and others do without

        with self.placed():
            call = self._call(args, kwargs)
            # Loading a model takes a while; once it is there, the thread costs more than the look.
            engine = self._loaded_engine()
            if engine is None:
                engine = await asyncio.to_thread(self.engine)
            return cast(Answer[R], await engine.aanswer(call))

    def later(self, /, *args: P.args, **kwargs: P.kwargs) -> Later[R]:
        """The call, to be answered beside others by `gather`."""
        with self.placed():
            return Later(self, self._call(args, kwargs))

    def map(self, rows: Iterable[object], *, in_flight: int = IN_FLIGHT) -> list[R]:
        """The answers to many rows, in order.

        A row is the argument of a function with one parameter, a tuple of arguments, or a mapping from
        parameters to arguments. Up to `in_flight` rows are worked on at a time; a row's `timeout` counts from
        when it starts to run. What a row raises has a note that names it, as in `rows[3]`.
        """
        return [answer.value for answer in self.map_detail(rows, in_flight=in_flight)]

    def map_detail(self, rows: Iterable[object], *, in_flight: int = IN_FLIGHT) -> Iterator[Answer[R]]:
        """As `map`, with details, streaming: rows are read as answers are taken, up to `in_flight` ahead."""
        with self.placed():
            if in_flight < 1:
                raise ArgumentError(f"in_flight = {in_flight} is not a whole number of at least 1")
            _check_rows(rows)
        return self._answers(rows, in_flight)

    def render(self, /, *args: P.args, **kwargs: P.kwargs) -> str:
        """The exact text of the prompt."""
        with self.placed():
            return self.engine().render(self._call(args, kwargs))

    def explain(self) -> Explanation:
        """What a call costs and why: the prefix, the tail, the labels' trie, the plan of every field."""
        with self.placed():
            return self.engine().explain(self.program)

    def __reduce__(self) -> str:
        return self.__qualname__

    def __repr__(self) -> str:
        body = self._program or getattr(self, "body", None)
        where = f"of {body.source}:{body.line}" if body else "without a body"
        return f"<prompt function {self.__name__} {where}>"

    @contextmanager
    def placed(self) -> Iterator[None]:
        """Let what is raised in the block name the prompt's line."""
        program = self.program
        try:
            yield
        except MicropromptError as error:
            _add_note(error, f"in prompt {program.name}, {program.source}:{program.line}")
            raise

    def engine(self) -> AnyEngine:
        """What answers: prompts in the body first, if there are any; the decider of the prompt, if it has
        choices or thresholds; else the engine, for which the model is loaded if it has to be."""
        if (nested := self.nested) is not None:
            return nested
        if (decider := self.decider) is not None and decider.decides:
            return decider
        from .engines.loaded import engine_for  # not at the top: engines load at the first call

        return engine_for(self.program.using.model, self._folder)

    @property
    def decider(self) -> Decider | None:
        """What decides the choices of the prompt; `None` if it has none, nor thresholds."""
        return self._decider if self.nested is None else self.nested.decider

    @cached_property
    def _decider(self) -> Decider | None:
        from .deciding.decider import decider_for  # not at the top: it is for those who call

        return decider_for(self.program, self._folder)

    @cached_property
    def nested(self) -> NestedEngine | None:
        """What answers a prompt whose body calls others; `None` for all others."""
        from .deciding.nested import nested_engine_for  # not at the top: it is for those who call

        return nested_engine_for(self.program, self._folder)

    @property
    def defaults(self) -> dict[str, object]:
        """The values of the parameters that a call may leave out, by name."""
        return {
            parameter.name: kind(parameter.type).check(
                self._signature.parameters[parameter.name].default,
                f"the default of `{parameter.name}` of {self.program.name}",
            )
            for parameter in self.program.parameters
            if not parameter.required
        }

    def call_with(self, arguments: Mapping[str, object]) -> Call:
        """A call with these arguments, by name. Raises `ArgumentError`."""
        return self._call((), arguments)

    def _loaded_engine(self) -> AnyEngine | None:
        if (nested := self.nested) is not None:
            return nested
        if (decider := self.decider) is not None and decider.decides:
            return decider
        from .engines.loaded import loaded_engine  # not at the top: engines load at the first call

        return loaded_engine(self.program.using.model, self._folder)

    def _answers(self, rows: Iterable[object], in_flight: int) -> Iterator[Answer[R]]:
        with self.placed():
            index = 0
            answers = self.engine().run_many(map(self._row_call, rows), in_flight=in_flight)
            try:
                for answer in answers:
                    yield cast(Answer[R], answer)
                    index += 1
            except MicropromptError as error:
                _add_note(error, f"in rows[{index}]")
                raise

    def _call(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Call:
        from .engines.base import Call  # not at the top: engines load at the first call

        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise ArgumentError(f"{self.program.name}: {error}") from None
        bound.apply_defaults()
        for parameter in self.program.parameters:
            where = f"argument `{parameter.name}` of {self.program.name}"
            declared = kind(parameter.type)
            value = declared.check(bound.arguments[parameter.name], where)
            for verdict in declared.verdicts(value, where):
                if verdict.assertion.required and verdict.problem is not None:
                    raise ArgumentError(f"{verdict.place} is not as asserted: {verdict.problem}")
            bound.arguments[parameter.name] = value
        own = self.program.using.timeout
        timeout = settings.current().timeout if own is None else own
        return Call(self.program, bound.arguments, timeout)

    def _row_call(self, row: object) -> Call:
        if isinstance(row, Mapping):
            return self._call((), row)
        return self._call(row if isinstance(row, tuple) else (row,), {})


def _with_signature(
    function: PromptFunction[Any, Any], name: str, signature: Callable[..., object], returns: object
) -> MethodType:
    """The method of that name with the parameters of the function's `def`, for those who look at them:
    editors, `help`, FastAPI.

    It is a copy of the class's method, bound as that one is: so it is pickled by name, and a coroutine
    function stays one.
    """
    shared: FunctionType = getattr(PromptFunction, name)
    own = FunctionType(shared.__code__, shared.__globals__, name, shared.__defaults__, shared.__closure__)
    functools.update_wrapper(own, shared)
    declared = inspect.signature(signature)
    bound_to = "self"
    while bound_to in declared.parameters:
        bound_to += "_"
    first = inspect.Parameter(bound_to, inspect.Parameter.POSITIONAL_ONLY)
    own.__signature__ = declared.replace(  # type: ignore[attr-defined]  # what `inspect` looks for
        parameters=[first, *declared.parameters.values()], return_annotation=returns
    )
    own.__annotations__ = {**signature.__annotations__, "return": returns}
    # Who evaluates annotations looks for their names where the wrapped function was written.
    own.__wrapped__ = signature  # type: ignore[attr-defined]  # as `functools.wraps` sets it
    return MethodType(own, function)


def _check_rows(rows: object) -> None:
    """Raise `ArgumentError` for what is not rows, though Python might well iterate over it."""
    kind = type(rows).__name__
    if isinstance(rows, str | bytes | bytearray):
        raise ArgumentError(f"rows are many, not one {kind}", help="for one row, give a list: [text]")
    if isinstance(rows, Mapping):
        raise ArgumentError(f"rows are many, not one {kind}", help="for one row, give a list: [row]")
    if isinstance(rows, set | frozenset):
        raise ArgumentError(
            f"a {kind} has no order, so it would not be known which answer is whose",
            help="give a list, as from sorted(...)",
        )
    if not isinstance(rows, Iterable):
        raise ArgumentError(f"rows must be an iterable, not {kind}")


def _add_note(error: BaseException, note: str) -> None:
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)


@overload
def gather(a: Later[A], /) -> tuple[A]: ...
@overload
def gather(a: Later[A], b: Later[B], /) -> tuple[A, B]: ...
@overload
def gather(a: Later[A], b: Later[B], c: Later[C], /) -> tuple[A, B, C]: ...
@overload
def gather(a: Later[A], b: Later[B], c: Later[C], d: Later[D], /) -> tuple[A, B, C, D]: ...
@overload
def gather(a: Later[A], b: Later[B], c: Later[C], d: Later[D], e: Later[E], /) -> tuple[A, B, C, D, E]: ...
@overload
def gather(
    a: Later[A], b: Later[B], c: Later[C], d: Later[D], e: Later[E], f: Later[F], /
) -> tuple[A, B, C, D, E, F]: ...
@overload
def gather(*calls: Later[R]) -> tuple[R, ...]: ...
def gather(*calls: Later[Any]) -> tuple[Any, ...]:
    """The values of several calls, in order, whose tokens share batches, as in
    `gather(classify.later(text), is_urgent.later(text))`.

    The functions may use different models. Raises what ended the first call that failed, with a note that
    names its prompt's line; the others are cancelled. In tasks, `asyncio.gather(classify.acall(text),
    is_urgent.acall(text))` does the same.
    """
    return tuple(answer.value for answer in gather_details(calls))


def gather_details(calls: tuple[Later[R], ...]) -> list[Answer[R]]:
    """As `gather`, with details."""
    from .scheduling.jobs import run_many  # not at the top: the first call loads what calls run on

    running = run_many(map(_submitted, calls), in_flight=max(1, len(calls)))
    answers: list[Answer[R]] = []
    for later in calls:
        with later.function.placed():
            answers.append(cast("Answer[R]", next(running)))
    return answers


def _submitted(later: Later[Any]) -> tuple[AnyEngine, Pending[Answer[object]]]:
    with later.function.placed():
        engine = later.function.engine()
        return engine, engine.submit(later.call)
