"""A text that is written under a grammar, which masks every token and forces what has only one way on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from ...answer import FieldAnswer
from ...errors import AnswerTooLong, EngineError
from ...prompts.plan import Guided
from ...types.dicts import distinct_keys
from ...types.grammar import Terminals
from ...types.punctuation import decoded
from ..decoding import Cursor, Decoding
from ..writing import Beginning, Emit, Written, write
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
        self._has_keys = node.kind.has_keys()
        self._has_grammar = node.kind.has_grammar()
        write = node.kind.json_grammar if node.is_json else node.kind.grammar
        text = write(Terminals())
        around = len((node.space + node.after).encode())
        self._most = text.longest + around
        self._characters = text.characters
        # Every token has a byte or more, so a text has no more tokens than bytes. Where the model may choose
        # only some tokens, free text ends with them; what is not free may be forced and costs none.
        self.max_tokens = text.longest + around
        if binding.max_tokens is not None:
            self.max_tokens = min(self.max_tokens, binding.max_tokens + self.max_tokens - text.free)
        self.shortest_tokens = text.shortest + around
        self.expected_tokens = min(self.max_tokens, text.characters + around, USUAL_TOKENS)

    def decode(self, cursor: Cursor, terms: Terms) -> Decoding[Decided]:
        return (yield from self.write(cursor, terms, self.matcher()))

    def write(
        self, cursor: Cursor, terms: Terms, matcher: LLMatcher, instead_of: Beginning | None = None
    ) -> Decoding[Decided]:
        """The same `instead_of` another text; the matcher has taken what both begin with."""
        room = _Room(self._most, distinct_keys if self._has_keys else None) if self._has_grammar else None
        fits = room or (distinct_keys if self._has_keys else None)
        sampler = terms.sampler.at(self.name)
        try:
            written = yield from write(
                cursor, matcher, sampler, terms.budget, self._emit(terms), instead_of, fits
            )
        except EngineError as error:
            if room is None or not room.is_full:
                raise
            raise AnswerTooLong(
                f"the answer was not complete after the {self._characters} characters that its type allows",
                help="bound the grammar's text higher, as in Sum(..400)",
            ) from error
        sampler.wrote(written.text, self._node.kind)
        value = self.value(written.text)
        items = tuple(self._items(written))
        inside = {place for item in items for place, _ in item}
        rest = [[each] for each in written.chosen if each[0] not in inside]
        found = [self._confidence(item) for item in items]
        least = min([self._confidence(part) for part in (*items, *rest)], default=1.0)
        confidence = least if items else self._confidence(written.chosen)
        return {self.name: self._part(value, confidence, tuple(found))}

    def _emit(self, terms: Terms) -> Emit | None:
        """Who is told of the text, if it is the whole answer: not of what stands around it."""
        if terms.listener is None or self.name or self._node.is_json:
            return None
        return _Within(self._node.space.encode(), self._node.after.encode(), terms.listener)

    def _items(self, written: Written) -> Iterator[Sequence[tuple[int, float]]]:
        """What the model chose in each item of a list."""
        text = written.text.decode(errors="replace").removeprefix(self._node.space)
        for start, end in self._node.kind.item_spans(text):
            first, last = (len(f"{self._node.space}{text[:place]}".encode()) for place in (start, end))
            yield [(place, chance) for place, chance in written.chosen if first <= place < last]

    def _confidence(self, chosen: Sequence[tuple[int, float]]) -> float:
        """The probability of what was chosen; of what could be said in many ways that of a token on the
        geometric mean, for their product would tell how long it is."""
        if not chosen:
            return 1.0
        total = sum(chance for _, chance in chosen)
        return float(np.exp(total / len(chosen) if self._node.kind.is_free_text() else total))

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
                max_tokens=self.max_tokens,
                expected_tokens=self.expected_tokens,
                grammar=self.grammar,
            ),
        )

    def keep(self, part: FieldAnswer) -> Kept:
        json_text = self._node.kind.json(part.value)
        return {"json": json_text, "confidence": part.confidence, "items": list(part.items)}

    def recall(self, kept: Kept) -> FieldAnswer:
        value = self._node.kind.read_json(decoded(cast(str, kept["json"])))
        items = tuple(float(each) for each in cast("list[float]", kept["items"]))
        return self._part(value, float(cast(float, kept["confidence"])), items)

    def _part(self, value: object, confidence: float, items: tuple[float, ...]) -> FieldAnswer:
        return FieldAnswer(
            value=value,
            confidence=confidence,
            distribution=None,
            coverage=None,
            spans=self._node.kind.spans(value),
            items=items,
        )

    @cached_property
    def _first(self) -> LLMatcher:
        return self._backend.matcher(self.grammar)


class _Room:
    """Says whether a text that a grammar would let go on for ever is still short enough."""

    def __init__(self, most: int, fits: Callable[[bytes], bool] | None) -> None:
        self.is_full = False
        self._most = most
        self._fits = fits

    def __call__(self, text: bytes) -> bool:
        if len(text) > self._most:
            self.is_full = True
            return False
        return self._fits is None or self._fits(text)


class _Within:
    """Tells a listener a text without what stands before and after it, in whatever pieces it comes. What may
    be the beginning of what stands after it is kept back until more is there."""

    def __init__(self, before: bytes, after: bytes, listener: Emit) -> None:
        self._before = before
        self._after = after
        self._listener = listener
        self._held = b""

    def __call__(self, piece: bytes) -> None:
        begun = min(len(self._before), len(piece))
        self._before, piece = self._before[begun:], piece[begun:]
        self._held += piece
        begins = (self._after[:length] for length in range(len(self._after), 0, -1))
        kept = next(filter(self._held.endswith, begins), b"")
        told, self._held = self._held[: len(self._held) - len(kept)], kept
        if told:
            self._listener(told)
