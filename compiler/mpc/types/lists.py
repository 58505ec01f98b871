"""`list[T]`: items of one type."""

from __future__ import annotations

from dataclasses import dataclass

from microprompt.abi import DEFAULT_LIST_COUNT
from microprompt.notation import ranged

from ..diagnostics import Reporter
from ..spec import Expr, ListOf, Ref, Subscript
from ..syntax import nodes
from .base import BuiltinType, Dependence, ErrorType, Naming, Operand, Reading, Type, Value, no_field
from .constraints import lengths, report_arguments, takes_no_pattern
from .operands import Sort
from .python import annotated, given


@dataclass(frozen=True, slots=True)
class ListValue:
    items: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedList(BuiltinType):
    item: Type
    low: int | None = None
    high: int | None = None

    @classmethod
    def written(cls, node: nodes.NamedTypeAst, items: tuple[Type, ...], reporter: Reporter) -> Type:
        if len(items) != 1:
            return report_arguments(
                node, "a list names the type of its items", "write it in brackets: `list[str]`", reporter
            )
        low, high = lengths(node, "items", DEFAULT_LIST_COUNT, reporter)
        takes_no_pattern(node, "put the pattern on the item's type", reporter)
        return items[0] if isinstance(items[0], ErrorType) else cls(item=items[0], low=low, high=high)

    def describe(self) -> str:
        return ranged(f"list[{self.item.describe()}]", self.low, self.high)

    def hint(self) -> str:
        return "write the items in brackets: `[a, b]`"

    def read(self, node: nodes.ValueAst, reading: Reading) -> Value:
        if not isinstance(node, nodes.ListAst):
            return reading.mismatch(node)
        inside = reading.inside(self.item)
        items = tuple(inside.read(item) for item in node.items)
        reading.check_size(node.span, len(items), self.low, self.high, DEFAULT_LIST_COUNT, "items")
        return ListValue(items)

    @property
    def depth(self) -> int:
        return self.item.depth

    def allows_none(self, mark: nodes.OptionalTypeAst, called: str, reporter: Reporter) -> bool:
        return True

    @property
    def operand(self) -> Operand:
        return Operand(type=CheckedList(item=self.item), sort=Sort.LIST, item=self.item, can_be_empty=True)

    @property
    def is_asserted(self) -> bool:
        return self.item.is_asserted

    def unfold(self, value: Value) -> object:
        assert isinstance(value, ListValue)
        return tuple(map(self.item.unfold, value.items))

    @property
    def has_fields(self) -> bool:
        return False

    def field(self, name: nodes.Name, way: str, called: str, reporter: Reporter) -> Type:
        return no_field(name, way, called, reporter, because="a hole shows a whole list; ")

    @property
    def item_type(self) -> Type:
        return self.item

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
        return len("[]") + count * self._item_length

    @property
    def _item_length(self) -> int:
        """What an item takes with its quotes or the comma and space behind it, whatever is more."""
        return self.item.longest + len('"",')

    def within(self, limit: int) -> str | None:
        least = max(1, self.low or 0)
        count = (limit - len("[]")) // self._item_length
        if count >= least:
            return f"write `{ranged(f'list[{self.item.describe()}]', self.low, count)}`"
        return self.item.within((limit - len("[]")) // least - len('"",'))

    def annotation(self, naming: Naming) -> Expr:
        return annotated(
            Subscript(Ref(("list",)), (self.item.annotation(naming),)),
            min_length=given(self.low or None),
            max_length=given(self.high),
        )

    def value(self, value: Value, naming: Naming) -> Expr:
        assert isinstance(value, ListValue)
        return ListOf(tuple(self.item.value(item, naming) for item in value.items))
