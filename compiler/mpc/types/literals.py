"""`"yes" | "no"`: one of a few fixed strings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from microprompt.notation import literals

from ..diagnostics import Reporter
from ..spec import Constant, Expr, Ref, Subscript
from ..syntax import nodes
from .base import Naming, Reading, Simple, Value
from .words import DistinctWords, report_none_twice


@dataclass(frozen=True, slots=True)
class CheckedLiterals(Simple):
    values: tuple[str, ...]

    @staticmethod
    def written(items: Iterable[nodes.LiteralTypeAst], reporter: Reporter) -> CheckedLiterals:
        """The choice among the strings of a notation."""
        words = DistinctWords(reporter, help="leave one of the two out")
        for item in items:
            words.take(item.value.text, item.span)
        return CheckedLiterals(words.taken)

    def describe(self) -> str:
        return literals(self.values)

    def hint(self) -> str:
        return 'strings are in double quotes: `"..."`'

    def read(self, node: nodes.ValueAst, reading: Reading) -> Value:
        if not isinstance(node, nodes.StringAst):
            return reading.mismatch(node)
        if node.text not in self.values:
            reading.reporter.report(
                "MP0504",
                node.span,
                f'"{node.text}" is not one of the literals',
                label=f"expected {self.describe()}",
                help=reading.reporter.suggestion(node.text, self.values),
            )
        return node.text

    def allows_none(self, mark: nodes.OptionalTypeAst, called: str, reporter: Reporter) -> bool:
        if "none" in self.values:
            report_none_twice(mark.span, called, reporter)
        return True

    @property
    def options(self) -> int:
        return len(self.values)

    @property
    def longest(self) -> int:
        return max(map(len, self.values))

    def annotation(self, naming: Naming) -> Expr:
        return Subscript(Ref(("Literal",)), tuple(Constant(value) for value in self.values))

    def value(self, value: Value, naming: Naming) -> Expr:
        assert isinstance(value, str)
        return Constant(value)
