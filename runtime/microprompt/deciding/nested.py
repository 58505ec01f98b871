"""Prompts that others call in their bodies: they are answered first, side by side, and their answers fill the
places where they are called.

    submit ── what the body calls, with the call's arguments ──┬── answers ── the call itself, on its own
    engine └── ...

An example has such places too. They are filled once for each model, before the first call, with what the
prompts answer to the example: so the prompt's beginning stays the same in every call.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, cast

from .. import abi
from ..answer import Answer, Usage
from ..engines import loaded
from ..engines.base import AnyEngine, Call
from ..engines.steps import Steps, StepwiseEngine
from ..explain import CalledPlan
from ..observed import ObservedEngine, unrecorded
from ..program import AnsweredExample, Program
from ..prompts.filling import Bindings, NestedCall, callees_of, calls_of
from ..scheduling.jobs import Answerer, Pending, deadline_of, run_many
from .decider import Decider, decider_for

if TYPE_CHECKING:
    from ..explain import Explanation

_SIDE_BY_SIDE: Final = 64
"""Calls of examples that are worked on at a time."""


class Function(Protocol):
    """What is needed of a prompt function that is called in a body."""

    @property
    def program(self) -> Program: ...

    def engine(self) -> AnyEngine: ...

    def asked(self) -> AnyEngine | ObservedEngine: ...

    def call_with(self, arguments: Mapping[str, object]) -> Call: ...

    def placed(self) -> AbstractContextManager[None]: ...


def nested_engine_for(program: Program, folder: Path) -> NestedEngine | None:
    """What answers a program whose body calls others; `None` for all others.

    `folder` is that of the generated module, where its tuning file and the paths of models begin.
    """
    return NestedEngine(program, folder) if any(callees_of(program.parts)) else None


@dataclass(frozen=True, slots=True, eq=False)
class _Filled:
    """The program with filled examples, and what decides its choices."""

    program: Program
    decider: Decider | None


class NestedEngine(StepwiseEngine):
    """Answers calls of one program whose body calls others: an `AnyEngine`. Safe from any thread.

    Every method raises what the prompts that are called raise, with a note that names theirs.
    """

    def __init__(self, program: Program, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._filling = threading.Lock()
        self._filled: dict[abi.Model, _Filled] = {}
        # Engines that answer for all models, as in tests, come and go.
        self._filled_for: weakref.WeakKeyDictionary[AnyEngine, _Filled] = weakref.WeakKeyDictionary()

    # ---------------------------------------------------------------------------------- as an engine

    @property
    def name(self) -> str:
        """The model's name."""
        return self._engine().name

    @property
    def is_closed(self) -> bool:
        return False  # an engine that was closed is loaded again

    def submit(self, call: Call, *, waits: bool = False) -> Pending[Answer[object]]:
        """Begin a call. Raises `ArgumentError` where an argument of a call in the body does not fit, and
        `EngineError`."""
        return _Run(self, call, waits=waits, deadline=deadline_of(call.timeout, waits=waits)).begin()

    def is_warm(self) -> bool:
        return self._known() is not None

    def warm_up(self) -> None:
        """Answer the examples, for which the prompts that are called load their models, and load this
        one's."""
        for function in self._functions():
            _warm_up(function.engine())
        _warm_up(self._engine())

    def render(self, call: Call) -> str:
        """The exact text of a call's prompt, for which the prompts in it are answered."""
        with unrecorded():
            arguments = self.completed([call.arguments])[0]
        return self._engine().render(Call(self.program, arguments))

    def explain(self, program: Program) -> Explanation:
        """What a call of the program costs and why. Prompts are run whose answers the examples show."""
        calls = tuple(
            CalledPlan(text=call.text, plan=function.engine().explain(function.program))
            for call, function in zip(callees_of(program.parts), self._functions(), strict=True)
        )
        return replace(self._engine().explain(self.program), calls=calls)

    def close(self) -> None:
        """Free the model."""
        self._engine().close()

    # -------------------------------------------------------------------------------------- filling

    @property
    def program(self) -> Program:
        """The program with the answers of other prompts in its examples."""
        return self._fill().program

    @property
    def decider(self) -> Decider | None:
        """What decides the choices of that; `None` if it has none, nor thresholds."""
        return self._fill().decider

    def completed(self, rows: Iterable[Mapping[str, object]]) -> list[dict[str, object]]:
        """The arguments of calls, with the answers of the prompts that the body calls with them. Waits."""
        rows = list(rows)
        calls = [self.calls(row) for row in rows]
        asked = {name: call for of_row in calls for name, call in of_row.items()}
        running = run_many((_submitted(call) for call in asked.values()), in_flight=_SIDE_BY_SIDE)
        answers = {name: answer.value for name, answer in zip(asked, running, strict=True)}
        return [
            {**row, **{name: answers[name] for name in of_row}}
            for row, of_row in zip(rows, calls, strict=True)
        ]

    def calls(self, arguments: Mapping[str, object]) -> dict[str, NestedCall]:
        """What the body calls with these arguments, each once, by `NestedCall.name`."""
        found = calls_of(self._program.parts, Bindings.of(self._program, arguments))
        return {call.name: call for call in found}

    def engine_and_program(self) -> tuple[AnyEngine, Program]:
        """What answers a call once its places are filled, and the program that it answers."""
        return self._engine(), self.program

    def _fill(self) -> _Filled:
        found = self._known()
        if found is not None:
            return found
        with self._filling:  # who comes meanwhile waits, and finds it
            found = self._known()
            if found is None:
                program = self._with_answers()
                found = _Filled(program, decider_for(program, self._folder))
                if loaded.is_overridden():
                    self._filled_for[loaded.engine_for(None)] = found
                else:
                    self._filled[self._model()] = found
            return found

    def _known(self) -> _Filled | None:
        if loaded.is_overridden():
            return self._filled_for.get(loaded.engine_for(None))
        return self._filled.get(self._model())

    def _model(self) -> abi.Model:
        return loaded.wanted(self._program.using.model, self._folder)

    def _with_answers(self) -> Program:
        program = self._program
        if not program.examples:
            return program
        rows = list(map(program.arguments_of, program.examples))
        with unrecorded():  # whoever made the call that comes first did not make these
            answered = self.completed(rows)
        examples = tuple(
            AnsweredExample(
                arguments=example.arguments,
                answer=example.answer,
                line=example.line,
                answers={name: value for name, value in completed.items() if name not in row},
            )
            for example, row, completed in zip(program.examples, rows, answered, strict=True)
        )
        return replace(program, examples=examples)

    def _engine(self) -> AnyEngine:
        decider = self.decider
        if decider is not None and decider.decides:
            return decider
        return loaded.engine_for(self._program.using.model, self._folder)

    def _functions(self) -> Iterator[Function]:
        for call in callees_of(self._program.parts):
            yield cast(Function, call.prompt)


class _Run(Steps):
    """A call on its way to its answer."""

    def __init__(self, nested: NestedEngine, call: Call, *, waits: bool, deadline: float | None) -> None:
        super().__init__(call, waits=waits, deadline=deadline)
        self._nested = nested

    def _begin(self) -> None:
        engine, program = self._nested.engine_and_program()
        calls = self._nested.calls(self._call.arguments)
        if calls:
            works = {name: self._asked(call) for name, call in calls.items()}
            self.when_all(works, lambda given: self.follow_up(lambda: self._ask(engine, program, given)))
        else:
            self._ask(engine, program, {})

    def _asked(self, call: NestedCall) -> Future[Answer[object]]:
        function = cast(Function, call.callee)
        engine, pending = _submitted(call, timeout=self.seconds_left(), waits=self._waits)
        future = self.begun(engine, pending)

        def note(done: Future[Answer[object]]) -> None:
            with suppress(BaseException), function.placed():
                done.result()

        future.add_done_callback(note)
        return future

    def _ask(self, engine: AnyEngine, program: Program, given: Mapping[str, Answer[object]]) -> None:
        values = {name: answer.value for name, answer in given.items()}
        arguments = {**self._call.arguments, **values}
        call = replace(self._call, program=program, arguments=arguments, timeout=self.seconds_left())
        future = self.begun(engine, engine.submit(call, waits=self._waits))

        def complete(answered: Mapping[str, Answer[object]]) -> None:
            answer = answered[""]
            usage = Usage.total(each.usage for each in (*given.values(), answer))
            self.pending.succeed(replace(answer, usage=usage, seconds=self.seconds()))

        self.when_all({"": future}, complete)


def _submitted(
    call: NestedCall, *, timeout: float | None = None, waits: bool = True
) -> tuple[Answerer, Pending[Answer[object]]]:
    """A call of another prompt, begun; it may take `timeout` seconds, or its own time if that is less."""
    function = cast(Function, call.callee)
    with function.placed():
        made = function.call_with(call.arguments)
        own = [each for each in (made.timeout, timeout) if each is not None]
        engine = function.asked()
        return engine, engine.submit(replace(made, timeout=min(own, default=None)), waits=waits)


def _warm_up(engine: AnyEngine) -> None:
    if isinstance(engine, StepwiseEngine):
        engine.warm_up()
