"""Prompt functions: what `@prompt` makes of a generated `def`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from dataclasses import replace
from functools import cached_property
from operator import attrgetter, methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from . import abi, observed, running, settings
from .answer import Answer
from .declared import DeclaredFunction, add_note
from .errors import ArgumentError, MicropromptError
from .gathering import Later
from .given import given_for
from .observed import ObservedEngine
from .program import Program, program_of
from .prompts.states import can_be_state

if TYPE_CHECKING:
    from .deciding.decider import Decider
    from .deciding.nested import NestedEngine
    from .engines.base import AnyEngine, Call
    from .explain import Explanation
    from .scheduling.jobs import Answerer, Pending

P = ParamSpec("P")
R = TypeVar("R")
G = TypeVar("G", covariant=True)


def prompt(signature: Callable[P, R]) -> PromptFunction[P, R]:
    """Give a typed `def` without a body the model as its body; how it is asked, `abi.Body` says."""
    return PromptFunction(signature)


class LaterPrompt(Later[G]):
    """A call of a prompt function that has not begun."""

    def __init__(
        self,
        function: PromptFunction[..., Any],
        arguments: Mapping[str, object],
        take: Callable[[Answer[Any]], G],
    ) -> None:
        """`take` is what `gather` gives of the answer."""
        super().__init__()
        self.function = function
        self._arguments = arguments
        self._take = take

    def begin(self) -> tuple[Answerer, Pending[Answer[object]]]:
        with self.function.placed():
            engine = self.function.asked()
            return engine, engine.submit(self._call())

    async def outcome(self) -> Answer[Any]:
        with self.function.placed():
            call = self._call()
        return await self.function.answered(call)

    def _call(self) -> Call:
        """The call with the time that is left now: in a long wave, less than for the first ones."""
        return self.function._asked(self._arguments)

    def over(self, state: object) -> Later[G] | None:
        if given_for(self.function) is not None:
            return self  # no model reads it
        for name, value in self._arguments.items():
            if value is state or (type(value) is type(state) and value == state):
                found = copy(self)
                found.function = self.function.over(name)
                return found
        return None

    def placed(self) -> AbstractContextManager[None]:
        return self.function.placed()

    def given(self, outcome: Answer[Any], wave: int) -> G:
        _told(self.function.program, self._arguments, outcome, line=self.line, wave=wave)
        return self._take(outcome)


class PromptFunction(DeclaredFunction[P, R]):
    """A function whose body is English and whose answer a local model gives.

    Safe to call from several threads. The model loads at the first call. Every method that runs the model
    raises the exceptions of `microprompt.errors`, with a note that names the prompt's line.

    It is pickled and copied as functions are: by its name.
    """

    _what = "prompt"

    body: abi.Body
    """How the model is asked; a generated module sets it below the `def`."""

    def __init__(self, signature: Callable[P, R], /, *, program: Program | None = None) -> None:
        """`program` is for functions that no compiler wrote; else it is made of the `def` and `body`."""
        super().__init__(signature)
        self._program = program
        self._over: dict[str, PromptFunction[P, R]] = {}
        self._plain: PromptFunction[P, R] = self
        self._folder = Path(signature.__code__.co_filename).parent

    @property
    def program(self) -> Program:
        """The types that the `def` is annotated with, and the body. Raises `AbiError` without a body."""
        if self._program is None:
            self._require_body()
            self._program = program_of(self._def, self.body)
        return self._program

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """The answer."""
        return self.detail(*args, **kwargs).value

    def detail(self, /, *args: P.args, **kwargs: P.kwargs) -> Answer[R]:
        """The answer with its probability, the distribution over the labels, and what it cost."""
        with self.placed():
            engine, call = self.asked(), self._call(args, kwargs)
            answer = cast(Answer[R], engine.result(engine.submit(call)))
            return _told(call.program, call.arguments, answer)

    async def acall(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """The answer, without blocking the event loop. Cancelling the task cancels the call."""
        return (await self.adetail(*args, **kwargs)).value

    async def adetail(self, /, *args: P.args, **kwargs: P.kwargs) -> Answer[R]:
        """As `detail`, without blocking the event loop."""
        with self.placed():
            call = self._call(args, kwargs)
            return _told(call.program, call.arguments, await self.answered(call))

    def later(self, /, *args: P.args, **kwargs: P.kwargs) -> Later[R]:
        """The call, to be answered beside others by `gather`."""
        with self.placed():
            return LaterPrompt(self, self.arguments(args, kwargs), attrgetter("value"))

    def later_detail(self, /, *args: P.args, **kwargs: P.kwargs) -> Later[Answer[R]]:
        """As `later`, with details."""
        with self.placed():
            return LaterPrompt(self, self.arguments(args, kwargs), lambda answer: answer)

    def run_many(self, rows: Iterable[dict[str, object]], *, in_flight: int) -> Iterator[Answer[R]]:
        calls = map(self._asked, rows)
        return cast(Iterator[Answer[R]], self.asked().run_many(calls, in_flight=in_flight))

    def over(self, parameter: str, /) -> PromptFunction[P, R]:
        """The same function with the argument of a parameter laid out first: the *state*, which is evaluated
        once for all functions that are asked about it, as by `gather(..., state=text)`. Its answers are the
        same alone and beside others. Heads that go by something else than label scores say what they always
        say.

        It is the function itself where the body does not show the parameter in a place of its own, outside of
        blocks. Raises `ArgumentError` if there is no such parameter.
        """
        with self.placed():
            if parameter not in self._signature.parameters:
                raise ArgumentError(f"{self.program.name} has no parameter `{parameter}`")
            if not can_be_state(self.program, parameter):
                return self
            found = self._over.get(parameter)
            if found is None:
                arrangement = replace(self.program.arrangement, state=parameter)
                found = PromptFunction(self._def, program=self.program.arranged(arrangement))
                found._plain = self._plain
                found = self._over.setdefault(parameter, found)
            return found

    def render(self, /, *args: P.args, **kwargs: P.kwargs) -> str:
        """The exact text of the prompt."""
        with self.placed():
            return self.engine().render(self._call(args, kwargs))

    def explain(self) -> Explanation:
        """What a call costs and why: the prefix, the tail, the labels' trie, the plan of every field."""
        with self.placed():
            return self.engine().explain(self.program)

    def __reduce__(self) -> str | tuple[Any, ...]:
        state = self.program.arrangement.state if self is not self._plain else None
        return super().__reduce__() if state is None else (methodcaller("over", state), (self._plain,))

    @contextmanager
    def placed(self) -> Iterator[None]:
        """Let what is raised in the block name the prompt's line."""
        program = self.program
        try:
            yield
        except MicropromptError as error:
            add_note(error, f"in prompt {program.name}, {program.source}:{program.line}")
            raise

    def engine(self) -> AnyEngine:
        """What answers: what a test gives; prompts in the body first, if there are any; the decider of the
        prompt, if it has choices or thresholds; else the engine, for which the model is loaded if it has to
        be.
        """
        if (ready := self._ready()) is not None:
            return ready
        from .engines.loaded import engine_for  # not at the top: engines load at the first call

        return engine_for(self.program.using.model, self._folder)

    def asked(self) -> AnyEngine | ObservedEngine:
        """Where a call is put: its engine, and where somebody looks at calls, something before it that tells
        them. What a test gives is told to nobody."""
        if not observed.is_on() or given_for(self._plain) is not None:
            return self.engine()
        return ObservedEngine(self.__module__, self.engine)

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

    def call_with(self, arguments: Mapping[str, object]) -> Call:
        """A call with these arguments, by name. Raises `ArgumentError`."""
        return self._call((), arguments)

    async def answered(self, call: Call) -> Answer[R]:
        """The answer to a call, without blocking the event loop."""
        seen = observed.begin(self.__module__, call) if given_for(self._plain) is None else None
        if seen is None:
            return await self._answered(call)
        with seen.current():
            answer = await self._answered(call)
        seen.answered(answer)
        return answer

    async def _answered(self, call: Call) -> Answer[R]:
        import asyncio  # not at the top: who uses it has it, and others do without

        # Loading a model takes a while; once it is there, the thread costs more than the look.
        engine = self._loaded_engine()
        if engine is None:
            engine = await asyncio.to_thread(self.engine)
        return cast(Answer[R], await engine.aanswer(call))

    def _ready(self) -> AnyEngine | None:
        """What answers without a model that has to be loaded before."""
        if (answers := given_for(self._plain)) is not None:
            from .engines.given_answers import GivenAnswers  # not at the top: it is for tests

            return GivenAnswers(answers)
        if (nested := self.nested) is not None:
            return nested
        decider = self.decider
        return decider if decider is not None and decider.decides else None

    def _loaded_engine(self) -> AnyEngine | None:
        from .engines.loaded import loaded_engine  # not at the top: engines load at the first call

        return self._ready() or loaded_engine(self.program.using.model, self._folder)

    def _call(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Call:
        return self._asked(self.arguments(args, kwargs))

    def _asked(self, arguments: Mapping[str, object]) -> Call:
        from .engines.base import Call  # not at the top: engines load at the first call

        own = self.program.using.timeout
        timeout = settings.current().timeout if own is None else own
        return Call(self.program, arguments, running.time_left(timeout))


def _told(
    program: Program,
    arguments: Mapping[str, object],
    answer: Answer[R],
    *,
    line: int | None = None,
    wave: int | None = None,
) -> Answer[R]:
    """The answer to a call, of which a flow that is traced has been told."""
    running.tell(
        "prompt",
        program,
        arguments,
        answer.value,
        answer.seconds,
        answer=answer,
        line=line,
        wave=wave,
    )
    return answer
