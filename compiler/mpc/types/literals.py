"""`"yes" | "no"`, `1 | 5 | 10`: one of a few fixed strings and whole numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from microprompt.notation import literals

from ..diagnostics import Reporter
from ..spec import Constant, Expr, Ref, Subscript
from ..syntax import nodes
from .base import NUMBERS, ErrorType, Naming, Operand, Reading, Simple, Type, Value
from .constraints import read_number
from .numbers import CheckedInt
from .operands import Sort
from .words import DistinctWords, report_none_twice


@dataclass(frozen=True, slots=True)
class CheckedLiterals(Simple):
    values: tuple[str | int, ...]

    @staticmethod
    def written(items: Iterable[nodes.LiteralTypeAst], reporter: Reporter) -> Type:
        """The choice among the strings and numbers of a notation."""
        words = DistinctWords(reporter, help="leave one of the two out")
        found: dict[str, str | int] = {}
        for item in items:
            value = _value(item.value, reporter)
            if value is not None:
                words.take(str(value), item.span)
                found.setdefault(str(value), value)
        return CheckedLiterals(tuple(found.values())) if found else ErrorType()

    def describe(self) -> str:
        return literals(self.values)

    def hint(self) -> str:
        if any(isinstance(value, str) for value in self.values):
            return 'strings are in double quotes: `"..."`'
        return "write one of the numbers, without quotes"

    def read(self, node: nodes.ValueAst, reading: Reading) -> Value:
        if not isinstance(node, nodes.StringAst | nodes.NumberAst):
            return reading.mismatch(node)
        value = node.text if isinstance(node, nodes.StringAst) else read_number(node.text)
        same_kind = [each for each in self.values if isinstance(each, str) is isinstance(value, str)]
        if not same_kind:
            return reading.mismatch(node)
        if value not in same_kind:
            written = literals([node.text]) if isinstance(node, nodes.StringAst) else node.text
            reading.reporter.report(
                "MP0504",
                node.span,
                f"{written} is not one of the literals",
                label=f"expected {self.describe()}",
                help=reading.reporter.suggestion(str(value), list(map(str, same_kind)))
                or f"write one of `{self.describe()}`, or add it to the type",
            )
        return value

    @property
    def fixed(self) -> frozenset[str | int]:
        return frozenset(self.values)

    @property
    def strings(self) -> frozenset[str]:
        return frozenset(value for value in self.values if isinstance(value, str))

    @property
    def family(self) -> str:
        has_numbers = any(isinstance(value, int) for value in self.values)
        return NUMBERS if has_numbers else self.describe()

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(map(str, self.values))

    def allows_none(self, mark: nodes.OptionalTypeAst, called: str, reporter: Reporter) -> bool:
        if "none" in self.values:
            report_none_twice(mark.span, called, reporter)
        return True

    @property
    def operand(self) -> Operand:
        if all(isinstance(value, int) for value in self.values):
            return CheckedInt().operand
        is_text = all(isinstance(value, str) for value in self.values)
        return Operand(type=self, sort=Sort.TEXT if is_text else Sort.MEMBER)

    @property
    def options(self) -> int:
        return len(self.values)

    @property
    def longest(self) -> int:
        return max(len(str(value)) for value in self.values)

    def annotation(self, naming: Naming) -> Expr:
        return Subscript(Ref(("Literal",)), tuple(Constant(value) for value in self.values))

    def value(self, value: Value, naming: Naming) -> Expr:
        assert isinstance(value, str | int)
        return Constant(value)


def _value(node: nodes.StringAst | nodes.NumberAst, reporter: Reporter) -> str | int | None:
    """The value of a literal; `None` where it has been reported."""
    if isinstance(node, nodes.StringAst):
        return node.text
    value = read_number(node.text)
    if isinstance(value, int):
        return value
    reporter.report(
        "MP0320",
        node.span,
        f"`{node.text}` cannot be a literal",
        label="this number has a fraction" if value is not None else "this number has too many digits",
        help=f'write it as a string, `"{node.text}"`, or bound a `float` or a `decimal`'
        if value is not None
        else "numbers have at most 15 digits",
    )
    return None
