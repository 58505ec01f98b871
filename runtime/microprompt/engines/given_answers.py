"""An engine that answers what is given, without any model: for tests of flows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NoReturn, TypeVar

from ..answer import Answer, Usage
from ..errors import MicropromptError, ScriptError
from ..explain import Explanation
from ..given import InTurn
from ..program import Program
from ..scheduling.jobs import Pending, run_many
from ..types import kind
from .base import Call

T = TypeVar("T")

NAME = "given"


class GivenAnswers:
    """Implements `engines.base.AnyEngine`. Every answer is certain."""

    name = NAME
    is_closed = False

    def __init__(self, answers: InTurn) -> None:
        self._answers = answers

    def submit(self, call: Call, *, waits: bool = False) -> Pending[Answer[object]]:
        """Answer a call. Raises `ScriptError` for what its function can't return."""
        declared = kind(call.program.returns).given(call.arguments)
        try:
            value = declared.check(self._answers.take(), f"the given answer of {call.program.name}")
        except MicropromptError as error:
            raise ScriptError(str(error)) from None
        pending: Pending[Answer[object]] = Pending()
        usage = Usage(prompt_tokens=0, cached_tokens=0, decoded_tokens=0)
        pending.succeed(
            Answer.whole(
                value,
                declared=declared,
                confidence=1.0,
                answered_by=NAME,
                near_tie=False,
                usage=usage,
                seconds=0.0,
                model=NAME,
            )
        )
        return pending

    def result(self, pending: Pending[T], /) -> T:
        return pending.future.result()

    def abandon(self, pending: Pending[Any], /) -> None:
        """There is nothing to give up."""

    def run_many(self, calls: Iterable[Call], *, in_flight: int) -> Iterator[Answer[object]]:
        return run_many(((self, self.submit(call)) for call in calls), in_flight=in_flight)

    async def aanswer(self, call: Call) -> Answer[object]:
        return self.result(self.submit(call))

    def render(self, call: Call) -> NoReturn:
        raise ScriptError(f"the answer of {call.program.name} is given: no model is asked")

    def explain(self, program: Program) -> Explanation:
        raise ScriptError(f"the answer of {program.name} is given: no model is asked")

    def close(self) -> None:
        """There is nothing to free."""
