"""What was read of a flow's body becomes nodes: one short method for each rule of its grammar."""

from __future__ import annotations

from ..source import Span
from .expressions import present as _present
from .flow_nodes import (
    AssignmentAst,
    BranchArmAst,
    BranchAst,
    DoAst,
    LoopAst,
    ResultAst,
    RoundsAst,
    StatementAst,
    StatementsAst,
)
from .nodes import (
    Docstring,
    ExpressionAst,
    FieldOfAst,
    InvocationAst,
    ListDisplayAst,
    Name,
    NumberAst,
    PassedAst,
    Path,
    TypeAst,
    TypeTestAst,
)
from .type_tree import TypeBuilder


class FlowBuilder(TypeBuilder):
    """Builds the statements of a flow."""

    def statements(
        self, span: Span, docstring: Docstring | None, *statements: StatementAst
    ) -> StatementsAst:
        return StatementsAst(docstring=docstring, statements=statements, span=span)

    def assignment(
        self, span: Span, name: Name, type: TypeAst | None, value: ExpressionAst
    ) -> AssignmentAst:
        return AssignmentAst(name=name, type=type, value=value, span=name.span.to(value.span))

    def do(self, span: Span, expression: ExpressionAst) -> DoAst:
        return DoAst(expression=expression, span=expression.span)

    def result(self, span: Span, value: ExpressionAst) -> ResultAst:
        return ResultAst(value=value, span=span.to(value.span))

    def branch(self, span: Span, *found: BranchArmAst | tuple[StatementAst, ...] | None) -> BranchAst:
        *arms, otherwise = found
        assert not isinstance(otherwise, BranchArmAst)
        return BranchAst(
            arms=tuple(arm for arm in arms if isinstance(arm, BranchArmAst)),
            otherwise=otherwise or (),
            span=span,
        )

    def arm(self, span: Span, condition: ExpressionAst, below: tuple[StatementAst, ...]) -> BranchArmAst:
        return BranchArmAst(condition=condition, statements=below, span=span.to(condition.span))

    other_arm = arm

    def otherwise(self, span: Span, below: tuple[StatementAst, ...]) -> tuple[StatementAst, ...]:
        return below

    def loop(
        self, span: Span, variable: Name, each: ExpressionAst, below: tuple[StatementAst, ...]
    ) -> LoopAst:
        return LoopAst(variable=variable, each=each, statements=below, span=span.to(each.span))

    def rounds(
        self, span: Span, condition: ExpressionAst, bound: NumberAst, below: tuple[StatementAst, ...]
    ) -> RoundsAst:
        span = span.to(bound.span)
        return RoundsAst(condition=condition, bound=bound, statements=below, span=span)

    def block(self, span: Span, *statements: StatementAst) -> tuple[StatementAst, ...]:
        return statements

    # ------------------------------------------------------------------------------------- expressions

    def type_test(
        self, span: Span, operand: ExpressionAst, negated: str | None, path: Path
    ) -> TypeTestAst:
        return TypeTestAst(operand=operand, path=path, negated=negated is not None, span=span)

    def list_display(self, span: Span, *items: ExpressionAst | None) -> ListDisplayAst:
        return ListDisplayAst(items=_present(items), span=span)

    def invocation(self, span: Span, path: Path, *arguments: PassedAst | None) -> InvocationAst:
        return InvocationAst(path=path, arguments=_present(arguments), span=span)

    def passed(self, span: Span, name: Name | None, value: ExpressionAst) -> PassedAst:
        return PassedAst(name=name, value=value, span=span)

    def field_of(self, span: Span, operand: InvocationAst | FieldOfAst, name: Name) -> FieldOfAst:
        return FieldOfAst(operand=operand, name=name, span=span)
