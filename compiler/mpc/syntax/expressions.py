"""What was read of an expression becomes nodes, as do the words and values that everything is made of.

Expressions stand in assertions and, by themselves, in the holes of bodies.
"""

from __future__ import annotations

import inspect
from typing import TypeVar, cast

from ..diagnostics import Reporter
from ..source import Span
from .grammar import parser
from .nodes import (
    ArgumentAst,
    CalculationAst,
    CallAst,
    ComparedAst,
    ComparisonAst,
    DictAst,
    Docstring,
    EntryAst,
    ExpressionAst,
    ListAst,
    LogicAst,
    MatchAst,
    MembershipAst,
    MomentAst,
    Name,
    NegationAst,
    NegativeAst,
    NoneTestAst,
    NumberAst,
    Path,
    PatternAst,
    RecordAst,
    ReferenceAst,
    SetAst,
    StringAst,
    ValueAst,
)
from .problems import explain_expression
from .strings import unescape

T = TypeVar("T")


def parse_expression(span: Span, reporter: Reporter) -> ExpressionAst | None:
    """The expression that this piece of the source is; `None` where it is none, which is reported."""
    made = _parsed(span, "expression", reporter)
    assert not isinstance(made, RecordAst)
    return made


def parse_value(span: Span, reporter: Reporter) -> ValueAst | None:
    """The value that this piece of the source is; `None` where it is none, which is reported."""
    made = _parsed(span, "value", reporter)
    assert made is None or isinstance(made, ValueAst)
    return made


def _parsed(span: Span, start: str, reporter: Reporter) -> ExpressionAst | RecordAst | None:
    text = reporter.source.text
    derivation = parser().read(text, span, start)
    if derivation.stop is not None:
        explain_expression(derivation.stop, reporter)
        return None
    return cast(ExpressionAst | RecordAst, parser().build(derivation, text, ExpressionBuilder(reporter)))


class ExpressionBuilder:
    """Builds nodes bottom-up; a bad escape is reported, and the node is built all the same."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    # ------------------------------------------------------------------------------------- expressions

    def either(self, span: Span, *operands: ExpressionAst) -> LogicAst:
        return LogicAst(word="or", operands=operands, span=span)

    def both(self, span: Span, *operands: ExpressionAst) -> LogicAst:
        return LogicAst(word="and", operands=operands, span=span)

    def negation(self, span: Span, operand: ExpressionAst) -> NegationAst:
        return NegationAst(operand=operand, span=span)

    def comparison(self, span: Span, first: ExpressionAst, *rest: ComparedAst) -> ComparisonAst:
        return ComparisonAst(first=first, rest=rest, span=span)

    def compared(self, span: Span, sign: str, operand: ExpressionAst) -> ComparedAst:
        return ComparedAst(sign=sign, operand=operand, span=span)

    def membership(
        self, span: Span, item: ExpressionAst, negated: str | None, whole: ExpressionAst
    ) -> MembershipAst:
        return MembershipAst(item=item, whole=whole, negated=negated is not None, span=span)

    def none_test(self, span: Span, operand: ExpressionAst, negated: str | None) -> NoneTestAst:
        return NoneTestAst(operand=operand, negated=negated is not None, span=span)

    def match(self, span: Span, text: ExpressionAst, pattern: PatternAst) -> MatchAst:
        return MatchAst(text=text, pattern=pattern, span=span)

    def sum(self, span: Span, left: ExpressionAst, sign: str, right: ExpressionAst) -> CalculationAst:
        return CalculationAst(sign=sign, left=left, right=right, span=span)

    product = sum

    def negative(self, span: Span, operand: ExpressionAst) -> NegativeAst:
        return NegativeAst(operand=operand, span=span)

    def call(self, span: Span, function: Name, *arguments: ExpressionAst | None) -> CallAst:
        return CallAst(function=function, arguments=present(arguments), span=span)

    # ------------------------------------------------------------------------------------------ values

    def reference(self, span: Span, path: Path) -> ReferenceAst:
        return ReferenceAst(path=path, span=span)

    def argument(self, span: Span, name: Name | None, value: ValueAst) -> ArgumentAst:
        return ArgumentAst(name=name, value=value, span=span)

    def record_value(self, span: Span, path: Path, *arguments: ArgumentAst | None) -> RecordAst:
        return RecordAst(path=path, arguments=present(arguments), span=span)

    def list_value(self, span: Span, *items: ValueAst | None) -> ListAst:
        return ListAst(items=present(items), span=span)

    def set_value(self, span: Span, *items: ValueAst | None) -> SetAst:
        return SetAst(items=present(items), span=span)

    def dict_value(self, span: Span, *entries: EntryAst | None) -> DictAst:
        return DictAst(entries=present(entries), span=span)

    def entry(self, span: Span, key: ValueAst, value: ValueAst) -> EntryAst:
        return EntryAst(key=key, value=value, span=span)

    # ------------------------------------------------------------------------------------------- words

    def path(self, span: Span, *names: Name) -> Path:
        return Path(names=names, span=span)

    def name(self, span: Span, token: str) -> Name:
        return Name(text=token, span=span)

    def docstring(self, span: Span, token: str) -> Docstring:
        return Docstring(text=inspect.cleandoc(token[3:-3]), span=span)

    def string(self, span: Span, token: str) -> StringAst:
        return StringAst(text=unescape(token, span.start, self._reporter), span=span)

    def number(self, span: Span, token: str) -> NumberAst:
        return NumberAst(text=token, span=span)

    def moment(self, span: Span, token: str) -> MomentAst:
        return MomentAst(text=token, span=span)

    def pattern(self, span: Span, token: str) -> PatternAst:
        return PatternAst(text=token[1:-1].replace(r"\/", "/"), span=span)


def present(found: tuple[T | None, ...]) -> tuple[T, ...]:
    return tuple(child for child in found if child is not None)
