"""What prompt functions and flows have in common: a generated `def` that says the types, and in how many ways
it can be called."""

from __future__ import annotations

import functools
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from types import FunctionType, MethodType
from typing import Any, ClassVar, Final, Generic, ParamSpec, Protocol, TypeVar

from . import abi
from .answer import Answer
from .errors import AbiError, ArgumentError, MicropromptError
from .gathering import Later
from .program import Signature
from .running import IN_FLIGHT
from .trace import Trace
from .types import AnyKind, kind

P = ParamSpec("P")
R = TypeVar("R")


class DeclaredProgram(Signature, Protocol):
    """A function of the language: what it takes and gives, where it is written, and how it is tested."""

    @property
    def source(self) -> str: ...

    @property
    def line(self) -> int: ...

    @property
    def tests(self) -> tuple[abi.Example, ...]: ...

    @property
    def tests_from(self) -> tuple[abi.TestsFrom, ...]: ...


_FORMS: Final = {
    **dict.fromkeys(("__call__", "acall")),
    **dict.fromkeys(("detail", "adetail"), Answer),
    **dict.fromkeys(("later", "later_detail"), Later),
    **dict.fromkeys(("trace", "atrace"), Trace),
    "render": str,
}
"""The methods that have the parameters of the `def`, each with what it returns if that is not the function's
value."""


class DeclaredFunction(ABC, Generic[P, R]):
    """A function of the language. Safe to call from several threads.

    Every method that runs it raises the exceptions of `microprompt.errors`, with a note that names its line.
    It is pickled and copied as functions are: by its name.
    """

    # `self` is positional everywhere, so that a function's parameter may have this name too.

    _what: ClassVar[str]
    """What messages call a function of this kind."""

    __name__: str
    __qualname__: str

    def __init__(self, signature: Callable[P, R], /) -> None:
        self._def = signature
        functools.update_wrapper(self, signature)
        self._signature = inspect.signature(signature)
        value = self._signature.return_annotation
        for name, returns in _FORMS.items():
            if hasattr(type(self), name):
                setattr(self, name, _with_signature(self, name, returns or value))

    @property
    @abstractmethod
    def program(self) -> DeclaredProgram:
        """What a generated module says of the function. Raises `AbiError` where it says nothing."""

    @abstractmethod
    def placed(self) -> AbstractContextManager[object]:
        """Let what is raised in the block name the function's line."""

    @abstractmethod
    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """The answer."""

    @abstractmethod
    async def acall(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """The answer, without blocking the event loop. Cancelling the task cancels the call."""

    @abstractmethod
    def detail(self, /, *args: P.args, **kwargs: P.kwargs) -> Answer[R]:
        """The answer with what else there is to say of it."""

    @abstractmethod
    async def adetail(self, /, *args: P.args, **kwargs: P.kwargs) -> Answer[R]:
        """As `detail`, without blocking the event loop."""

    @abstractmethod
    def later(self, /, *args: P.args, **kwargs: P.kwargs) -> Later[R]:
        """The call, to be answered beside others by `gather`."""

    @abstractmethod
    def later_detail(self, /, *args: P.args, **kwargs: P.kwargs) -> Later[Answer[R]]:
        """As `later`, with details."""

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

    @abstractmethod
    def run_many(self, rows: Iterable[dict[str, object]], *, in_flight: int) -> Iterator[Answer[R]]:
        """The answers to many rows of checked arguments, in order. `rows` is read up to `in_flight` ahead."""

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

    def arguments(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> dict[str, object]:
        """The arguments of a call by name, all of them, checked. Raises `ArgumentError`."""
        return checked_arguments(self._signature, self.program, args, kwargs).arguments

    def _require_body(self) -> None:
        """Raise `AbiError` if no generated module has said more of the function than its `def` does."""
        if not hasattr(self, "body"):
            raise AbiError(
                f"the {self._what} {self.__name__} has no body",
                help="write it in a .mp file, and compile that with `mpc build`",
            )

    def __reduce__(self) -> str | tuple[Any, ...]:
        return self.__qualname__

    def __repr__(self) -> str:
        said = getattr(self, "_program", None) or getattr(self, "body", None)
        where = f"of {said.source}:{said.line}" if said else "without a body"
        return f"<{self._what} function {self.__name__} {where}>"

    def _answers(self, rows: Iterable[object], in_flight: int) -> Iterator[Answer[R]]:
        with self.placed():
            index = 0
            answers = self.run_many(map(self._row_arguments, rows), in_flight=in_flight)
            try:
                for answer in answers:
                    yield answer
                    index += 1
            except MicropromptError as error:
                add_note(error, f"in rows[{index}]")
                raise

    def _row_arguments(self, row: object) -> dict[str, object]:
        if isinstance(row, Mapping):
            return self.arguments((), row)
        return self.arguments(row if isinstance(row, tuple) else (row,), {})


def checked_arguments(
    signature: inspect.Signature, types: Signature, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> inspect.BoundArguments:
    """The arguments of a call, each as its type has it; defaults are among them.

    Raises `ArgumentError` for one that is missing, unknown, not of its type or not as its records assert.
    """
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise ArgumentError(f"{types.name}: {error}") from None
    bound.apply_defaults()
    for parameter in types.parameters:
        where = f"argument `{parameter.name}` of {types.name}"
        bound.arguments[parameter.name] = checked_value(
            kind(parameter.type), bound.arguments[parameter.name], where
        )
    return bound


def checked_value(declared: AnyKind, value: object, where: str) -> object:
    """A value as its type has it. Raises `ArgumentError` if it is not of the type, or not as its records
    assert."""
    value = declared.check(value, where)
    for verdict in declared.verdicts(value, where):
        if verdict.assertion.required and verdict.problem is not None:
            raise ArgumentError(f"{verdict.place} is not as asserted: {verdict.problem}")
    return value


def add_note(error: BaseException, note: str) -> None:
    """Add a note to an exception, unless it has it."""
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)


def _with_signature(function: DeclaredFunction[..., Any], name: str, returns: object) -> MethodType:
    """The method of that name with the parameters of the function's `def`, for those who look at them:
    editors, `help`, FastAPI.

    It is a copy of the class's method, bound as that one is: so it is pickled by name, and a coroutine
    function stays one.
    """
    shared: FunctionType = getattr(type(function), name)
    own = FunctionType(shared.__code__, shared.__globals__, name, shared.__defaults__, shared.__closure__)
    functools.update_wrapper(own, shared)
    declared = function._signature
    bound_to = "self"
    while bound_to in declared.parameters:
        bound_to += "_"
    first = inspect.Parameter(bound_to, inspect.Parameter.POSITIONAL_ONLY)
    own.__signature__ = declared.replace(  # type: ignore[attr-defined]  # what `inspect` looks for
        parameters=[first, *declared.parameters.values()], return_annotation=returns
    )
    own.__annotations__ = {**function._def.__annotations__, "return": returns}
    # Who evaluates annotations looks for their names where the wrapped function was written.
    own.__wrapped__ = function._def  # type: ignore[attr-defined]  # as `functools.wraps` sets it
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
