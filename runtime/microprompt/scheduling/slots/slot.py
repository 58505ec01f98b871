"""What all slots have in common: a node of a plan met with a model, ready to be decoded."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeAlias, TypeVar

from ...answer import FieldAnswer
from ...prompts.plan import Node
from ...prompts.trie import Trie, build_trie
from ..backend import Backend
from ..decoding import Cursor, Decoding
from ..sampling import Sampler
from ..writing import Emit
from .described import SlotPlan
from .said import Said

N = TypeVar("N", bound=Node)

AnySlot: TypeAlias = "Slot[Any]"
AnyLeaf: TypeAlias = "Leaf[Any]"

Decided: TypeAlias = dict[str, FieldAnswer]
"""What was decided in each leaf, by its dotted name ("" for the whole answer)."""

Kept: TypeAlias = Mapping[str, object]
"""What was decided in a leaf as JSON data, for the cache of answers."""


_KEPT_TRIES: Final = 16


@dataclass(frozen=True, slots=True)
class Binding:
    """What slots are made with: the model, how many tokens it may choose in an answer, if that is limited,
    and what makes the slots of the nodes inside a node. The tries that it has made last are kept: calls with
    the same options follow one another."""

    backend: Backend
    max_tokens: int | None
    slot: Callable[[Node, Binding], AnySlot]
    tries: dict[tuple[str, ...], Trie] = field(default_factory=dict, repr=False, compare=False)

    def trie(self, texts: tuple[str, ...]) -> Trie:
        """The trie of labels with these texts."""
        found = self.tries.get(texts)
        if found is None:
            found = build_trie(list(map(self.tokenize, texts)))
            if len(self.tries) >= _KEPT_TRIES:
                self.tries.clear()
            self.tries[texts] = found
        return found

    def tokenize(self, text: str) -> tuple[int, ...]:
        """The tokens of a text of the answer."""
        return tuple(self.backend.tokenize(text, control=False))


@dataclass(frozen=True, slots=True)
class Terms:
    """How one call's answer is decoded: how labels and tokens are taken, how many tokens the model may choose
    in all, what other evidence says of leaves, by their names, and who listens to an answer that is a text by
    itself."""

    sampler: Sampler
    budget: int
    said: Mapping[str, Said] = field(default_factory=dict)
    listener: Emit | None = None


class Slot(ABC, Generic[N]):
    """A part of an answer, in a model's tokens.

    `max_tokens` are evaluated at most and `expected_tokens` as a rule; the shortest of all answers has
    `shortest_tokens`. `lead_tokens` are forced before the model is asked for anything. `sequences` are taken
    beside the cursor's own.
    """

    max_tokens: int
    expected_tokens: int
    shortest_tokens: int
    sequences: int
    lead_tokens: int = 0

    @abstractmethod
    def __init__(self, node: N, binding: Binding) -> None: ...

    @abstractmethod
    def decode(self, cursor: Cursor, terms: Terms) -> Decoding[Decided]:
        """Fill the slot. The cursor ends behind it."""

    @abstractmethod
    def key(self) -> object:
        """JSON data that is different for slots which may be filled differently after the same tokens."""

    @abstractmethod
    def explain(self) -> tuple[SlotPlan, ...]:
        """How each of its leaves is decoded."""

    @abstractmethod
    def leaves(self) -> tuple[AnyLeaf, ...]:
        """The slots that give a value, in order."""

    def settled(self) -> Decided | None:
        """What is decided in it whatever the model would say; `None` if it has to be asked."""
        return None

    def waves(self) -> tuple[tuple[str, ...], ...]:
        """The names of the leaves that are decoded at the same time, if any are."""
        return ()


class Leaf(Slot[N]):
    """A slot that gives a value, which is called `name`."""

    name: str

    def leaves(self) -> tuple[AnyLeaf, ...]:
        return (self,)

    def takes(self, said: Said) -> bool:
        """Whether it can go by what other evidence says."""
        return False

    @abstractmethod
    def keep(self, part: FieldAnswer) -> Kept:
        """What was decided, as data."""

    @abstractmethod
    def recall(self, kept: Kept) -> FieldAnswer:
        """What `keep` made data of. Raises `ValueError`, `KeyError` or `TypeError` for other data."""
