"""How a question is put to a model: as a prompt over the state, with the question as its argument.

    Text:
    <state>                                    evaluated once for all questions

    Which team should handle this ticket?      the question: an argument, so control tokens in it stay text
    - Billing: Payments, invoices, refunds
    - Technical: Bugs, outages
    Answer:

All that differs from question to question is in arguments, so there is one program for each type of question,
and it is met with a model's tokens once.

Options stand in an order that depends on them alone, by what they mean and then by their names, so that it
does not matter in which order a caller has them. The model answers with a name. Where one of them is no word
to answer with, as a name of two lines or of none, options are numbered, and it answers with a number.
"""

from __future__ import annotations

import json
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias

from .. import abi
from ..answer import Answer
from ..errors import ArgumentError, ModelError
from ..function import PromptFunction
from ..program import Arrangement, Parameter, Program
from ..types import BoolType, ListType, OneOfType, StrType, kind
from . import by_words
from .made import QuestionFunction, UntoldFunction, is_far
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

FREE: Final = ("N/A",)
"""States that speak for no answer. (Two, four or eight of them tell no more: six measurements with two
models, n = 40 to 100.)"""

_KEPT: Final = 64
"""How many programs are kept: three for each model in use."""

_ONE_OF: Final = OneOfType(source="options", item=StrType())


Put: TypeAlias = tuple[PromptFunction[..., Any], Mapping[str, object]]
"""A function, and the arguments that it is called with."""


class Inquiry(ABC):
    """A question that can be asked: of which function, and what its answers say.

    It can be asked in `orders` ways, which show its options in different orders; probabilities are always in
    the same order. What is said of a state is held against what is said of the texts in `free`,
    which have no content.
    """

    free: tuple[str, ...] = ()

    orders: int = 1

    @property
    @abstractmethod
    def function(self) -> PromptFunction[..., Any]:
        """What is called."""

    @property
    def untold(self) -> PromptFunction[..., Any]:
        """The same, when it is called about a text that has no content."""
        return self.function

    @abstractmethod
    def arguments(self, order: int, state: str | None = None) -> Mapping[str, object]:
        """The arguments, by name; about another state than the question's, if one is given."""

    @abstractmethod
    def probabilities(self, said: Answer[Any], order: int) -> Sequence[float]:
        """What an answer says of each outcome."""

    def words(self) -> Put | None:
        """What tells how near the state is to the words of each outcome; its answer has them in the order of
        the outcomes. `None` where they are no words, or nothing can tell."""
        return None

    @abstractmethod
    def answer(self, probabilities: Sequence[float]) -> AnyAnswer:
        """The answer that probabilities of all outcomes make."""


class _OwnInquiry(Inquiry):
    """A question that is put to the model as it was asked.

    A model on a server is asked once, and its word is taken: it is larger than those here, and calls cost.
    """

    def __init__(self, state: str, name: str, model: abi.Model | None) -> None:
        self._state = state
        self.free = () if is_far(model) else FREE
        self._function, self._untold = _functions(name, model)

    @property
    def function(self) -> PromptFunction[..., Any]:
        return self._function

    @property
    def untold(self) -> PromptFunction[..., Any]:
        return self._untold

    def arguments(self, order: int, state: str | None = None) -> Mapping[str, object]:
        about = self._state if state is None else state
        return {"state": about, "question": self.text(order), **self._options()}

    def _options(self) -> Mapping[str, object]:
        """What the answer is one of, where the call says that."""
        return {}

    @abstractmethod
    def text(self, order: int) -> str:
        """The question as the model reads it."""


class NoulInquiry(_OwnInquiry):
    def __init__(self, question: NoulQuestion, state: str, model: abi.Model | None) -> None:
        super().__init__(state, "noul", model)
        said = question.criteria
        outcomes = () if said is None else (("yes", said.true), ("no", said.false))
        self._asked = _instructions(question, "Does this hold of the text above?")
        self._lines = tuple(f"- {_option(name, means)}" for name, means in outcomes if means is not None)
        self.orders = max(1, len(self._lines))

    def text(self, order: int) -> str:
        return "\n".join((self._asked, *_rotated(self._lines, order)))

    def probabilities(self, said: Answer[Any], order: int) -> Sequence[float]:
        found = distribution_of(said)
        return found[True], found[False]

    def answer(self, probabilities: Sequence[float]) -> NoulAnswer:
        return NoulAnswer(noul=probabilities[0])


class ChoiceInquiry(_OwnInquiry):
    """A choice among some of a question's options: `names`, in their canonical order."""

    def __init__(
        self, question: ChoiceQuestion, names: Sequence[str], state: str, model: abi.Model | None
    ) -> None:
        self.names = tuple(names)
        self._question = question
        self._asked = _instructions(question, "Which of these fits the text above?")
        self._model = model
        self._shown = options_of(question)
        self._means = meanings_of(question)
        self._is_numbered = not _are_words(self.names)
        self._offsets = _offsets(len(self.names))
        self.orders = len(self._offsets)
        super().__init__(state, "choice", model)

    def _options(self) -> Mapping[str, object]:
        if not self._is_numbered:
            return {"options": list(self.names)}
        return {"options": [str(number) for number in range(1, len(self.names) + 1)]}

    def text(self, order: int) -> str:
        lines = (self._shown[name] for name in self._in_order(order))
        if self._is_numbered:
            return "\n".join((self._asked, *(f"{number}. {line}" for number, line in enumerate(lines, 1))))
        return "\n".join((self._asked, *(f"- {line}" for line in lines)))

    def probabilities(self, said: Answer[Any], order: int) -> Sequence[float]:
        found = distribution_of(said)
        if not self._is_numbered:
            return tuple(found[name] for name in self.names)
        by_name = {name: found[str(number)] for number, name in enumerate(self._in_order(order), 1)}
        return tuple(by_name[name] for name in self.names)

    def words(self) -> Put | None:
        if self._is_numbered or is_far(self._model) or not by_words.can_tell():
            return None
        return by_words.function(self._model), {
            "state": self._state,
            "options": [by_words.Option(name=name, means=self._means[name]) for name in self.names],
        }

    def _in_order(self, order: int) -> tuple[str, ...]:
        return _rotated(self.names, self._offsets[order])

    def answer(self, probabilities: Sequence[float]) -> AnyAnswer:
        return answer_of_choice(self._question, self.names, probabilities)


class ScoreInquiry(_OwnInquiry):
    """Its levels stand in one order only, for that is what they mean."""

    def __init__(self, question: ScoreQuestion, state: str, model: abi.Model | None) -> None:
        assert question.criteria is not None
        self._levels = question.criteria
        self._labels = tuple(str(number) for number in range(len(self._levels)))
        levels = (_hanging(laid_out(level)) for level in self._levels)
        lines = (f"{label}. {level}" for label, level in zip(self._labels, levels, strict=True))
        self._text = "\n".join((_instructions(question, "Which level does the text above have?"), *lines))
        super().__init__(state, "score", model)

    def _options(self) -> Mapping[str, object]:
        return {"options": list(self._labels)}

    def text(self, order: int) -> str:
        return self._text

    def probabilities(self, said: Answer[Any], order: int) -> Sequence[float]:
        found = distribution_of(said)
        return tuple(found[label] for label in self._labels)

    def answer(self, probabilities: Sequence[float]) -> AnyAnswer:
        return score_answer(self._levels, probabilities)


def answer_of_choice(
    question: ChoiceQuestion, names: Sequence[str], probabilities: Sequence[float]
) -> AnyAnswer:
    """The answer that the probabilities of all options make, in the order of the question if it has one."""
    by_name = dict(zip(names, probabilities, strict=True))
    return choice_answer({name: by_name[name] for name in question.criteria or by_name})


def options_of(question: ChoiceQuestion) -> Mapping[str, str]:
    """The options of a choice as the model reads them, by their names."""
    assert question.criteria is not None
    return {name: _option(name, means) for name, means in question.criteria.items()}


def meanings_of(question: ChoiceQuestion) -> Mapping[str, str]:
    """What the options of a choice mean, by their names; "" for those that say nothing of it."""
    criteria = question.criteria or {}
    return {name: "" if text is None else laid_out(text) for name, text in criteria.items()}


def canonical(question: ChoiceQuestion, names: Iterable[str]) -> tuple[str, ...]:
    """Names of options in the order that depends on the options alone."""
    means = meanings_of(question)
    return tuple(sorted(names, key=lambda name: (means[name], name)))


def _instructions(question: AnyQuestion, otherwise: str) -> str:
    return otherwise if question.instructions is None else laid_out(question.instructions)


def _option(name: str, means: object) -> str:
    shown = name if name.strip() else json.dumps(name)
    return _hanging(shown if means is None else field(shown, means))


def _hanging(text: str) -> str:
    """A text whose other lines are indented, below an item's number."""
    return text.replace("\n", "\n  ")


def distribution_of(said: Answer[Any]) -> Mapping[object, float]:
    """What an answer says of each outcome. Raises `ModelError` where a server tells no probabilities."""
    if said.distribution is None:
        raise ModelError(
            f"{said.model} tells no probabilities of what it answers",
            help="ask another model, or let the server send those of tokens",
        )
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


def _yes_or_no(state: str, question: str) -> bool:
    """A noul as a `def`; the program says the rest."""
    raise NotImplementedError  # the model answers


def _one_of(state: str, question: str, options: list[str]) -> str:
    """A choice or a score as a `def`; the program says the rest."""
    raise NotImplementedError  # the model answers


def _are_words(names: Sequence[str]) -> bool:
    """Whether a model can answer with these names, and tell them apart."""
    try:
        kind(_ONE_OF).given({"options": list(names)})
    except ArgumentError:
        return False
    # Some vocabularies write different forms of a letter in the same tokens.
    return len({unicodedata.normalize("NFKC", name) for name in names}) == len(names)


@lru_cache(maxsize=_KEPT)
def _functions(name: str, model: abi.Model | None) -> tuple[QuestionFunction, UntoldFunction]:
    """The prompt that a model (the default one for `None`) answers questions of a type with, and the same for
    texts without content."""
    parameters = [Parameter(name="state", type=StrType()), Parameter(name="question", type=StrType())]
    if name != "noul":
        parameters.append(Parameter(name="options", type=ListType(item=StrType())))
    program = Program(
        name=name,
        source="systemone",
        line=0,
        parameters=tuple(parameters),
        returns=BoolType() if name == "noul" else _ONE_OF,
        instruction="",
        input=(abi.Hole(parameter="question"),),
        cue="Answer:",
        using=abi.Using(model=model, decide=abi.LABELS),
        arrangement=Arrangement(state="state"),
    )
    signature: Callable[..., Any] = _yes_or_no if name == "noul" else _one_of
    return QuestionFunction(signature, program=program), UntoldFunction(signature, program=program)
