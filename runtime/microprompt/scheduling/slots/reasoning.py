"""A scratchpad: what the model writes before its answer, freely, up to its end or its bound."""

from __future__ import annotations

import re
from typing import cast

import numpy as np

from ...answer import REASONING, FieldAnswer, Thought
from ...prompts.plan import Reasoning
from ..decoding import Cursor, Decoding
from ..writing import Written, speak
from .described import SlotPlan
from .said import Said, SaidAnswer
from .slot import Binding, Decided, Kept, Leaf, Terms


class ReasoningSlot(Leaf[Reasoning]):
    name = REASONING
    sequences = 0

    def __init__(self, node: Reasoning, binding: Binding) -> None:
        self._node = node
        self._backend = binding.backend
        self._end = re.compile(node.end.encode())
        # The model may have begun with what comes behind by itself, and the rest is then tokenised alone.
        rests = (node.after[place:] for place in range(len(node.after)))
        after = max(len(self._tokens(rest)) for rest in rests)
        self.max_tokens = self.expected_tokens = self.shortest_tokens = node.most + after

    def decode(self, cursor: Cursor, terms: Terms) -> Decoding[Decided]:
        said = terms.said.get(self.name)
        if isinstance(said, SaidAnswer):
            thought = cast(Thought, said.answer.value)
            cursor.pending.extend(self._tokens(thought.written + self._node.after))
            return {self.name: said.answer}
        # What the model may choose in an answer is bounded by itself.
        chosen, cursor.is_free = cursor.tally.chosen, True
        written = yield from speak(
            cursor, terms.sampler, self._node.most, ends=lambda text: self._end.search(text) is not None
        )
        cursor.tally.chosen, cursor.is_free = chosen, False
        return {self.name: self._closed(cursor, written)}

    def _closed(self, cursor: Cursor, written: Written) -> FieldAnswer:
        """The scratchpad that was written, with what is missing behind it put at the cursor."""
        text, found = written.text, self._end.search(written.text)
        if found is None:
            end = len(text.removesuffix(_begun(self._node.after.encode(), text)).rstrip())
        else:
            end = found.start()
            if written.chosen[-1][0] >= end:
                # The last token, which is not evaluated, is none of the thought.
                cursor.pending.pop()
                text = text[: written.chosen[-1][0]]
        begun = text[end:].decode(errors="ignore")
        cursor.pending.extend(self._tokens(_rest(self._node.after, begun)))
        thought = Thought(
            written=text[:end].decode(errors="replace"),
            is_cut=found is None and not begun.strip() and len(written.chosen) == self._node.most,
        )
        return self._part(thought, float(np.exp(np.mean([chance for _, chance in written.chosen] or [0.0]))))

    def takes(self, said: Said) -> bool:
        return isinstance(said, SaidAnswer) and isinstance(said.answer.value, Thought)

    def key(self) -> object:
        return ["reasoning", self._node.most, self._node.end, self._node.after]

    def explain(self) -> tuple[SlotPlan, ...]:
        return (
            SlotPlan(
                name=self.name,
                type="text before the answer",
                kind="reasoning",
                max_tokens=self.max_tokens,
                expected_tokens=self.expected_tokens,
            ),
        )

    def keep(self, part: FieldAnswer) -> Kept:
        thought = cast(Thought, part.value)
        return {"written": thought.written, "is_cut": thought.is_cut, "confidence": part.confidence}

    def recall(self, kept: Kept) -> FieldAnswer:
        thought = Thought(written=str(kept["written"]), is_cut=bool(kept["is_cut"]))
        return self._part(thought, float(cast(float, kept["confidence"])))

    def _part(self, thought: Thought, confidence: float) -> FieldAnswer:
        return FieldAnswer(value=thought, confidence=confidence, distribution=None, coverage=None)

    def _tokens(self, text: str) -> list[int]:
        """Tokens of what is the program's or the template's own: marks in it are real."""
        return self._backend.tokenize(text, control=True)


def _begun(after: bytes, text: bytes) -> bytes:
    """As much of `after` as a text that is cut ends with."""
    begins = (after[:length] for length in range(len(after), 0, -1))
    return next(filter(text.endswith, begins), b"")


def _rest(after: str, begun: str) -> str:
    """What of `after` is missing behind blanks and a piece of it that stand there already."""
    if after.startswith(begun):
        return after[len(begun) :]
    _, line_end, line = begun.rpartition("\n")
    words = after.lstrip()
    return words.removeprefix(line) if line_end and words.startswith(line) else after
