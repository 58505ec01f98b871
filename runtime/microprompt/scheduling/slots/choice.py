"""A choice: every label is scored along the trie of their tokens, and none is generated. A lone one is taken
as it is."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from ...answer import FieldAnswer
from ...prompts.plan import Choice
from ...prompts.trie import Trie
from ..decoding import Cursor, Decoding, choose
from ..trie_search import MAX_PATHS, most_evaluated
from .described import SlotPlan, TrieBranch
from .said import Said, SaidAnswer
from .slot import Binding, Decided, Kept, Leaf, N, Terms


class ScoredLeaf(Leaf[N]):
    """What gives one of `values`, each of which has its probability; `outcomes` are the same as the keys of a
    distribution."""

    values: tuple[object, ...]
    outcomes: tuple[Hashable, ...]

    def keep(self, part: FieldAnswer) -> Kept:
        return {
            "label": self.values.index(part.value),
            "distribution": list((part.distribution or {}).values()),
            "coverage": part.coverage,
        }

    def recall(self, kept: Kept) -> FieldAnswer:
        label = range(len(self.values))[cast(int, kept["label"])]
        probabilities = [float(each) for each in cast("list[float]", kept["distribution"])]
        coverage = kept["coverage"]
        return self.part(label, probabilities, None if coverage is None else float(cast(float, coverage)))

    def part(self, label: int, probabilities: Sequence[float], coverage: float | None) -> FieldAnswer:
        return FieldAnswer(
            value=self.values[label],
            confidence=probabilities[label],
            distribution=dict(zip(self.outcomes, probabilities, strict=True)),
            coverage=coverage,
            answered_by="labels",
        )


class ChoiceSlot(ScoredLeaf[Choice]):
    """A choice with the trie of its labels, each with what follows it, so that none begins another."""

    def __init__(self, node: Choice, binding: Binding) -> None:
        self.name = node.name
        self.values = tuple(value for value, _ in node.options)
        self.outcomes = tuple(map(node.kind.outcome, self.values))
        self.trie: Trie = binding.trie(tuple(text + node.after for _, text in node.options))
        inner = most_evaluated(self.trie)
        usual = min(inner, MAX_PATHS * max((node.depth for node in self.trie.nodes), default=0))
        rests = [len(self.trie.rest(label)) for label in range(len(self.values))]
        longest = max(map(len, self.trie.labels))
        self.max_tokens = inner + longest
        self.expected_tokens = usual + longest
        self.shortest_tokens = usual + len(self.trie.common) + min(rests)
        self.sequences = min(len(self.trie.paths), MAX_PATHS)
        # Of a lone label nothing is left to ask.
        self._lone = self.part(0, (1.0,), None) if len(self.values) == 1 else None
        self._kind = node.kind
        self._backend = binding.backend

    def settled(self) -> Decided | None:
        return None if self._lone is None else {self.name: self._lone}

    def decode(self, cursor: Cursor, terms: Terms) -> Decoding[Decided]:
        _, part = yield from self.decide(cursor, terms)
        return {self.name: part}

    def decide(self, cursor: Cursor, terms: Terms) -> Decoding[tuple[int, FieldAnswer]]:
        """Take a label: its index, and what that says."""
        said = terms.said.get(self.name)
        if isinstance(said, SaidAnswer):
            label = self.values.index(said.answer.value)
            cursor.pending.extend(self.trie.labels[label])
            return label, said.answer
        if self._lone is not None:
            cursor.pending.extend(self.trie.labels[0])
            return 0, self._lone
        weigh = None if said is None else said.weigh
        label, scores = yield from choose(cursor, self.trie, terms.sampler.at(self.name), weigh)
        probabilities = [float(each) for each in np.exp(scores.normalised())]
        part = self.part(label, probabilities, scores.coverage())
        if said is not None:
            part = replace(part, answered_by=said.answered_by, calibrated=said.calibrated)
        return label, part

    def takes(self, said: Said) -> bool:
        # It is about these labels.
        if isinstance(said, SaidAnswer):
            return said.answer.value in self.values
        return said.log_scores.shape == (len(self.values),)

    def key(self) -> object:
        return ["choice", self.name, self.trie.labels]

    def explain(self) -> tuple[SlotPlan, ...]:
        trie = self.trie
        return (
            SlotPlan(
                name=self.name,
                type=self._kind.describe(),
                kind="choice",
                labels=len(trie.labels),
                passes=max(1, -(-len(trie.paths) // MAX_PATHS)) if len(trie.labels) > 1 else 0,
                max_tokens=self.max_tokens,
                expected_tokens=self.expected_tokens,
                forced=tuple(map(self._text, trie.common)),
                trie=self._branches(range(len(trie.labels)), 0),
            ),
        )

    def _branches(self, labels: Sequence[int], depth: int) -> tuple[TrieBranch, ...]:
        """What may follow at a depth where `labels` have not parted yet."""
        by_token: dict[int, list[int]] = {}
        for label in labels:
            by_token.setdefault(self.trie.edges[label][depth][1], []).append(label)
        found = []
        for token, inside in by_token.items():
            # The last edge of a label is one that no other label has.
            is_last = len(self.trie.edges[inside[0]]) == depth + 1
            found.append(
                TrieBranch(
                    token=self._text(token),
                    label=self._kind.key(self.values[inside[0]]) if is_last else None,
                    evaluated=not is_last,
                    children=() if is_last else self._branches(inside, depth + 1),
                )
            )
        return tuple(found)

    def _text(self, token: int) -> str:
        return self._backend.piece(token).decode(errors="backslashreplace")
