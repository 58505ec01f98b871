"""Some of a few labels: each is asked for by itself, all of them in one batch, and then the bounds are kept.

The questions begin at the same place and none sees the others, so they are decoded side by side, as fields
are that are independent. What comes behind sees the whole set: its text is forced once it is decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import cast

import numpy as np

from ...answer import FieldAnswer
from ...prompts.plan import Flag, Subset
from ...prompts.trie import build_trie
from ..decoding import Cursor, Decoding, choose, side_by_side
from ..sampling import Sampler
from ..trie_search import MAX_PATHS
from .described import SlotPlan
from .side_by_side import together, waves
from .slot import Binding, Decided, Kept, Leaf, Terms

_YES, _NO = 0, 1


class _Question:
    """A flag in tokens: those that lead to it, and the two ways on."""

    def __init__(self, flag: Flag, binding: Binding) -> None:
        self.lead = binding.tokenize(flag.lead)
        self.trie = build_trie([binding.tokenize(flag.yes), binding.tokenize(flag.no)])
        self.sequences = len(self.trie.paths)
        self.evaluated = len(self.lead) + len(self.trie.common) + len(self.trie.nodes)

    def ask(self, cursor: Cursor, sampler: Sampler) -> Decoding[tuple[bool, float, float]]:
        """Whether the label is taken, the probability that it is, and the coverage."""
        label, scores = yield from choose(cursor, self.trie, sampler)
        return label == _YES, float(np.exp(scores.normalised()[_YES])), scores.coverage()


class SubsetSlot(Leaf[Subset]):
    def __init__(self, node: Subset, binding: Binding) -> None:
        self.name = node.name
        self.values = tuple(flag.value for flag in node.flags)
        self._node = node
        self._questions = tuple(_Question(flag, binding) for flag in node.flags)
        self._waves = tuple(waves(self._questions, MAX_PATHS))
        self._start = self._questions[0].lead
        asked = sum(question.evaluated for question in self._questions)
        written = [[len(way) for way in question.trie.labels] for question in self._questions]
        self.max_tokens = self.expected_tokens = asked + len(self._start) + sum(map(max, written))
        self.shortest_tokens = asked + len(self._start) + sum(map(min, written))
        self.lead_tokens = sum(len(question.lead) for question in self._questions)
        self.sequences = max(map(together, self._waves))

    def decode(self, cursor: Cursor, terms: Terms) -> Decoding[Decided]:
        found: list[tuple[bool, float, float]] = []
        for wave in self._waves:
            branches = [(each.lead, partial(each.ask, sampler=terms.sampler.at(self.name))) for each in wave]
            found += yield from side_by_side(cursor, branches)
        said, chances, coverage = zip(*found, strict=True)
        taken = self._within_bounds(said, chances)
        cursor.pending.extend(self._start)
        for question, is_taken in zip(self._questions, taken, strict=True):
            cursor.pending.extend(question.trie.labels[_YES if is_taken else _NO])
        return {self.name: self._part(taken, chances, min(coverage))}

    def _within_bounds(self, said: Sequence[bool], chances: Sequence[float]) -> list[bool]:
        """What was said, changed where it is least sure until the bounds hold: of all sets in the bounds the
        most probable one, where what is more probable was said of each."""
        taken = list(said)
        by_chance = sorted(range(len(said)), key=lambda label: chances[label], reverse=True)
        while sum(taken) > self._node.most:
            taken[next(label for label in reversed(by_chance) if taken[label])] = False
        while sum(taken) < self._node.least:
            taken[next(label for label in by_chance if not taken[label])] = True
        return taken

    def key(self) -> object:
        return ["subset", self.name, [[q.lead, q.trie.labels] for q in self._questions], *self._bounds()]

    def explain(self) -> tuple[SlotPlan, ...]:
        return (
            SlotPlan(
                name=self.name,
                type=self._node.kind.describe(),
                kind="subset",
                labels=len(self.values),
                passes=len(self._waves),
                max_tokens=self.max_tokens,
                expected_tokens=self.expected_tokens,
            ),
        )

    def keep(self, part: FieldAnswer) -> Kept:
        taken = cast("frozenset[object]", part.value)
        return {
            "taken": [value in taken for value in self.values],
            "chances": list((part.distribution or {}).values()),
            "coverage": part.coverage,
        }

    def recall(self, kept: Kept) -> FieldAnswer:
        taken = [bool(each) for each in cast("list[bool]", kept["taken"])]
        chances = [float(each) for each in cast("list[float]", kept["chances"])]
        return self._part(taken, chances, float(cast(float, kept["coverage"])))

    def _part(self, taken: Sequence[bool], chances: Sequence[float], coverage: float) -> FieldAnswer:
        by_label = list(zip(self.values, taken, chances, strict=True))
        return FieldAnswer(
            value=frozenset(value for value, is_taken, _ in by_label if is_taken),
            confidence=min(chance if is_taken else 1 - chance for _, is_taken, chance in by_label),
            distribution={value: chance for value, _, chance in by_label},
            coverage=coverage,
            answered_by="labels",
        )

    def _bounds(self) -> tuple[int, int]:
        return self._node.least, self._node.most
