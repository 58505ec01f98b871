"""A text that is written under a grammar, which masks every token and forces what has only one way on."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from ...answer import FieldAnswer
from ...errors import EngineError
from ...prompts.plan import Guided
from ...types.grammar import Terminals
from ...types.punctuation import decoded
from ..decoding import Cursor, Decoding, write
from .described import SlotPlan
from .slot import Binding, Decided, Kept, Leaf, Terms

if TYPE_CHECKING:
    from llguidance import LLMatcher

USUAL_TOKENS: Final = 32
"""What a text takes as a rule, however long it may be. A token has about four characters."""


class GuidedSlot(Leaf[Guided]):
    """A guided text with its grammar; the matcher is built at first use and copied for each call."""

    sequences = 0

    def __init__(self, node: Guided, binding: Binding) -> None:
        self.name = node.name
        self.grammar = node.grammar()
        self._node = node
        self._backend = binding.backend
        write = node.kind.json_grammar if node.is_json else node.kind.grammar
        text = write(Terminals())
        around = len((node.space + node.after).encode())
        # Every token has a byte or more, so a text has no more tokens than bytes. Where the model may choose
        # only some tokens, free text ends with them; what is not free may be forced and costs none.
        self.max_tokens = text.longest + around
        if binding.max_tokens is not None:
            self.max_tokens = min(self.max_tokens, binding.max_tokens + self.max_tokens - text.free)
        self.shortest_tokens = text.shortest + around
        self.expected_tokens = min(self.max_tokens, text.characters + around, USUAL_TOKENS)

    def decode(self, cursor: Cursor, terms: Terms) -> Decoding[Decided]:
        text, log_prob = yield from write(cursor, self.matcher(), terms.sampler, terms.budget)
        return {self.name: self._part(self.value(text), float(np.exp(log_prob)))}

    def matcher(self) -> LLMatcher:
        return self._first.deep_copy()

    def value(self, text: bytes) -> object:
        """The value of what was written."""
        try:
            return self._node.value(text.decode())
        except ValueError as error:
            written = text.decode(errors="replace")
            raise EngineError(f"the guide let through {written!r}, which is no answer: {error}") from error

    def key(self) -> object:
        return ["guided", self.name, self.grammar]

    def explain(self) -> tuple[SlotPlan, ...]:
        return (
            SlotPlan(
                name=self.name,
                type=self._node.kind.describe(),
                kind="guided",
                labels=None,
                passes=None,
                max_tokens=self.max_tokens,
                expected_tokens=self.expected_tokens,
                forced=(),
                trie=(),
                grammar=self.grammar,
            ),
        )

    def keep(self, part: FieldAnswer) -> Kept:
        return {"json": self._node.kind.json(part.value), "confidence": part.confidence}

    def recall(self, kept: Kept) -> FieldAnswer:
        value = self._node.kind.read_json(decoded(cast(str, kept["json"])))
        return self._part(value, float(cast(float, kept["confidence"])))

    def _part(self, value: object, confidence: float) -> FieldAnswer:
        return FieldAnswer(
            value=value,
            confidence=confidence,
            distribution=None,
            coverage=None,
            spans=self._node.kind.spans(value),
        )

    @cached_property
    def _first(self) -> LLMatcher:
        return self._backend.matcher(self.grammar)
