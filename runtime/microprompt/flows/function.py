"""Flow functions: what `@flow` makes of a generated `def`, which calls prompts and has a form for tasks."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from types import CodeType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from .. import abi, observed, running
from ..answer import Answer, Usage
from ..declared import DeclaredFunction, add_note, checked_value
from ..errors import AbiError, ArgumentError, FlowFailed, MicropromptError
from ..gathering import Later
from ..given import given_for
from ..program import Parameter, said_of
from ..running import FlowPlace, Run
from ..trace import Trace
from ..types import DeclaredType, kind
from .tool import Tool

if TYPE_CHECKING:
    from ..scheduling.jobs import Answerer, Pending

P = ParamSpec("P")
R = TypeVar("R")
G = TypeVar("G", covariant=True)


def flow(signature: Callable[P, R], /) -> FlowFunction[P, R]:
    """Make a flow of a typed `def`; where it is written, `abi.Flow` says, and `in_tasks` adds its form for
    tasks."""
    return FlowFunction(signature)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowProgram(abi.Flow):
    """A flow: its signature beside what its module says of it."""

    name: str
    parameters: tuple[Parameter, ...]
    returns: DeclaredType


class FlowFunction(DeclaredFunction[P, R]):
    """A function that calls prompts, other flows and functions of Python.

    Safe to call from several threads and tasks. What a call of it raises is of `microprompt.errors`, with a
    note that names the flow's line; so has what the prompts raise that it calls. All its calls share one
    deadline, its `timeout`.

    It is pickled and copied as functions are: by its name.
    """

    _what = "flow"

    body: abi.Flow
    """Where the flow is written; a generated module sets it below the `def`."""

    def __init__(self, signature: Callable[P, R], /) -> None:
        super().__init__(signature)
        self._body: Callable[..., R] = signature
        self._in_tasks: Callable[..., Coroutine[Any, Any, R]] | None = None
        self._program: FlowProgram | None = None
        self._place: FlowPlace | None = None

    def in_tasks(self, form: Callable[P, Coroutine[Any, Any, R]], /) -> Callable[P, Coroutine[Any, Any, R]]:
        """Set the form for tasks, a coroutine function with the same parameters: for use as a decorator."""
        self._in_tasks = form
        return form

    @property
    def program(self) -> FlowProgram:
        """The types that the `def` is annotated with, and the body. Raises `AbiError` without a body."""
        if self._program is None:
            self._require_body()
            self._program = FlowProgram(**said_of(self._def, self.body, self._what))
        return self._program

    @property
    def calls(self) -> tuple[DeclaredFunction[..., Any] | Tool[..., Any], ...]:
        """The prompts, flows and functions of Python that its body names."""
        known = self._body.__globals__
        names = dict.fromkeys(name for code in _codes(self._body.__code__) for name in code.co_names)
        found = (known.get(name) for name in names)
        return tuple(each for each in found if isinstance(each, DeclaredFunction | Tool))

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """The flow's value."""
        value, _ = self._called(self._checked(args, kwargs))
        return value

    def detail(self, /, *args: P.args, **kwargs: P.kwargs) -> Answer[R]:
        """The value as an answer: as sure as the least sure of the prompts on its way, with what all of them
        cost."""
        arguments = self._checked(args, kwargs)
        return self._answer(arguments, *self._called(arguments, traced=True))

    def trace(self, /, *args: P.args, **kwargs: P.kwargs) -> Trace[R]:
        """The value, and each decision on its way with what answered it, how sure that was, and its time."""
        arguments = self._checked(args, kwargs)
        return self._trace(arguments, *self._called(arguments, traced=True))

    async def acall(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """The flow's value, without blocking the event loop. Cancelling the task cancels what it has
        begun."""
        value, _ = await self._acalled(self._checked(args, kwargs))
        return value

    async def adetail(self, /, *args: P.args, **kwargs: P.kwargs) -> Answer[R]:
        """As `detail`, without blocking the event loop."""
        arguments = self._checked(args, kwargs)
        return self._answer(arguments, *await self._acalled(arguments, traced=True))

    async def atrace(self, /, *args: P.args, **kwargs: P.kwargs) -> Trace[R]:
        """As `trace`, without blocking the event loop."""
        arguments = self._checked(args, kwargs)
        return self._trace(arguments, *await self._acalled(arguments, traced=True))

    def later(self, /, *args: P.args, **kwargs: P.kwargs) -> Later[R]:
        """The call, to be run beside others by `gather`."""
        return LaterFlow(self, self._checked(args, kwargs), lambda arguments, value, run: value)

    def later_detail(self, /, *args: P.args, **kwargs: P.kwargs) -> Later[Answer[R]]:
        """As `later`, with details."""
        return LaterFlow(self, self._checked(args, kwargs), self._answer, traced=True)

    def run_many(self, rows: Iterable[dict[str, object]], *, in_flight: int) -> Iterator[Answer[R]]:
        from . import background  # not at the top: the first call loads what calls run on

        async def one(arguments: dict[str, object]) -> Answer[R]:
            return self._answer(arguments, *await self.ran_in_tasks(arguments, traced=True))

        return background.run_many(map(one, rows), in_flight=in_flight)

    @contextmanager
    def placed(self) -> Iterator[None]:
        """Let what is raised in the block name the flow's line, unless it names one of its lines already."""
        try:
            yield
        except MicropromptError as error:
            here = str(self._where())
            if not any(note.startswith(here) for note in getattr(error, "__notes__", ())):
                add_note(error, f"{here}:{self.program.line}")
            raise

    async def ran_in_tasks(self, arguments: Mapping[str, object], *, traced: bool = False) -> tuple[R, Run]:
        """Run the flow with checked arguments, and let nobody know."""
        if (answers := given_for(self)) is not None:
            return self._given(answers.take(), arguments)
        if self._in_tasks is None:
            raise AbiError(
                f"the flow {self.__name__} has no form for tasks", help="add one with its `in_tasks`"
            )
        with self._observed(arguments) as told, self._run(traced) as run:
            value = await self._in_tasks(**arguments)
            return told(self._returned(value, arguments)), run

    # ---------------------------------------------------------------------------------------------- a run

    def _checked(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> dict[str, object]:
        with self.placed():
            return self.arguments(args, kwargs)

    def _called(self, arguments: dict[str, object], *, traced: bool = False) -> tuple[R, Run]:
        found = self._ran(arguments, traced=traced)
        self.tell(arguments, *found)
        return found

    async def _acalled(self, arguments: dict[str, object], *, traced: bool = False) -> tuple[R, Run]:
        found = await self.ran_in_tasks(arguments, traced=traced)
        self.tell(arguments, *found)
        return found

    def _ran(self, arguments: Mapping[str, object], *, traced: bool) -> tuple[R, Run]:
        if (answers := given_for(self)) is not None:
            return self._given(answers.take(), arguments)
        with self._observed(arguments) as told, self._run(traced) as run:
            value = self._body(**arguments)
            return told(self._returned(value, arguments)), run

    def _observed(self, arguments: Mapping[str, object]) -> AbstractContextManager[Callable[[R], R]]:
        return observed.flow(self.__module__, self.program, arguments)

    def _run(self, traced: bool) -> Run:
        return Run(self._where(), timeout=self.program.timeout, traced=traced)

    def _where(self) -> FlowPlace:
        if self._place is None:
            program = self.program
            forms = [self._body, self._in_tasks]
            codes = [code for form in forms if form is not None for code in _codes(form.__code__)]
            self._place = FlowPlace(
                name=program.name,
                source=program.source,
                line=program.line,
                lines=program.lines,
                codes=frozenset(codes),
            )
        return self._place

    def _returned(self, value: object, arguments: Mapping[str, object]) -> R:
        """What a run returns, checked. A list that was an argument is copied: the caller may append to what
        it is given."""
        declared = kind(self.program.returns).given(arguments)
        try:
            found = checked_value(declared, value, f"what {self.program.name} returns")
        except ArgumentError as error:
            raise FlowFailed(error.message) from None
        return cast(R, found.copy() if isinstance(found, list) else found)

    def _given(self, value: object, arguments: Mapping[str, object]) -> tuple[R, Run]:
        with self._run(traced=False) as run:
            return self._returned(value, arguments), run

    def tell(
        self,
        arguments: Mapping[str, object],
        value: R,
        run: Run,
        *,
        line: int | None = None,
        wave: int | None = None,
    ) -> None:
        """Tell the flow that has called this one what came of it, if that is traced."""
        running.tell(
            "flow",
            self.program,
            arguments,
            value,
            run.took,
            decisions=run.decisions or (),
            line=line,
            wave=wave,
        )

    def _trace(self, arguments: Mapping[str, object], value: R, run: Run) -> Trace[R]:
        program = self.program
        return Trace(
            value=value,
            arguments=arguments,
            decisions=tuple(run.decisions or ()),
            seconds=run.took,
            source=program.source,
            line=program.line,
            signature=program,
        )

    def _answer(self, arguments: Mapping[str, object], value: R, run: Run) -> Answer[R]:
        decisions = self._trace(arguments, value, run).walk()
        answers = [each.answer for each in decisions if each.answer is not None]
        found = Answer.whole(
            value,
            declared=kind(self.program.returns).given(arguments),
            confidence=min((answer.confidence for answer in answers), default=1.0),
            answered_by="flow",
            near_tie=any(answer.near_tie for answer in answers),
            usage=Usage.total(answer.usage for answer in answers),
            seconds=run.took,
            model="+".join(dict.fromkeys(answer.model for answer in answers)) or "none",
        )
        return cast(Answer[R], found)


class LaterFlow(Later[G]):
    """A call of a flow that has not begun."""

    def __init__(
        self,
        function: FlowFunction[..., Any],
        arguments: dict[str, object],
        take: Callable[[dict[str, object], Any, Run], G],
        *,
        traced: bool = False,
    ) -> None:
        """`take` is what `gather` gives of the arguments, the value and the run."""
        super().__init__()
        self._function = function
        self._arguments = arguments
        self._take = take
        self._traced = traced

    def begin(self) -> tuple[Answerer, Pending[tuple[Any, Run]]]:
        from . import background  # not at the top: the first wave of flows loads what it runs on

        return background.ANSWERER, background.begin(self.outcome())

    async def outcome(self) -> tuple[Any, Run]:
        return await self._function.ran_in_tasks(self._arguments, traced=self._traced)

    def placed(self) -> AbstractContextManager[None]:
        return self._function.placed()

    def given(self, outcome: tuple[Any, Run], wave: int) -> G:
        self._function.tell(self._arguments, *outcome, line=self.line, wave=wave)
        return self._take(self._arguments, *outcome)


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code, and that of what is written inside it: comprehensions have their own."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)
