"""Lark's parse tree of an expression becomes nodes, as do the words and values that everything is made of.

Expressions stand in assertions and, by themselves, in the holes of bodies.
"""

from __future__ import annotations

from typing import Never, TypeVar

from lark import Token, Transformer, v_args
from lark.exceptions import VisitError
from lark.tree import Meta

from ..diagnostics import InternalError, Reporter
from ..source import Span
from .grammar import read
from .nodes import (
    ArgumentAst,
    CalculationAst,
    CallAst,
    ComparedAst,
    ComparisonAst,
    DictAst,
    EntryAst,
    ExpressionAst,
    Item,
    ItemAst,
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
from .problems import Stop, explain_expression
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
    found = read(reporter.source.text, span, start)
    if isinstance(found, Stop):
        explain_expression(found, reporter)
        return None
    try:
        made = ExpressionBuilder(reporter).transform(found)
    except VisitError as error:
        raise InternalError("syntax", str(error.orig_exc)) from error
    assert not isinstance(made, ItemAst)
    return made


@v_args(inline=True, meta=True)
class ExpressionBuilder(Transformer[Token, Item | ExpressionAst | RecordAst]):
    """Builds nodes bottom-up; a bad escape is reported, and the node is built all the same."""

    def __init__(self, reporter: Reporter) -> None:
        super().__init__()
        self._reporter = reporter

    def __default__(self, data: Token, children: list[object], meta: Meta) -> Never:
        # Lark would keep a rule without a method as it is, and the mistake would show far from here.
        raise InternalError("syntax", f"no tree builder for the rule {data}")

    # ------------------------------------------------------------------------------------- expressions

    def either(self, meta: Meta, *operands: ExpressionAst) -> LogicAst:
        return LogicAst(word="or", operands=operands, span=span_of(meta))

    def both(self, meta: Meta, *operands: ExpressionAst) -> LogicAst:
        return LogicAst(word="and", operands=operands, span=span_of(meta))

    def negation(self, meta: Meta, operand: ExpressionAst) -> NegationAst:
        return NegationAst(operand=operand, span=span_of(meta))

    def comparison(self, meta: Meta, first: ExpressionAst, *rest: ComparedAst) -> ComparisonAst:
        return ComparisonAst(first=first, rest=rest, span=span_of(meta))

    def compared(self, meta: Meta, sign: Token, operand: ExpressionAst) -> ComparedAst:
        return ComparedAst(sign=str(sign), operand=operand, span=span_of(meta))

    def membership(
        self, meta: Meta, item: ExpressionAst, negated: Token | None, whole: ExpressionAst
    ) -> MembershipAst:
        return MembershipAst(item=item, whole=whole, negated=negated is not None, span=span_of(meta))

    def none_test(self, meta: Meta, operand: ExpressionAst, negated: Token | None) -> NoneTestAst:
        return NoneTestAst(operand=operand, negated=negated is not None, span=span_of(meta))

    def match(self, meta: Meta, text: ExpressionAst, pattern: PatternAst) -> MatchAst:
        return MatchAst(text=text, pattern=pattern, span=span_of(meta))

    def sum(self, meta: Meta, left: ExpressionAst, sign: Token, right: ExpressionAst) -> CalculationAst:
        return CalculationAst(sign=str(sign), left=left, right=right, span=span_of(meta))

    product = sum

    def negative(self, meta: Meta, operand: ExpressionAst) -> NegativeAst:
        return NegativeAst(operand=operand, span=span_of(meta))

    def call(self, meta: Meta, function: Name, *arguments: ExpressionAst | None) -> CallAst:
        return CallAst(function=function, arguments=present(arguments), span=span_of(meta))

    # ------------------------------------------------------------------------------------------ values

    def reference(self, meta: Meta, path: Path) -> ReferenceAst:
        return ReferenceAst(path=path, span=span_of(meta))

    def argument(self, meta: Meta, name: Name | None, value: ValueAst) -> ArgumentAst:
        return ArgumentAst(name=name, value=value, span=span_of(meta))

    def record_value(self, meta: Meta, path: Path, *arguments: ArgumentAst | None) -> RecordAst:
        return RecordAst(path=path, arguments=present(arguments), span=span_of(meta))

    def list_value(self, meta: Meta, *items: ValueAst | None) -> ListAst:
        return ListAst(items=present(items), span=span_of(meta))

    def set_value(self, meta: Meta, *items: ValueAst | None) -> SetAst:
        return SetAst(items=present(items), span=span_of(meta))

    def dict_value(self, meta: Meta, *entries: EntryAst | None) -> DictAst:
        return DictAst(entries=present(entries), span=span_of(meta))

    def entry(self, meta: Meta, key: ValueAst, value: ValueAst) -> EntryAst:
        return EntryAst(key=key, value=value, span=span_of(meta))

    # ------------------------------------------------------------------------------------------- words

    def path(self, meta: Meta, *names: Name) -> Path:
        return Path(names=names, span=span_of(meta))

    def name(self, meta: Meta, token: Token) -> Name:
        return Name(text=str(token), span=token_span(token))

    def string(self, meta: Meta, token: Token) -> StringAst:
        span = token_span(token)
        return StringAst(text=unescape(token, span.start, self._reporter), span=span)

    def number(self, meta: Meta, token: Token) -> NumberAst:
        return NumberAst(text=str(token), span=token_span(token))

    def moment(self, meta: Meta, token: Token) -> MomentAst:
        return MomentAst(text=str(token), span=token_span(token))

    def pattern(self, meta: Meta, token: Token) -> PatternAst:
        return PatternAst(text=token[1:-1].replace(r"\/", "/"), span=span_of(meta))


def span_of(meta: Meta) -> Span:
    return Span(meta.start_pos, meta.end_pos)


def token_span(token: Token) -> Span:
    assert token.start_pos is not None
    assert token.end_pos is not None
    return Span(token.start_pos, token.end_pos)


def present(found: tuple[T | None, ...]) -> tuple[T, ...]:
    return tuple(child for child in found if child is not None)
