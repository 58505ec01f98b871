"""Tests that are written out in a program: what a function answers to each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microprompt import FlowFunction, Trace, abi
from microprompt.answer import Answer
from microprompt.errors import MicropromptError, ModelError
from microprompt.given import given
from microprompt.observed import unrecorded
from microprompt.types import kind

from .. import project
from ..functions import AnyFunction, arguments_of
from .words import in_line

if TYPE_CHECKING:
    from microprompt.deciding.source import Unseen


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one test: an answer, or the error that there was instead of it.

    `probability` is that of a prompt's answer. `expected_probability` is what the model gave the expected
    answer; only a choice tells. `decisions` are those of a flow, for people. `left_out` is of the function's
    examples, and the same for all of its tests.
    """

    file: str
    line: int
    function: str
    arguments: dict[str, object]
    expected: object
    got: object
    passed: bool
    probability: float | None
    expected_probability: float | None
    seconds: float
    error: str | None
    decisions: str = ""
    left_out: Unseen | None = None

    def to_json(self) -> dict[str, object]:
        """As JSON data."""
        found = {name: getattr(self, name) for name in self.__slots__ if name != "decisions"}
        unseen = self.left_out
        left_out = unseen and {"n": unseen.examples, "right": unseen.right, "chance": unseen.chance}
        return {**found, "left_out": left_out}

    def headline(self) -> str:
        """What was tested."""
        arguments = ", ".join(json.dumps(value, ensure_ascii=False) for value in self.arguments.values())
        return f"{self.file}:{self.line}: {self.function}({arguments})"

    def difference(self) -> Sequence[str]:
        """Why it failed, in lines: the error, or both answers."""
        if self.error is not None:
            return self.error.splitlines()
        return (
            f"expected {in_line(self.expected)}{_probability(self.expected_probability)}",
            f"got      {in_line(self.got)}{_probability(self.probability)}",
            *self.decisions.splitlines(),
        )


def _probability(found: float | None) -> str:
    return "" if found is None else f" (probability {found:.2f})"


def run_written(path: Path, called: AnyFunction) -> Iterator[Result]:
    """Run the tests that the program at `path` has of a function that it declares.

    Raises:
        ModelError: the model is not to be had.
    """
    for test in called.program.tests:
        try:
            answer = _answer(called, test)
        except ModelError:
            raise
        except MicropromptError as error:
            yield _result(path, called, test, None, _said(called, error))
        else:
            yield _result(path, called, test, answer, None)


def _said(called: AnyFunction, error: MicropromptError) -> str:
    """What is wrong and, in a flow, where: it may be far from what is tested."""
    return "\n".join(error.lines) if isinstance(called, FlowFunction) else error.message


@unrecorded()
def _answer(called: AnyFunction, test: abi.Example) -> Answer[Any] | Trace[Any]:
    """What a function answers to a test, in which some of what a flow calls may have its answers given."""
    if not isinstance(called, FlowFunction):
        return called.detail(*test.arguments)
    with given(test.given if isinstance(test, abi.FlowTest) else ()):
        return called.trace(*test.arguments)


def _result(
    path: Path,
    called: AnyFunction,
    test: abi.Example,
    answer: Answer[Any] | Trace[Any] | None,
    error: str | None,
) -> Result:
    returns = kind(called.program.returns)
    told = answer if isinstance(answer, Answer) else None
    chances = told.distribution if told and returns.options() is not None else None
    return Result(
        file=project.shown(path),
        line=test.line,
        function=called.program.name,
        arguments=arguments_of(called, test),
        expected=returns.to_data(test.answer),
        got=returns.to_data(answer.value) if answer else None,
        passed=answer is not None and answer.value == test.answer,
        probability=told.confidence if told else None,
        expected_probability=chances.get(test.answer) if chances else None,
        seconds=answer.seconds if answer else 0.0,
        error=error,
        decisions=str(answer) if isinstance(answer, Trace) else "",
    )
