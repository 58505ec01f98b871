"""`list[T]`: items of one type."""

from __future__ import annotations

from dataclasses import dataclass

from microprompt.abi import DEFAULT_LIST_COUNT

from ..diagnostics import Reporter
from ..spec import Expr, ListOf, Ref, Subscript
from ..syntax import nodes
from .base import ErrorType, Naming, Operand, Reading, Type, Value
from .constraints import lengths, report_arguments, takes_no_pattern
from .items import Collection
from .operands import Sort


@dataclass(frozen=True, slots=True)
class ListValue:
    items: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedList(Collection):
    WORD = "list"

    @property
    def unbounded(self) -> str:
        return f"list[{self.item.describe()}]"

    @classmethod
    def written(cls, node: nodes.NamedTypeAst, items: tuple[Type, ...], reporter: Reporter) -> Type:
        if len(items) != 1:
            return report_arguments(
                node, "a list names the type of its items", "write it in brackets: `list[str]`", reporter
            )
        low, high = lengths(node, "items", DEFAULT_LIST_COUNT, reporter)
        takes_no_pattern(node, "put the pattern on the item's type", reporter)
        return items[0] if isinstance(items[0], ErrorType) else cls(item=items[0], low=low, high=high)

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
    def operand(self) -> Operand:
        return Operand(type=CheckedList(item=self.item), sort=Sort.LIST, item=self.item, can_be_empty=True)

    def unfold(self, value: Value) -> object:
        assert isinstance(value, ListValue)
        return tuple(map(self.item.unfold, value.items))

    @property
    def item_type(self) -> Type:
        return self.item

    @property
    def item_length(self) -> int:
        # With its quotes or the comma and space behind it, whatever is more.
        return self.item.longest + len('"",')

    def annotation(self, naming: Naming) -> Expr:
        return self.bounded(Subscript(Ref(("list",)), (self.item.annotation(naming),)))

    def value(self, value: Value, naming: Naming) -> Expr:
        assert isinstance(value, ListValue)
        return ListOf(tuple(self.item.value(item, naming) for item in value.items))
