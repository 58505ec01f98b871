"""What lists, sets and dicts have in common: they hold so many items of one type."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from microprompt.abi import DEFAULT_LIST_COUNT
from microprompt.notation import ranged

from ..diagnostics import Reporter
from ..spec import Expr, Subscript
from ..syntax import nodes
from .base import BuiltinType, Dependence, Type, no_field
from .python import annotated, given


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection(BuiltinType):
    """`WORD` is the word of the language. Most of what is asked of a collection is asked of its items."""

    item: Type
    low: int | None = None
    high: int | None = None

    WORD: ClassVar[str]

    @property
    @abstractmethod
    def unbounded(self) -> str:
        """The type as it is written without its range."""

    @property
    @abstractmethod
    def item_length(self) -> int:
        """The most characters that an item takes in an answer, with what stands around it."""

    def describe(self) -> str:
        return ranged(self.unbounded, self.low, self.high)

    @property
    def depth(self) -> int:
        return self.item.depth

    def allows_none(self, mark: nodes.OptionalTypeAst, called: str, reporter: Reporter) -> bool:
        return True

    @property
    def is_asserted(self) -> bool:
        return self.item.is_asserted

    @property
    def has_fields(self) -> bool:
        return False

    def field(self, name: nodes.Name, way: str, called: str, reporter: Reporter) -> Type:
        return no_field(name, way, called, reporter, because=f"a hole shows a whole {self.WORD}; ")

    @property
    def depends_on(self) -> frozenset[Dependence]:
        return self.item.depends_on

    @property
    def options(self) -> None:
        return None

    @property
    def has_choices(self) -> bool:
        return self.item.has_choices

    @property
    def may_be_none(self) -> bool:
        return False

    @property
    def ends(self) -> bool:
        return not self.low or self.item.ends

    @property
    def longest(self) -> int:
        count = DEFAULT_LIST_COUNT if self.high is None else self.high
        return len("[]") + count * self.item_length

    @property
    def most_items(self) -> int | None:
        return self.high

    def within(self, limit: int) -> str | None:
        least = max(1, self.low or 0)
        count = (limit - len("[]")) // self.item_length
        if count >= least:
            return f"write `{ranged(self.unbounded, self.low, count)}`"
        around = self.item_length - self.item.longest
        return self.item.within((limit - len("[]")) // least - around)

    def bounded(self, annotation: Subscript) -> Expr:
        """The annotation with the bounds of how many items there are."""
        return annotated(annotation, min_length=given(self.low or None), max_length=given(self.high))
