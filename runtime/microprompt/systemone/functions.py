"""Questions that functions of a program answer, with all that was tuned of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, assert_never

from .. import rows
from ..answer import Answer
from ..declared import DeclaredFunction
from ..engines.question_types import QuestionType, question_type
from ..errors import ArgumentError
from ..function import PromptFunction
from ..locations import MAX_SERVER_OPTIONS
from ..types import AnyKind, kind
from .questions import Inquiry, answer_of_choice, distribution_of
from .wire import (
    AnyAnswer,
    AnyQuestion,
    ChoiceQuestion,
    NoulAnswer,
    NoulQuestion,
    ScoreQuestion,
    score_answer,
)

Functions: TypeAlias = Mapping[str, DeclaredFunction[..., Any]]
"""The functions that `x_function` may name."""


class QuestionError(ArgumentError):
    """A question asks of a function what that can't answer; `question` is its id, `field` what is wrong in
    it."""

    def __init__(self, message: str, *, question: str, field: str = "x_function", help: str | None = None):
        super().__init__(message, help=help)
        self.question = question
        self.field = field


def inquiry_of_function(
    id: str, question: AnyQuestion, state: object, functions: Functions
) -> Inquiry:
    """The question that a function answers. Raises `QuestionError` where it can't."""
    assert question.x_function is not None
    function = functions.get(question.x_function)
    if function is None:
        known = ", ".join(functions) or "none"
        raise QuestionError(
            f"no function `{question.x_function}` is served", question=id, help=f"the functions are {known}"
        )
    if not isinstance(function, PromptFunction):
        raise QuestionError(
            f"{question.x_function} is a flow, which has no probabilities of its own",
            question=id,
            help="name a prompt",
        )
    try:
        arguments = _arguments(function, state)
        answers = kind(function.program.returns).given(arguments)
    except ArgumentError as error:
        raise QuestionError(error.message, question=id, help=error.help) from error
    return _FunctionInquiry(id, question, function, arguments, answers)


class _FunctionInquiry(Inquiry):
    def __init__(
        self,
        id: str,
        question: AnyQuestion,
        function: PromptFunction[..., Any],
        arguments: Mapping[str, object],
        answers: AnyKind,
    ) -> None:
        self._function = function
        self._arguments = arguments
        self._question = question
        asked = _type_of(answers)
        if asked != question.type:
            is_what = f"is a {asked}" if asked else "is neither a noul nor a choice nor a score"
            other = "name a function of a bool, an enum or int(1..5)"
            raise QuestionError(
                f"{question.x_function} returns {answers.describe()}, which {is_what}",
                question=id,
                field="type",
                help=f'write "type": "{asked}"' if asked else other,
            )
        options = answers.options()
        assert options is not None
        self._outcomes = tuple(map(answers.outcome, options))
        self._names = tuple(map(answers.key, options))
        self._require_criteria(id)

    @property
    def function(self) -> PromptFunction[..., Any]:
        return self._function

    def arguments(self, order: int, state: str | None = None) -> Mapping[str, object]:
        return self._arguments

    def probabilities(self, said: Answer[Any], order: int) -> Sequence[float]:
        found = distribution_of(said)
        return tuple(found[outcome] for outcome in self._outcomes)

    def answer(self, probabilities: Sequence[float]) -> AnyAnswer:
        match self._question:
            case NoulQuestion():
                return NoulAnswer(noul=probabilities[self._outcomes.index(True)])
            case ChoiceQuestion() as question:
                return answer_of_choice(question, self._names, probabilities)
            case ScoreQuestion(criteria=criteria):
                return score_answer(criteria or self._names, probabilities)

    def _require_criteria(self, id: str) -> None:
        """Raise `QuestionError` if the question names other options than the function has."""
        question = self._question
        match question:
            case NoulQuestion():
                return
            case ChoiceQuestion(criteria=options):
                if options is None or set(options) == set(self._names):
                    return
                problem = f"the options of {question.x_function} are {', '.join(self._names)}"
            case ScoreQuestion(criteria=levels):
                if levels is None or len(levels) == len(self._names):
                    return
                problem = f"{question.x_function} has {len(self._names)} levels"
            case _:
                assert_never(question)
        raise QuestionError(problem, question=id, field="criteria", help="leave the criteria out")


def _type_of(answers: AnyKind) -> QuestionType | None:
    """Which type of question answers of a kind are given to, if any. None has a place for `none`, so what a
    function holds back would be lost."""
    options = answers.options() or ()
    if not 2 <= len(options) <= MAX_SERVER_OPTIONS or None in options:
        return None
    return question_type(options)


def _arguments(function: PromptFunction[..., Any], state: object) -> dict[str, object]:
    """The arguments that a state has: fields by the names of parameters, or the text of the only one."""
    program = function.program
    if isinstance(state, dict):
        return rows.from_row(program, state)
    needed = [each for each in program.parameters if each.required] or list(program.parameters)
    if len(needed) != 1:
        names = ", ".join(f"`{each.name}`" for each in program.parameters)
        raise ArgumentError(
            f"{program.name} needs {names}", help="give them as the fields of an object, as the state"
        )
    declared = kind(needed[0].type)
    where = f"`{needed[0].name}`"
    return {needed[0].name: declared.check(declared.read_data(state, where), where)}
