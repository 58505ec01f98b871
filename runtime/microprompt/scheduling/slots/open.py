"""A place in an answer of which only the call says what can stand there."""

from __future__ import annotations

from ...answer import FieldAnswer
from ...errors import EngineError
from ...prompts.plan import Open
from ...types.grammar import Terminals
from ..decoding import Cursor, Decoding
from .described import SlotPlan
from .guided import USUAL_TOKENS
from .slot import Binding, Decided, Kept, Leaf, Terms


class OpenSlot(Leaf[Open]):
    """Tells what is known before the call. In a call another slot takes its place."""

    sequences = 0

    def __init__(self, node: Open, binding: Binding) -> None:
        self.name = node.name
        self._node = node
        write = node.kind.json_grammar if node.is_json else node.kind.grammar
        text = write(Terminals())
        around = len((node.space + node.after).encode())
        self.max_tokens = text.longest + around
        self.expected_tokens = min(self.max_tokens, USUAL_TOKENS)
        self.shortest_tokens = 1

    def decode(self, cursor: Cursor, terms: Terms) -> Decoding[Decided]:
        raise self._refusal()
        yield  # what makes it a generator

    def key(self) -> object:
        raise self._refusal()

    def explain(self) -> tuple[SlotPlan, ...]:
        return (
            SlotPlan(
                name=self.name,
                type=self._node.kind.describe(),
                kind="open",
                max_tokens=self.max_tokens,
                expected_tokens=self.expected_tokens,
            ),
        )

    def keep(self, part: FieldAnswer) -> Kept:
        raise self._refusal()

    def recall(self, kept: Kept) -> FieldAnswer:
        raise self._refusal()

    def _refusal(self) -> EngineError:
        return EngineError(f"it is not known yet what {self.name or 'the answer'} can be: no call is given")
