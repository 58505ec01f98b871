"""Decide: questions about one state, asked together and answered with probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any

from pydantic import ValidationError

from .. import abi, models, settings
from ..answer import Answer, Usage
from ..engines.loaded import engine_for, is_overridden
from ..errors import ArgumentError, MicropromptError, ModelError
from ..function import LaterPrompt, PromptFunction
from ..gathering import agather, gather
from ..locations import model_named
from . import by_words
from .functions import Functions, inquiry_of_function
from .made import UntoldFunction, is_far
from .polls import Poll, SinglePoll, poll_of
from .structured import laid_out
from .wire import AnyQuestion, Decisions, Order, SystemOneRequest, TokenCounts


def decide(
    state: object,
    questions: Mapping[str, AnyQuestion | Mapping[str, object]],
    *,
    model: str | None = None,
    order: Order = "canonical",
) -> Decisions:
    """The answers to questions about a state, which is evaluated once for all of them.

        found = decide(ticket, {"refund": NoulQuestion(instructions="Does the customer want money back?")})
        found.nouls["refund"].noul  # the probability of yes

    `state` is a string, or objects and arrays of JSON. `questions` are those of `systemone.wire`, or mappings
    with their fields. `model` is the name of a registered model or the path of a GGUF file; without one it is
    that of the settings. An answer depends on the state, its question and the model: not on the question's
    id, on other questions, or on the order of any.

    Small models prefer some places in a list. With the `order` "averaged", the options of a choice are shown
    in up to 8 orders, each rotated against the others, and their log-probabilities are averaged; no more are
    asked once all agree on an option whose probability is 0.9 or more.

    Raises `ArgumentError` for questions that are none, `PromptTooLong` where a state and a question do not
    fit the model's context, `ModelError` if the model is not to be had, and what its calls raise.
    """
    asking = Asking(_request(state, questions, model, order), model=_model(model))
    while calls := asking.calls():
        asking.take(gather(*calls))
    return asking.decisions()


async def adecide(
    state: object,
    questions: Mapping[str, AnyQuestion | Mapping[str, object]],
    *,
    model: str | None = None,
    order: Order = "canonical",
) -> Decisions:
    """As `decide`, without blocking the event loop. Cancelling the task cancels all questions."""
    return await answered(Asking(_request(state, questions, model, order), model=_model(model)))


async def answered(asking: Asking) -> Decisions:
    """The answers to what is asked."""
    while calls := asking.calls():
        asking.take(await agather(*calls))
    return asking.decisions()


def load_models() -> None:
    """Load what questions to the model of the settings need, so that the first one waits for nothing but its
    work. Where that model is not here, nothing is loaded: it is fetched once somebody asks.

    Raises `EngineError`.
    """
    if is_overridden() or is_far(None):
        return
    with suppress(ModelError, ArgumentError):  # which who asks is told
        models.resolve(settings.current().model, kind="language")
        engine_for(None)
        by_words.load()


class LaterQuestion(LaterPrompt[Answer[Any]]):
    """A question that has not been asked; what it raises has a note with its ids."""

    def __init__(
        self, function: PromptFunction[..., Any], arguments: Mapping[str, object], ids: Sequence[str]
    ) -> None:
        super().__init__(function, function.arguments((), arguments), lambda answer: answer)
        self._ids = ids

    def given(self, outcome: Answer[Any], wave: int) -> Answer[Any]:
        return outcome if isinstance(self.function, UntoldFunction) else super().given(outcome, wave)

    @contextmanager
    def placed(self) -> Iterator[None]:
        with super().placed():
            try:
                yield
            except MicropromptError as error:
                error.add_note(f"in the question {', '.join(map(repr, self._ids))}")
                raise


class Asking:
    """A request at work. Rounds of `calls` are asked until there are none, each all at once, and `take` is
    given what they say.

    Questions that are alike but for their ids are asked once. `functions` are those that `x_function` may
    name.
    """

    def __init__(
        self,
        request: SystemOneRequest,
        *,
        model: abi.Model | None,
        order: Order = "canonical",
        functions: Functions | None = None,
    ) -> None:
        """Raises `QuestionError` for a question that its function can't answer."""
        state = laid_out(request.state)
        is_averaged = (request.x_order or order) == "averaged"
        self._keys = {id: question.model_dump_json() for id, question in request.questions.items()}
        self._ids: dict[str, list[str]] = {}
        self._polls: dict[str, Poll] = {}
        for id, question in request.questions.items():
            key = self._keys[id]
            if key not in self._polls:
                self._polls[key] = (
                    poll_of(question, state, model, is_averaged=is_averaged)
                    if question.x_function is None
                    else SinglePoll(inquiry_of_function(id, question, request.state, functions or {}))
                )
            self._ids.setdefault(key, []).append(id)
        self._asked: list[tuple[Poll, int]] = []
        self._calls: list[LaterQuestion] = []
        self._model = ""

    def calls(self) -> list[LaterQuestion]:
        """What is to be asked next, all at once; nothing when all is known."""
        self._asked = []
        found: list[LaterQuestion] = []
        for key, poll in self._polls.items():
            puts = poll.puts()
            found += (LaterQuestion(function, arguments, self._ids[key]) for function, arguments in puts)
            self._asked.append((poll, len(puts)))
        self._calls = found
        return found

    def take(self, answers: Sequence[Answer[Any]]) -> None:
        """Take what the last calls say."""
        told = (
            answer.model
            for call, answer in zip(self._calls, answers, strict=True)
            if not isinstance(call.function, UntoldFunction)
        )
        self._model = self._model or next(told, "")
        rest = iter(answers)
        for poll, count in self._asked:
            poll.take(list(islice(rest, count)))

    def usage(self) -> Usage:
        """What all prompts about the state have cost so far."""
        return Usage.total(usage for poll in self._polls.values() for usage in poll.usages)

    def decisions(self) -> Decisions:
        """All answers, in the order of the questions."""
        usage = self.usage()
        answers = {key: poll.answer() for key, poll in self._polls.items()}
        return Decisions(
            model=self._model,
            answers={id: answers[key] for id, key in self._keys.items()},
            usage=TokenCounts(input_tokens=usage.prompt_tokens, output_tokens=usage.decoded_tokens),
        )


# --------------------------------------------------------------------------------------------- from Python


def _model(name: str | None) -> abi.Model | None:
    return None if name is None else abi.Model(name=model_named(name))


def _request(
    state: object,
    questions: Mapping[str, AnyQuestion | Mapping[str, object]],
    model: str | None,
    order: Order,
) -> SystemOneRequest:
    try:
        return SystemOneRequest.model_validate(
            {"model": model or "", "state": state, "questions": dict(questions), "x_order": order}
        )
    except ValidationError as error:
        raise ArgumentError("; ".join(_problems(error))) from None


def _problems(error: ValidationError) -> list[str]:
    """What is wrong with a request, with where it is."""
    return [
        f"{'.'.join(map(str, each['loc'])) or 'the request'}: {each['msg']}"
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    ]
