"""How a question is put to a model: as a prompt over the state, with the question as its argument.

    Text:
    <state>                                    evaluated once for all questions

    Which team should handle this ticket?      the question: an argument, so control tokens in it stay text
    1. Billing: Payments, invoices, refunds
    2. Technical: Bugs, outages
    Answer:

All that differs from question to question is in that argument, so there are few programs, and each is met
with a model's tokens once.

Options stand in an order that depends on them alone, by what they mean and then by their names, so that it
does not matter in which order a caller has them. The model answers with a number, so that a name can be any
text.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any, Final

from .. import abi
from ..answer import Answer
from ..function import PromptFunction
from ..program import Arrangement, Parameter, Program
from ..types import BoolType, DeclaredType, LiteralType, StrType
from .structured import field, laid_out
from .wire import (
    AnyAnswer,
    AnyQuestion,
    ChoiceQuestion,
    NoulAnswer,
    NoulQuestion,
    ScoreQuestion,
    choice_answer,
    score_answer,
)

MAX_ORDERS: Final = 8
"""The most orders in which the options of one question are shown."""

_KEPT: Final = 1024
"""How many programs are kept: those of four models, if every number of options comes up."""


class Inquiry(ABC):
    """A question that can be asked: of which function, and what its answers say.

    It can be asked in `orders` ways, which show its options in different orders; probabilities are always in
    the order of the question.
    """

    orders: int = 1

    @property
    @abstractmethod
    def function(self) -> PromptFunction[..., Any]:
        """What is called."""

    @abstractmethod
    def arguments(self, order: int) -> Mapping[str, object]:
        """The arguments, by name."""

    @abstractmethod
    def probabilities(self, said: Answer[Any], order: int) -> Sequence[float]:
        """What an answer says of each outcome."""

    @abstractmethod
    def answer(self, probabilities: Sequence[float]) -> AnyAnswer:
        """The answer that probabilities of all outcomes make."""


class _OwnInquiry(Inquiry):
    """A question that is put to the model as it was asked."""

    def __init__(self, state: str, function: PromptFunction[..., Any]) -> None:
        self._state = state
        self._function = function

    @property
    def function(self) -> PromptFunction[..., Any]:
        return self._function

    def arguments(self, order: int) -> Mapping[str, object]:
        return {"state": self._state, "question": self.text(order)}

    @abstractmethod
    def text(self, order: int) -> str:
        """The question as the model reads it."""


class NoulInquiry(_OwnInquiry):
    def __init__(self, question: NoulQuestion, state: str, model: abi.Model | None) -> None:
        super().__init__(state, _function("noul", BoolType(), model))
        said = question.criteria
        outcomes = () if said is None else (("yes", said.true), ("no", said.false))
        self._asked = _instructions(question, "Does this hold of the text above?")
        self._lines = tuple(f"- {_option(name, means)}" for name, means in outcomes if means is not None)
        self.orders = max(1, len(self._lines))

    def text(self, order: int) -> str:
        return "\n".join((self._asked, *_rotated(self._lines, order)))

    def probabilities(self, said: Answer[Any], order: int) -> Sequence[float]:
        found = _distribution(said)
        return found[True], found[False]

    def answer(self, probabilities: Sequence[float]) -> NoulAnswer:
        return NoulAnswer(noul=probabilities[0])


class ChoiceInquiry(_OwnInquiry):
    """A choice among some of a question's options, in the order of `names`."""

    def __init__(
        self, question: ChoiceQuestion, names: Sequence[str], state: str, model: abi.Model | None
    ) -> None:
        self.names = tuple(names)
        self._asked = _instructions(question, "Which of these fits the text above?")
        self._options = options_of(question)
        self._canonical = canonical(question, names)
        self._labels = tuple(str(number) for number in range(1, len(self.names) + 1))
        self._offsets = _offsets(len(self.names))
        self.orders = len(self._offsets)
        super().__init__(state, _function("choice", LiteralType(values=self._labels), model))

    def _shown(self, order: int) -> tuple[str, ...]:
        return _rotated(self._canonical, self._offsets[order])

    def text(self, order: int) -> str:
        numbered = zip(self._labels, self._shown(order), strict=True)
        return "\n".join((self._asked, *(f"{label}. {self._options[name]}" for label, name in numbered)))

    def probabilities(self, said: Answer[Any], order: int) -> Sequence[float]:
        found = _distribution(said)
        by_name = {
            name: found[label] for label, name in zip(self._labels, self._shown(order), strict=True)
        }
        return tuple(by_name[name] for name in self.names)

    def answer(self, probabilities: Sequence[float]) -> AnyAnswer:
        return choice_answer(dict(zip(self.names, probabilities, strict=True)))


class ScoreInquiry(_OwnInquiry):
    """Its levels stand in one order only, for that is what they mean."""

    def __init__(self, question: ScoreQuestion, state: str, model: abi.Model | None) -> None:
        assert question.criteria is not None
        self._levels = question.criteria
        self._labels = tuple(str(number) for number in range(len(self._levels)))
        levels = (_hanging(laid_out(level)) for level in self._levels)
        lines = (f"{label}. {level}" for label, level in zip(self._labels, levels, strict=True))
        self._text = "\n".join((_instructions(question, "Which level does the text above have?"), *lines))
        super().__init__(state, _function("score", LiteralType(values=self._labels), model))

    def text(self, order: int) -> str:
        return self._text

    def probabilities(self, said: Answer[Any], order: int) -> Sequence[float]:
        found = _distribution(said)
        return tuple(found[label] for label in self._labels)

    def answer(self, probabilities: Sequence[float]) -> AnyAnswer:
        return score_answer(self._levels, probabilities)


def options_of(question: ChoiceQuestion) -> Mapping[str, str]:
    """The options of a choice as the model reads them, by their names."""
    assert question.criteria is not None
    return {name: _option(name, means) for name, means in question.criteria.items()}


def canonical(question: ChoiceQuestion, names: Iterable[str]) -> tuple[str, ...]:
    """Names of options in the order that depends on the options alone."""
    assert question.criteria is not None
    means = {name: "" if text is None else laid_out(text) for name, text in question.criteria.items()}
    return tuple(sorted(names, key=lambda name: (means[name], name)))


def _instructions(question: AnyQuestion, otherwise: str) -> str:
    return otherwise if question.instructions is None else laid_out(question.instructions)


def _option(name: str, means: object) -> str:
    shown = name if name.strip() else json.dumps(name)
    return _hanging(shown if means is None else field(shown, means))


def _hanging(text: str) -> str:
    """A text whose other lines are indented, below an item's number."""
    return text.replace("\n", "\n  ")


def _distribution(said: Answer[Any]) -> Mapping[object, float]:
    assert said.distribution is not None, "the answer is a choice"
    return said.distribution


def _rotated(items: Sequence[str], by: int) -> tuple[str, ...]:
    return (*items[by:], *items[:by])


def _offsets(count: int) -> tuple[int, ...]:
    """By how much options are rotated, at most `MAX_ORDERS` times and evenly; those that come first lie
    furthest apart, so that few of them tell most."""
    most = min(count, MAX_ORDERS)
    even = [step * count // most for step in range(most)]
    return tuple(sorted(even, key=lambda offset: int(f"{even.index(offset):03b}"[::-1], 2)))


# -------------------------------------------------------------------------------------------- programs


class QuestionFunction(PromptFunction[..., Any]):
    """A prompt that no source has: what goes wrong in it has no line to name."""

    def placed(self) -> AbstractContextManager[None]:  # type: ignore[override]  # the base has a generator's
        return nullcontext()


def _asked_of_model(state: str, question: str) -> object:
    """What is asked, as a `def`; the program says the rest."""
    raise NotImplementedError


@lru_cache(maxsize=_KEPT)
def _function(name: str, returns: DeclaredType, model: abi.Model | None) -> QuestionFunction:
    """The prompt that a model (the default one for `None`) answers with one of the values of a type."""
    program = Program(
        name=name,
        source="systemone",
        line=0,
        parameters=(
            Parameter(name="state", type=StrType()),
            Parameter(name="question", type=StrType()),
        ),
        returns=returns,
        instruction="",
        input=(abi.Hole(parameter="question"),),
        cue="Answer:",
        using=abi.Using(model=model, decide=abi.LABELS),
        arrangement=Arrangement(state="state"),
    )
    return QuestionFunction(_asked_of_model, program=program)
