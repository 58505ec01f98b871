"""`dict[str, T]`: values of one type by names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from microprompt.abi import DEFAULT_LIST_COUNT, KEY_LENGTH
from microprompt.notation import ranged

from ..diagnostics import Reporter
from ..source import Span
from ..spec import DictOf, Expr, Ref, Subscript
from ..syntax import nodes
from .base import BuiltinType, Dependence, ErrorType, Naming, Operand, Reading, Type, Value, no_field
from .constraints import lengths, report_arguments, report_twice_in_braces, takes_no_pattern
from .operands import Sort
from .python import annotated, given


@dataclass(frozen=True, slots=True)
class DictValue:
    entries: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedDict(BuiltinType):
    item: Type
    low: int | None = None
    high: int | None = None

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

    def describe(self) -> str:
        return ranged(f"dict[str, {self.item.describe()}]", self.low, self.high)

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

    @property
    def depth(self) -> int:
        return self.item.depth

    def allows_none(self, mark: nodes.OptionalTypeAst, called: str, reporter: Reporter) -> bool:
        return True

    @property
    def has_fields(self) -> bool:
        return False

    def field(self, name: nodes.Name, way: str, called: str, reporter: Reporter) -> Type:
        return no_field(name, way, called, reporter, because="a hole shows a whole dict; ")

    @property
    def depends_on(self) -> frozenset[Dependence]:
        return self.item.depends_on

    def free_texts(self, value: Value, name: str = "") -> Iterator[tuple[str, str]]:
        if isinstance(value, DictValue):
            for _, item in value.entries:
                yield from self.item.free_texts(item, name)

    @property
    def operand(self) -> Operand:
        return Operand(type=self, sort=Sort.DICT, can_be_empty=True)

    @property
    def is_asserted(self) -> bool:
        return self.item.is_asserted

    def unfold(self, value: Value) -> object:
        assert isinstance(value, DictValue)
        return {key: self.item.unfold(item) for key, item in value.entries}

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
        return len("{}") + count * self._entry_length

    @property
    def _entry_length(self) -> int:
        return KEY_LENGTH + self.item.longest + len('"": "", ')

    def within(self, limit: int) -> str | None:
        least = max(1, self.low or 0)
        count = (limit - len("{}")) // self._entry_length
        if count >= least:
            return f"write `{ranged(f'dict[str, {self.item.describe()}]', self.low, count)}`"
        rest = self._entry_length - self.item.longest
        return self.item.within((limit - len("{}")) // least - rest)

    def annotation(self, naming: Naming) -> Expr:
        return annotated(
            Subscript(Ref(("dict",)), (Ref(("str",)), self.item.annotation(naming))),
            min_length=given(self.low or None),
            max_length=given(self.high),
        )

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
