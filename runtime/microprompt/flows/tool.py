"""Functions of Python that flows call: checked on the way in and out, and ended by a flow's deadline."""

from __future__ import annotations

import copy
import functools
import inspect
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import copy_context
from dataclasses import dataclass
from inspect import BoundArguments
from typing import TYPE_CHECKING, Any, Final, Generic, ParamSpec, TypeVar, cast, overload

from .. import observed, running
from ..declared import add_note, checked_arguments, checked_value
from ..errors import ArgumentError, DeadlineExceeded, EngineError, FunctionFailed, MicropromptError
from ..given import given_for
from ..program import Parameter, types_of
from ..types import DeclaredType, OptionalType, kind
from ..types.base import short
from ..types.nothing import NothingType

if TYPE_CHECKING:
    from ..scheduling.jobs import Pending

P = ParamSpec("P")
R = TypeVar("R")

_NONE: Final = OptionalType(item=NothingType(record="None", depth=0))
"""The type of what is annotated `None`."""


@overload
def tool(function: Callable[P, Coroutine[Any, Any, R]], /) -> Tool[P, R]: ...
@overload
def tool(function: Callable[P, R], /) -> Tool[P, R]: ...
def tool(function: Callable[..., Any], /) -> Tool[..., Any]:
    """Let flows call a function of Python, which may be a coroutine function."""
    return Tool(function)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolTypes:
    """What a function of Python takes and gives, by its annotations."""

    name: str
    parameters: tuple[Parameter, ...]
    returns: DeclaredType


class Tool(Generic[P, R]):
    """A function of Python as a flow calls it.

    Arguments and what is returned are checked against the annotations. Each side has its own: what the
    function changes in a list, the flow does not see. Raises `FunctionFailed` for what the function raises,
    unless that is of `microprompt.errors`, and for what it should not return; `DeadlineExceeded` when the
    flow's time is over.

    In tasks, and where there is a deadline, the function runs on a thread of its own, where a function that
    never returns is left behind; the process may end meanwhile. A coroutine function runs on an event loop,
    and is cancelled.
    """

    def __init__(self, function: Callable[..., Any], /) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._name = function.__name__
        self._signature = inspect.signature(function)
        self._is_coroutine = inspect.iscoroutinefunction(function)

    @functools.cached_property
    def types(self) -> ToolTypes:
        """What it takes and gives. Raises `AbiError` if an annotation is missing or says no type."""
        parameters, returns = types_of(self._function, f"the function {self._name}", of_none=_NONE)
        return ToolTypes(name=self._name, parameters=parameters, returns=returns)

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """What the function returns."""
        with self._placed():
            bound = checked_arguments(self._signature, self.types, args, kwargs)
            with self._told(bound) as returned:
                returned.append(self._checked(self._called(bound)))
            return cast(R, returned[0])

    async def acall(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """What the function returns, without blocking the event loop."""
        with self._placed():
            bound = checked_arguments(self._signature, self.types, args, kwargs)
            with self._told(bound) as returned:
                returned.append(self._checked(await self._acalled(bound)))
            return cast(R, returned[0])

    def __reduce__(self) -> tuple[object, ...]:
        return Tool, (self._function,)

    def __repr__(self) -> str:
        return f"<function {self._name} of {self._function.__module__}, for flows>"

    def _called(self, bound: BoundArguments) -> object:
        if (answers := given_for(self)) is not None:
            return answers.take()
        from ..scheduling.jobs import wait  # not at the top: it loads asyncio
        from . import background

        if self._is_coroutine:
            return wait(background.begin(self._awaited(bound)))
        timeout = running.time_left(None)
        return self._run(bound) if timeout is None else wait(self._on_a_thread(bound, timeout))

    async def _acalled(self, bound: BoundArguments) -> object:
        if (answers := given_for(self)) is not None:
            return answers.take()
        if self._is_coroutine:
            return await self._awaited(bound)
        from ..scheduling.jobs import awaited  # not at the top: it loads asyncio

        return await awaited(self._on_a_thread(bound, running.time_left(None)))

    def _run(self, bound: BoundArguments) -> object:
        with self._failing():
            own = copy.deepcopy((bound.args, bound.kwargs))
            return self._function(*own[0], **own[1])

    async def _awaited(self, bound: BoundArguments) -> object:
        import asyncio  # not at the top: who uses it has it, and others do without

        try:
            async with asyncio.timeout(running.time_left(None)):
                with self._failing():
                    own = copy.deepcopy((bound.args, bound.kwargs))
                    return await self._function(*own[0], **own[1])
        except TimeoutError as error:
            if isinstance(error, MicropromptError):
                raise
            raise DeadlineExceeded("the call took longer than its timeout") from None

    def _on_a_thread(self, bound: BoundArguments, timeout: float | None) -> Pending[object]:
        """Begin to run the function, in the context of the caller."""
        from ..scheduling.jobs import Pending

        pending: Pending[object] = Pending(timeout=timeout)
        pending.begin()
        context = copy_context()

        def run() -> None:
            try:
                pending.succeed(context.run(self._run, bound))
            except BaseException as error:  # the caller is to have it, whatever it is
                pending.fail(error)

        try:
            # One that the process does not wait for when it ends.
            threading.Thread(target=run, name=f"microprompt-{self._name}", daemon=True).start()
        except RuntimeError as error:  # too many threads, or the process ends
            raise EngineError(f"no thread for the function {self._name}: {error}") from error
        return pending

    def _checked(self, value: object) -> object:
        """What the function has returned, as its annotation has it."""
        if self.types.returns is _NONE and value is not None:
            raise FunctionFailed(f"what {self._name} returns must be None, not {short(value)}")
        try:
            return copy.deepcopy(checked_value(kind(self.types.returns), value, f"what {self._name} returns"))
        except ArgumentError as error:
            raise FunctionFailed(error.message) from None

    @contextmanager
    def _told(self, bound: BoundArguments) -> Iterator[list[object]]:
        """Tell the call that is made in the block, as `running.function_called` says, and to who looks at
        calls. What a test gives is told to the flow alone."""
        is_seen = given_for(self) is None
        with (
            observed.function(self._function.__module__, self._name) if is_seen else nullcontext(),
            running.function_called(self.types, bound.arguments) as returned,
        ):
            yield returned

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Turn what the function raises in the block into an error of ours."""
        try:
            yield
        except MicropromptError:
            raise
        except (Exception, SystemExit) as error:
            said = f": {error}" if str(error) else ""
            raise FunctionFailed(f"{self._name} raised {type(error).__name__}{said}") from error

    @contextmanager
    def _placed(self) -> Iterator[None]:
        try:
            yield
        except MicropromptError as error:
            add_note(error, f"in function {self._name} of {self._function.__module__}")
            raise
