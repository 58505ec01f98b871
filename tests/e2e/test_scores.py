"""Labels' scores on the real models: the trie gives what each label would get alone."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from microprompt.engines.engine import Engine
from microprompt.engines.loaded import override
from microprompt.program import Program
from microprompt.scheduling.backend import Step
from microprompt.scheduling.slots import ChoiceSlot
from microprompt.types import LiteralType

from .functions import MESSAGES, TOPICS, ask, llama, tolerance, topic

pytestmark = pytest.mark.model

Row: TypeAlias = NDArray[np.float64]


def log_softmax(logits: NDArray[np.float32]) -> Row:
    shifted = logits.astype(np.float64) - float(logits.max())
    found: Row = shifted - np.log(np.exp(shifted).sum())
    return found


class Alone:
    """Scores one label of a choice by itself, after a prompt on its own sequence."""

    def __init__(self, engine: Engine, program: Program, text: str) -> None:
        self.bound = engine.bind(program)
        slot = self.bound.answer
        assert isinstance(slot, ChoiceSlot)
        self.trie = slot.trie
        self._backend = llama(engine)
        [group] = engine.scheduler.runners
        lane = group.full
        prefix = lane.prefixes.find(self.bound.prefix)
        assert prefix is not None
        self._prefix = prefix.sequence
        self._pool = lane.pool
        self._taken = [self._pool.take() for _ in range(1 + len(self.trie.paths))]
        self._asked = [*self.bound.question({"text": text}), *self.trie.common]

    def __enter__(self) -> Alone:
        return self

    def __exit__(self, *_: object) -> None:
        for sequence in self._taken:
            self._pool.give_back(sequence)

    def one_by_one(self, label: int) -> float:
        """The label's log-probability from an empty sequence, its tokens evaluated one after the other."""
        self._clear()
        self._row(list(self.bound.prefix), 0)
        place = len(self.bound.prefix)
        row = self._row(self._asked, place)
        place += len(self._asked)
        total = 0.0
        for index, (_, token) in enumerate(self.trie.edges[label]):
            if index:
                row = self._row([self.trie.edges[label][index - 1][1]], place)
                place += 1
            total += float(row[token])
        return total

    def beside_others(self, label: int) -> float:
        """The same after the cached prefix, in a batch that is as long as the one that scores all labels:
        the tokens of the other labels are in it, in sequences of their own."""
        self._clear()
        own, *others = self._taken
        for sequence in self._taken:
            self._backend.fork(self._prefix, sequence)
        place = len(self.bound.prefix)
        step = Step()
        for index, token in enumerate(self._asked):
            step.add(token, place + index, tuple(self._taken), row=index == len(self._asked) - 1)
        place += len(self._asked)
        for number, node in enumerate(self.trie.nodes):
            is_own = number in self.trie.evaluated(label)
            on = [other for other, path in zip(others, self.trie.paths, strict=True) if number in path]
            step.add(node.token, place + node.depth - 1, (own,) if is_own else tuple(on), row=True)
        rows = [log_softmax(row) for row in self._backend.decode(step, 1)]
        return sum(float(rows[node + 1][token]) for node, token in self.trie.edges[label])

    def _row(self, tokens: list[int], start: int) -> Row:
        step = Step()
        for index, token in enumerate(tokens):
            step.add(token, start + index, (self._taken[0],), row=index == len(tokens) - 1)
        return log_softmax(self._backend.decode(step, 1)[0])

    def _clear(self) -> None:
        for sequence in self._taken:
            self._backend.forget(sequence)


def normalised(scores: list[float]) -> Row:
    found: Row = np.array(scores) - np.log(np.exp(scores).sum())
    return found


@pytest.mark.parametrize(
    ("name", "message"), [("engine", MESSAGES[0]), ("engine", MESSAGES[1]), ("gemma", MESSAGES[1])]
)
def test_colliding_labels_score_as_each_would_alone(
    name: str, message: str, request: pytest.FixtureRequest
) -> None:
    engine: Engine = request.getfixturevalue(name)
    with override(engine):
        answer = topic.detail(message)
    assert answer.distribution is not None
    assert tuple(answer.distribution) == TOPICS
    with Alone(engine, topic.program, message) as alone:
        same_shape = [alone.beside_others(label) for label in range(len(TOPICS))]
        one_by_one = [alone.one_by_one(label) for label in range(len(TOPICS))]
    found = list(answer.distribution.values())
    assert np.log(found) == pytest.approx(normalised(same_shape), abs=1e-6)
    assert answer.coverage == pytest.approx(np.exp(same_shape).sum(), rel=1e-6)
    assert answer.value == TOPICS[int(np.argmax(same_shape))]
    assert found == pytest.approx(np.exp(normalised(one_by_one)), abs=tolerance(engine))


def test_a_thousand_labels_score_as_each_would_alone(on_smollm2: Engine) -> None:
    verbs = ["get", "set", "list", "create", "delete", "update", "search", "fetch", "send", "cancel"]
    nouns = ["user", "order", "invoice", "ticket", "file", "folder", "message", "email", "calendar", "event"]
    labels = tuple(
        f"{verb}_{noun}_{how}"
        for verb in verbs
        for noun in nouns
        for how in ["now", "later", "here", "there", "once", "twice", "again", "first", "last", "ever"]
    )
    tool = ask(LiteralType(values=labels), "Name the tool for the request.")
    text = "Send an email to Anna."
    answer = tool.detail(text)
    assert answer.distribution is not None
    found = np.log(np.array(list(answer.distribution.values())))
    assert np.exp(found).sum() == pytest.approx(1)
    with Alone(on_smollm2, tool.program, text) as alone:
        some = range(0, len(labels), 83)
        expected = np.array([alone.one_by_one(label) for label in some])
    # Hundreds of tokens go into long batches, whose logits move a little more (decisions/0005).
    assert found[list(some)] - found[0] == pytest.approx(
        expected - expected[0], abs=20 * tolerance(on_smollm2)
    )
