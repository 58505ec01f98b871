"""`span(text)`: text that is copied from an argument."""

from __future__ import annotations

from dataclasses import dataclass, replace

from microprompt.abi import DEFAULT_STR_LENGTH
from microprompt.notation import span_of
from microprompt.spans import place_of

from ..diagnostics import Reporter
from ..spec import Constant, Expr
from ..syntax import nodes
from .arguments import argument_at
from .base import BuiltinType, Dependence, ErrorType, Naming, Operand, Reading, Simple, Type, Value
from .constraints import lengths, takes_no_arguments
from .python import abi_mark
from .text import CheckedStr, check_pattern


@dataclass(frozen=True, slots=True)
class CheckedSpan(Simple, BuiltinType):
    """`text` is the type of all that could be copied: its size, or the pattern that it matches."""

    takes_source = True

    way: str
    text: CheckedStr

    @classmethod
    def written(cls, node: nodes.NamedTypeAst, items: tuple[Type, ...], reporter: Reporter) -> Type:
        if error := takes_no_arguments(node, reporter):
            return error
        copied = node.constraint
        if not isinstance(copied, nodes.CopiedAst):
            reporter.report(
                "MP0365",
                node.span,
                "a span of what?",
                label="no parameter is named",
                help="name the parameter that it is copied from: `span(text)`, `span(text, ..80)`",
            )
            return ErrorType()
        if isinstance(copied.limit, nodes.PatternAst):
            check_pattern(copied.limit, reporter)
            return cls(copied.source.text, CheckedStr(pattern=copied.limit.text))
        sized = replace(node, constraint=copied.limit)
        low, high = lengths(sized, "characters", DEFAULT_STR_LENGTH, reporter)
        return cls(copied.source.text, CheckedStr(low=low, high=high))

    def describe(self) -> str:
        return span_of(self.way, self.text.low, self.text.high, self.text.pattern)

    def hint(self) -> str:
        return f'write what stands in `{self.way}`, in double quotes: `"..."`'

    def read(self, node: nodes.ValueAst, reading: Reading) -> Value:
        value = self.text.read(node, reading)
        if isinstance(value, str) and isinstance(node, nodes.StringAst) and reading.call is not None:
            found = argument_at(self.way, reading.call)
            if isinstance(found, str) and place_of(value, found) is None:
                self._report_invented(value, found, node, reading)
        return value

    def _report_invented(self, value: str, found: str, node: nodes.StringAst, reading: Reading) -> None:
        if value.strip() != value or not value:
            label, help = "a span neither begins nor ends with a blank", "write the words alone"
        elif value in found:
            label, help = "here a word or a number is cut", "copy whole words and numbers"
        else:
            label = f"the example's `{self.way}` does not hold this"
            help = reading.reporter.suggestion(value, found.split()) or "copy it letter by letter"
        reading.reporter.report(
            "MP0363", node.span, f"`{self.describe()}` is copied from `{self.way}`", label=label, help=help
        )

    @property
    def operand(self) -> Operand:
        return self.text.operand

    @property
    def is_text(self) -> bool:
        return True

    @property
    def depends_on(self) -> frozenset[Dependence]:
        return frozenset((Dependence(self.way),))

    @property
    def strings(self) -> None:
        return None

    @property
    def options(self) -> None:
        return None

    @property
    def longest(self) -> int:
        return self.text.longest

    def within(self, limit: int) -> str | None:
        if self.text.pattern is not None or limit < max(1, self.text.low or 0):
            return None
        return f"write `{span_of(self.way, self.text.low, limit, None)}`"

    def annotation(self, naming: Naming) -> Expr:
        return abi_mark(self.text.annotation(naming), "SpanOf", Constant(self.way))

    def value(self, value: Value, naming: Naming) -> Expr:
        return self.text.value(value, naming)
