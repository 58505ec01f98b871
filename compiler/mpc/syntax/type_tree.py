"""What was read of a type becomes nodes."""

from __future__ import annotations

from typing import TypeAlias

from ..source import Span
from .expressions import ExpressionBuilder
from .nodes import (
    BoundAst,
    CopiedAst,
    LiteralTypeAst,
    NamedTypeAst,
    NumberAst,
    OneOfAst,
    OptionalTypeAst,
    Path,
    PatternAst,
    RangeAst,
    StringAst,
    TypeAst,
    UnionTypeAst,
)

_Limit: TypeAlias = RangeAst | PatternAst
_Constraint: TypeAlias = _Limit | CopiedAst


class TypeBuilder(ExpressionBuilder):
    """Builds types beside expressions."""

    def union(self, span: Span, *items: TypeAst) -> UnionTypeAst:
        return UnionTypeAst(items=items, span=span)

    def optional(self, span: Span, item: TypeAst) -> OptionalTypeAst:
        return OptionalTypeAst(item=item, span=span)

    def named_type(
        self, span: Span, path: Path, arguments: tuple[TypeAst, ...] | None, constraint: _Constraint | None
    ) -> NamedTypeAst:
        return NamedTypeAst(path=path, arguments=arguments or (), constraint=constraint, span=span)

    def type_arguments(self, span: Span, *types: TypeAst) -> tuple[TypeAst, ...]:
        return types

    def literal(self, span: Span, value: StringAst | NumberAst) -> LiteralTypeAst:
        return LiteralTypeAst(value=value, span=span)

    def one_of(self, span: Span, source: Path, by: Path | None) -> OneOfAst:
        return OneOfAst(source=source, by=by, span=span)

    def copied(self, span: Span, source: Path, limit: _Limit | None) -> CopiedAst:
        return CopiedAst(source=source, limit=limit, span=span)

    def range(self, span: Span, low: BoundAst | None, high: BoundAst | None) -> RangeAst:
        return RangeAst(low=low, high=high, span=span)
