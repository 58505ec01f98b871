"""How often a question is put to a model, and what its answers come to together.

As a rule it is put once. What is said of the state is divided by what is said of texts without content
(`priors`). Small models prefer some places in a list; so options may be shown in several
orders, each rotated against the others, until these agree.

Options that are too many for one list are split into groups. The best of each group then stand in a list of
their own, and what that says of them holds for their groups: within a group as between the best ones, the
odds of two options are those that the model gave where it saw both. (Luce's choice axiom, 1959.)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import islice, pairwise
from typing import Any, Final, assert_never

import numpy as np
from numpy.typing import NDArray

from .. import abi
from ..answer import Answer, Usage
from ..heads.linear import log_softmax
from . import by_words, priors
from .questions import (
    ChoiceInquiry,
    Inquiry,
    NoulInquiry,
    Put,
    ScoreInquiry,
    answer_of_choice,
    canonical,
    options_of,
)
from .wire import AnyAnswer, AnyQuestion, ChoiceQuestion, NoulQuestion, ScoreQuestion

LABELS_WEIGH: Final = 0.5
"""How much label scores weigh beside what the words of options say. (Of 100 messages about 8 topics, 95 were
right with smollm2-135m; with the words alone 94, with scores of the same weight 83, with them alone 21.)"""

SURE: Final = 0.9
"""How probable, on average, the option has to be that all orders so far agree on, for no others to be
shown."""

MAX_LISTED: Final = 32
"""The most options in a list."""

MAX_BYTES: Final = 4096
"""About how long a list is at most, in bytes of UTF-8: its tokens are hardly ever more."""

_LEAST: Final = 1e-12  # a probability, so that its logarithm is a number

class Poll(ABC):
    """A question at work: as long as there are `puts`, they are asked, and `take` is given the answers.

    `usages` is what the prompts about the state have cost.
    """

    usages: list[Usage]

    @abstractmethod
    def puts(self) -> list[Put]:
        """What is to be asked next, all at once; nothing when all is known."""

    @abstractmethod
    def take(self, answers: Sequence[Answer[Any]]) -> None:
        """Take the answers to the last puts."""

    @abstractmethod
    def probabilities(self) -> list[float]:
        """What all answers say of the outcomes, in their order."""

    @abstractmethod
    def answer(self) -> AnyAnswer:
        """The answer to the question."""


def poll_of(
    question: AnyQuestion, state: str, model: abi.Model | None, *, is_averaged: bool = False
) -> Poll:
    """The question, put to a model (the default one for `None`) about the text of a state: in one order of
    its options, or in several."""
    match question:
        case NoulQuestion():
            return SinglePoll(NoulInquiry(question, state, model), is_averaged=is_averaged)
        case ScoreQuestion():
            return SinglePoll(ScoreInquiry(question, state, model), is_averaged=is_averaged)
        case ChoiceQuestion():
            assert question.criteria is not None
            names = canonical(question, question.criteria)
            return _choice(question, names, state, model, is_averaged=is_averaged)
        case _:
            assert_never(question)


def _choice(
    question: ChoiceQuestion,
    names: Sequence[str],
    state: str,
    model: abi.Model | None,
    *,
    is_averaged: bool,
) -> Poll:
    shown = options_of(question)
    length = sum(len(shown[name].encode()) for name in names)
    groups = max(-(-len(names) // MAX_LISTED), -(-length // MAX_BYTES))
    groups = min(groups, len(names) // 2)
    if groups < 2:
        return SinglePoll(ChoiceInquiry(question, names, state, model), is_averaged=is_averaged)
    return _GroupedPoll(question, names, groups, state, model, is_averaged=is_averaged)


class SinglePoll(Poll):
    """A question that is put in one order, or in so many that they agree."""

    def __init__(self, inquiry: Inquiry, *, is_averaged: bool = False) -> None:
        self.usages = []
        self._inquiry = inquiry
        self._orders = inquiry.orders if is_averaged else 1
        self._said: list[NDArray[np.float64]] = []
        self._asked: list[tuple[NDArray[np.float64] | None, int]] = []
        self._asks_words = False
        self._words: NDArray[np.float64] | None = None

    def puts(self) -> list[Put]:
        # The first two orders, and then each time as many again as there were.
        known = len(self._said)
        if known >= self._orders or self._is_sure():
            return []
        found: list[Put] = []
        self._asked = []
        if not known and (words := self._inquiry.words()) is not None:
            found.append(words)
            self._asks_words = True
        for order in range(known, min(self._orders, 2 * known or 2)):
            found.append((self._inquiry.function, self._inquiry.arguments(order)))
            bias = priors.known(self._inquiry, order)
            free = self._inquiry.free if bias is None else ()
            found += ((self._inquiry.untold, self._inquiry.arguments(order, text)) for text in free)
            self._asked.append((bias, len(free)))
        return found

    def take(self, answers: Sequence[Answer[Any]]) -> None:
        rest = iter(answers)
        if self._asks_words and not self._said:
            answer = next(rest)
            if answer.answered_by == by_words.ANSWERED_BY:
                self._words = _logarithms(list((answer.distribution or {}).values()))
        for bias, free in self._asked:
            order, answer = len(self._said), next(rest)
            self.usages.append(answer.usage)
            if free:
                without = np.stack([self._log_probs(each, order) for each in islice(rest, free)])
                bias = priors.found(self._inquiry, order, without)
            said = self._log_probs(answer, order)
            self._said.append(said if bias is None else log_softmax(said + bias))

    def probabilities(self) -> list[float]:
        return [float(each) for each in self._mean()]

    def answer(self) -> AnyAnswer:
        return self._inquiry.answer(self.probabilities())

    def _is_sure(self) -> bool:
        if not self._said:
            return False
        return len({int(said.argmax()) for said in self._said}) == 1 and float(self._mean().max()) >= SURE

    def _log_probs(self, answer: Answer[Any], order: int) -> NDArray[np.float64]:
        return _logarithms(self._inquiry.probabilities(answer, order))

    def _mean(self) -> NDArray[np.float64]:
        """The mean in log space, beside what the words say; normalised."""
        mean: NDArray[np.float64] = np.mean(self._said, axis=0)
        if self._words is not None:
            mean = LABELS_WEIGH * mean + self._words
        return np.exp(log_softmax(mean))


def _logarithms(probabilities: Sequence[float]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.log(np.maximum(np.array(probabilities), _LEAST))
    return found


class _GroupedPoll(Poll):
    """A choice among groups of options, and then among the best of each."""

    def __init__(
        self,
        question: ChoiceQuestion,
        names: Sequence[str],
        groups: int,
        state: str,
        model: abi.Model | None,
        *,
        is_averaged: bool,
    ) -> None:
        self.usages = []
        self._question = question
        self._names = tuple(names)
        self._state = state
        self._model = model
        self._is_averaged = is_averaged
        ends = [len(names) * number // groups for number in range(groups + 1)]
        self._groups = [names[start:end] for start, end in pairwise(ends)]
        self._polls = [self._poll(group) for group in self._groups]
        self._asked: list[tuple[Poll, int]] = []
        self._final: Poll | None = None
        self._best: list[str] = []

    def puts(self) -> list[Put]:
        found: list[Put] = []
        self._asked = []
        for poll in self._polls:
            puts = poll.puts()
            found += puts
            self._asked.append((poll, len(puts)))
        if found:
            return found
        if self._final is None:
            self._best = [
                max(zip(poll.probabilities(), group, strict=True), key=lambda pair: pair[0])[1]
                for poll, group in zip(self._polls, self._groups, strict=True)
            ]
            self._final = self._poll(self._best)
        puts = self._final.puts()
        self._asked = [(self._final, len(puts))]
        return puts

    def take(self, answers: Sequence[Answer[Any]]) -> None:
        rest = iter(answers)
        for poll, count in self._asked:
            known = len(poll.usages)
            poll.take(list(islice(rest, count)))
            self.usages += poll.usages[known:]

    def probabilities(self) -> list[float]:
        assert self._final is not None, "all is asked"
        weights: dict[str, float] = {}
        for poll, group, best in zip(self._polls, self._groups, self._final.probabilities(), strict=True):
            inside = poll.probabilities()
            weights |= {name: best * each / max(inside) for name, each in zip(group, inside, strict=True)}
        total = sum(weights.values())
        return [weights[name] / total for name in self._names]

    def answer(self) -> AnyAnswer:
        return answer_of_choice(self._question, self._names, self.probabilities())

    def _poll(self, names: Sequence[str]) -> Poll:
        return _choice(self._question, names, self._state, self._model, is_averaged=self._is_averaged)
