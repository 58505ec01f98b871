"""`one of options`, `one of tools by name`: an item of a list that is an argument."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from microprompt.abi import DEFAULT_STR_LENGTH
from microprompt.notation import one_of

from ..diagnostics import listed
from ..spec import Constant, Expr
from ..syntax import nodes
from .arguments import argument_at
from .base import Dependence, NamedType, Naming, Operand, Reading, Simple, Type, Value
from .lists import ListValue
from .python import abi_mark
from .text import CheckedStr


@dataclass(frozen=True, slots=True)
class CheckedOneOf(Simple):
    """`by` is the field by whose text the records of the list are told apart; `record` is their type."""

    way: str
    by: str | None = None
    record: NamedType | None = None

    @property
    def _item(self) -> Type:
        return CheckedStr() if self.record is None else self.record

    def describe(self) -> str:
        return one_of(self.way, self.by)

    def hint(self) -> str:
        what = "an item" if self.by is None else f"the `{self.by}` of an item"
        return f'write {what} of `{self.way}`, in double quotes: `"..."`'

    def read(self, node: nodes.ValueAst, reading: Reading) -> Value:
        if reading.call is None:  # it is no answer
            return self._item.read(node, reading.inside(self._item))
        if not isinstance(node, nodes.StringAst):
            return reading.mismatch(node)
        items = argument_at(self.way, reading.call)
        if not isinstance(items, ListValue):
            return None
        options = [(self._label(item), item) for item in items.items]
        labels = [label for label, _ in options if isinstance(label, str)]
        if twice := [label for label, count in Counter(labels).items() if count > 1]:
            self._report_twice(twice[0], node, reading)
        chosen = next((item for label, item in options if label == node.text), None)
        if chosen is None and len(labels) == len(options):
            reading.reporter.report(
                "MP0363",
                node.span,
                f'"{node.text}" is not {self.describe()}',
                label=f"the example's `{self.way}` does not hold this",
                help=reading.reporter.suggestion(node.text, labels)
                or listed(labels)
                or "give the example a list that holds the answer",
            )
        return chosen

    def _label(self, item: Value) -> Value:
        if self.by is None:
            return item
        part = self._item.part(item, self.by)
        return None if part is None else part[1]

    def _report_twice(self, label: str, node: nodes.StringAst, reading: Reading) -> None:
        reading.reporter.report(
            "MP0366",
            node.span,
            f'the example\'s `{self.way}` holds "{label}" twice',
            label="so it is not known which one is meant",
            help="leave one of the two out",
        )

    @property
    def depth(self) -> int:
        return self._item.depth

    @property
    def operand(self) -> Operand:
        return self._item.operand

    @property
    def is_asserted(self) -> bool:
        return self._item.is_asserted

    def unfold(self, value: Value) -> object:
        return self._item.unfold(value)

    @property
    def is_text(self) -> bool:
        return self.by is None

    @property
    def depends_on(self) -> frozenset[Dependence]:
        named = None if self.record is None else f"{self.record.origin}:{self.record.name}"
        return frozenset((Dependence(self.way, is_list=True, named=named, record=self.record),))

    @property
    def strings(self) -> None:
        return None

    @property
    def options(self) -> int:
        return 0  # how many there are is known at the call

    @property
    def longest(self) -> int:
        return DEFAULT_STR_LENGTH

    def annotation(self, naming: Naming) -> Expr:
        arguments = (Constant(self.way),) if self.by is None else (Constant(self.way), Constant(self.by))
        return abi_mark(self._item.annotation(naming), "OneOf", *arguments)

    def value(self, value: Value, naming: Naming) -> Expr:
        return self._item.value(value, naming)
