"""`set[E]`: several labels of a choice at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..diagnostics import Reporter
from ..source import Span
from ..spec import CallOf, Expr, Ref, Subscript, TupleOf
from ..syntax import nodes
from .base import ErrorType, Naming, Operand, Reading, Type, Value
from .constraints import lengths, report_arguments, report_twice_in_braces, takes_no_pattern
from .items import Collection
from .operands import Sort

_ANY: Final = 10**15
"""Beyond what a range can say: the number of labels bounds a set."""


@dataclass(frozen=True, slots=True)
class SetValue:
    """The labels that were written, each once."""

    items: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedSet(Collection):
    """`count` is how many labels the choice has that the set is of."""

    count: int

    WORD = "set"

    @property
    def unbounded(self) -> str:
        return f"set[{self.item.describe()}]"

    @classmethod
    def written(cls, node: nodes.NamedTypeAst, items: tuple[Type, ...], reporter: Reporter) -> Type:
        if len(items) != 1:
            message = "a set names the choice that its labels are of"
            return report_arguments(node, message, "write it in brackets: `set[Topic]`", reporter)
        low, high = lengths(node, "labels", _ANY, reporter)
        (item,) = items
        if error := takes_no_pattern(node, "leave the pattern out", reporter):
            return error
        if isinstance(item, ErrorType):
            return item
        labels = item.options
        if labels is None or item.may_be_none or item.depends_on:
            return _report_no_choice(node.arguments[0], item, reporter)
        _check_bounds(node, labels, reporter)
        return cls(item=item, count=labels, low=low, high=high)

    def hint(self) -> str:
        return "write the labels in braces: `{a, b}`, and `{}` for none of them"

    def read(self, node: nodes.ValueAst, reading: Reading) -> Value:
        if isinstance(node, nodes.DictAst) and not node.entries:
            written: tuple[nodes.ValueAst, ...] = ()
        elif isinstance(node, nodes.SetAst):
            written = node.items
        else:
            # A name is most likely one of the labels.
            return reading.other_kind(node)
        inside = reading.inside(self.item)
        first: dict[Value, Span] = {}
        for item in written:
            value = inside.read(item)
            if value is None:
                continue
            if value in first:
                report_twice_in_braces(
                    item.span, first[value], "a set has no label twice", "the same label", reading.reporter
                )
            first.setdefault(value, item.span)
        reading.check_size(node.span, len(first), self.low, self.high, self.count, "labels")
        return SetValue(tuple(first))

    @property
    def family(self) -> str:
        return "list"  # in JSON it is one

    @property
    def operand(self) -> Operand:
        return Operand(type=self, sort=Sort.SET, item=self.item, can_be_empty=True)

    @property
    def is_asserted(self) -> bool:
        return False

    def unfold(self, value: Value) -> object:
        assert isinstance(value, SetValue)
        return frozenset(map(self.item.unfold, value.items))

    @property
    def has_choices(self) -> bool:
        return False  # each label is asked for by the model alone

    @property
    def item_length(self) -> int:
        return self.item.longest + len('"": false, ')

    @property
    def longest(self) -> int:
        # An answer says of each label whether it is in the set.
        return len("{}") + self.count * self.item_length

    def within(self, limit: int) -> str | None:
        return None

    def annotation(self, naming: Naming) -> Expr:
        return self.bounded(Subscript(Ref(("frozenset",)), (self.item.annotation(naming),)))

    def value(self, value: Value, naming: Naming) -> Expr:
        assert isinstance(value, SetValue)
        items = tuple(self.item.value(item, naming) for item in value.items)
        return CallOf(Ref(("frozenset",)), (TupleOf(items),) if items else ())


def _report_no_choice(node: nodes.TypeAst, item: Type, reporter: Reporter) -> ErrorType:
    reporter.report(
        "MP0325",
        node.span,
        f"a set of `{item.describe()}`",
        label="`none` is not a label" if item.may_be_none else "its values are not listed",
        help="leave the `?` out: an empty set is none of them"
        if item.may_be_none
        else "name an enum or literals, or use a list: `list[T]`",
    )
    return ErrorType()


def _check_bounds(node: nodes.NamedTypeAst, labels: int, reporter: Reporter) -> None:
    """Report a bound beyond the labels that there are."""
    if not isinstance(node.constraint, nodes.RangeAst):
        return
    for end in (node.constraint.low, node.constraint.high):
        if isinstance(end, nodes.NumberAst) and end.text.isdigit() and int(end.text) > labels:
            reporter.report(
                "MP0326",
                end.span,
                f"a set of {end.text} labels, of {labels}",
                label="there are not so many",
                help=f"write at most {labels}, or leave the end open",
            )
