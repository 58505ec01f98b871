"""`dict[str, T]`: values of one type by names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from microprompt.abi import DEFAULT_LIST_COUNT, KEY_LENGTH

from ..diagnostics import Reporter
from ..source import Span
from ..spec import DictOf, Expr, Ref, Subscript
from ..syntax import nodes
from .base import ErrorType, Naming, Operand, Reading, Type, Value
from .constraints import lengths, report_arguments, report_twice_in_braces, takes_no_pattern
from .items import Collection
from .operands import Sort


@dataclass(frozen=True, slots=True)
class DictValue:
    entries: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedDict(Collection):
    WORD = "dict"

    @property
    def unbounded(self) -> str:
        return f"dict[str, {self.item.describe()}]"

    @classmethod
    def written(cls, node: nodes.NamedTypeAst, items: tuple[Type, ...], reporter: Reporter) -> Type:
        if len(items) != 2:
            return report_arguments(
                node, "a dict names the types of keys and values", "write `dict[str, int]`", reporter
            )
        low, high = lengths(node, "entries", DEFAULT_LIST_COUNT, reporter)
        if error := takes_no_pattern(node, "leave the pattern out", reporter):
            return error
        key, _ = node.arguments
        if not isinstance(key, nodes.NamedTypeAst) or key.path.text != "str" or key.constraint is not None:
            return _report_key_type(key, reporter)
        _, item = items
        return item if isinstance(item, ErrorType) else cls(item=item, low=low, high=high)

    def hint(self) -> str:
        return 'write keys and values in braces: `{"a": 1}`'

    def read(self, node: nodes.ValueAst, reading: Reading) -> Value:
        if not isinstance(node, nodes.DictAst):
            return reading.mismatch(node)
        inside = reading.inside(self.item)
        first: dict[str, Span] = {}
        found: dict[str, Value] = {}
        for entry in node.entries:
            value = inside.read(entry.value)
            key = _key(entry.key, reading)
            if key is None:
                continue
            if key in first:
                report_twice_in_braces(
                    entry.key.span, first[key], "a dict has no key twice", "the same key", reading.reporter
                )
            first.setdefault(key, entry.key.span)
            found.setdefault(key, value)
        reading.check_size(node.span, len(node.entries), self.low, self.high, DEFAULT_LIST_COUNT, "entries")
        return DictValue(tuple(found.items()))

    def free_texts(self, value: Value, name: str = "") -> Iterator[tuple[str, str]]:
        if isinstance(value, DictValue):
            for _, item in value.entries:
                yield from self.item.free_texts(item, name)

    @property
    def operand(self) -> Operand:
        return Operand(type=CheckedDict(item=self.item), sort=Sort.DICT, can_be_empty=True)

    def unfold(self, value: Value) -> object:
        assert isinstance(value, DictValue)
        return {key: self.item.unfold(item) for key, item in value.entries}

    @property
    def item_length(self) -> int:
        return KEY_LENGTH + self.item.longest + len('"": "", ')

    def annotation(self, naming: Naming) -> Expr:
        return self.bounded(Subscript(Ref(("dict",)), (Ref(("str",)), self.item.annotation(naming))))

    def value(self, value: Value, naming: Naming) -> Expr:
        assert isinstance(value, DictValue)
        return DictOf(tuple((key, self.item.value(item, naming)) for key, item in value.entries))


def _key(node: nodes.ValueAst, reading: Reading) -> str | None:
    """A key; `None` where it has been reported that there is none."""
    if not isinstance(node, nodes.StringAst):
        written = reading.reporter.source.slice(node.span)
        reading.reporter.report(
            "MP0503",
            node.span,
            "the key of a dict is a string",
            label="this is none",
            help=f"write it in quotes: `\"{written}\"`",
        )
        return None
    if not node.text or len(node.text) > KEY_LENGTH or any(c < " " or c == "\x7f" for c in node.text):
        reading.reporter.report(
            "MP0504",
            node.span,
            "this cannot be the key of a dict",
            label=f"a key is one line of 1 to {KEY_LENGTH} characters",
            help="write a shorter word" if node.text else "give the entry a name",
        )
        return None
    return node.text


def _report_key_type(node: nodes.TypeAst, reporter: Reporter) -> ErrorType:
    reporter.report(
        "MP0327",
        node.span,
        f"the keys of a dict are of type `str`, not `{reporter.source.slice(node.span)}`",
        label=f"a key is any line of 1 to {KEY_LENGTH} characters",
        help="write `dict[str, T]`, or declare a record where the keys are known",
    )
    return ErrorType()
