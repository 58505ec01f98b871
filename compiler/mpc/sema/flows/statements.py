"""Flows: every statement typed, every name with a value before it is read, every way with a `return`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, assert_never

from ...diagnostics import Reporter, has_errors
from ...expressions import Checked
from ...expressions.check import ExpressionPlace
from ...expressions.checked import Invoked, Reached
from ...expressions.flow_problems import Wanted, report_missing
from ...expressions.flows import FlowExpressions, FlowNames
from ...expressions.problems import written
from ...expressions.signatures import FlowSignature, PromptSignature
from ...syntax import nodes
from ...syntax.flow_nodes import (
    AssignmentAst,
    BranchArmAst,
    BranchAst,
    DoAst,
    FlowDecl,
    LoopAst,
    ResultAst,
    RoundsAst,
    StatementAst,
)
from ...types import ErrorType, Type
from ...types.fitting import is_same
from ...types.operands import Sort
from ..checked_flows import (
    CheckedAppend,
    CheckedAssign,
    CheckedBranch,
    CheckedBranchArm,
    CheckedDo,
    CheckedFlow,
    CheckedFlowStatement,
    CheckedLoop,
    CheckedReturn,
    CheckedWhile,
)
from ..names import Scope
from ..parameters import check_parameters
from ..resolve import TypeResolver
from . import problems
from .names import FlowUses, answers_of, appended_to, assigned_in, check_names, returns_in, uses_of
from .state import FlowState, merged

MAX_BLOCKS: Final = 16
"""How many blocks may be inside one another: Python has room for twenty loops."""

MAX_ROUNDS: Final = 1000
"""How often a `while` may go round."""


def check_flow_signature(declaration: FlowDecl, resolver: TypeResolver, reporter: Reporter) -> FlowSignature:
    """Check the header of one flow; everything wrong with it is reported."""
    parameters = check_parameters(declaration.parameters, resolver, reporter)
    return FlowSignature(
        origin=reporter.source.path,
        name=declaration.name.text,
        parameters=tuple(parameters.values()),
        returns=resolver.type(declaration.returns),
        span=declaration.name.span,
    )


def check_flow(
    declaration: FlowDecl,
    signature: FlowSignature,
    scope: Scope,
    resolver: TypeResolver,
    reporter: Reporter,
) -> CheckedFlow:
    """Check what stands below the header of one flow; everything wrong with it is reported."""
    statements: tuple[CheckedFlowStatement, ...] = ()
    answers: frozenset[str] = frozenset()
    if declaration.body is not None:
        uses = uses_of(declaration.body.statements)
        answers = answers_of(uses, resolver)
        check_names(declaration, uses, scope, reporter)
        statements = _Statements(signature, uses, answers, resolver, reporter).body(declaration)
    docstring = declaration.body.docstring if declaration.body else None
    return CheckedFlow(
        name=declaration.name.text,
        line=reporter.source.line_of(declaration.span.start),
        docstring=docstring.text if docstring else None,
        parameters=signature.parameters,
        returns=signature.returns,
        statements=statements,
        answers=answers,
        tests=(),
        tests_from=(),
        timeout=None,
        span=declaration.name.span,
    )


class _Statements:
    """Checks the statements of one flow from above to below: the first assignment of a name says its type."""

    def __init__(
        self,
        signature: FlowSignature,
        uses: FlowUses,
        answers: frozenset[str],
        resolver: TypeResolver,
        reporter: Reporter,
    ) -> None:
        self._signature = signature
        self._uses = uses
        self._answers = answers
        self._resolver = resolver
        self._reporter = reporter
        self._parameters = {each.name: each for each in signature.parameters}
        self._types: dict[str, Type] = {name: each.type for name, each in self._parameters.items()}
        self._variables = frozenset(self._types) | uses.first.keys()
        self._callables = resolver.callable_names()
        self._loops: list[tuple[str, Checked]] = []  # the loops around, by their variables
        self._depth = 0

    def body(self, declaration: FlowDecl) -> tuple[CheckedFlowStatement, ...]:
        assert declaration.body is not None
        statements = declaration.body.statements
        before = len(self._reporter.found)
        found, state = self._block(statements, FlowState(assigned=frozenset(self._parameters)))
        if not state.is_over:
            problems.report_no_return(statements, self._signature, self._reporter)
        if not has_errors(self._reporter.found[before:]):
            problems.report_unused(declaration, self._uses, self._reporter)
        return found

    # --------------------------------------------------------------------------------------- statements

    def _block(
        self, statements: Sequence[StatementAst], state: FlowState
    ) -> tuple[tuple[CheckedFlowStatement, ...], FlowState]:
        found: list[CheckedFlowStatement] = []
        for statement in statements:
            if state.is_over:
                problems.report_unreachable(statement, self._reporter)
                break
            checked, state = self._statement(statement, state)
            if checked is not None:
                found.append(checked)
        return tuple(found), state

    def _inner(
        self, statements: Sequence[StatementAst], state: FlowState
    ) -> tuple[tuple[CheckedFlowStatement, ...], FlowState]:
        """The statements of a block inside another."""
        if self._depth == MAX_BLOCKS:
            problems.report_depth(statements[0], MAX_BLOCKS, self._reporter)
            return (), state
        self._depth += 1
        found = self._block(statements, state)
        self._depth -= 1
        return found

    def _statement(
        self, node: StatementAst, state: FlowState
    ) -> tuple[CheckedFlowStatement | None, FlowState]:
        match node:
            case AssignmentAst():
                return self._assignment(node, state)
            case DoAst():
                return self._do(node, state), state
            case ResultAst():
                wanted = Wanted(self._signature.returns, f"what `{self._signature.name}` returns")
                value = self._value(node.value, wanted, state)
                returned = CheckedReturn(value=value, line=self._line(node), span=node.span)
                return returned, replace(state, is_over=True)
            case BranchAst():
                return self._branch(node, state)
            case LoopAst():
                return self._loop(node, state)
            case RoundsAst():
                return self._rounds(node, state)
            case _:
                assert_never(node)

    def _assignment(self, node: AssignmentAst, state: FlowState) -> tuple[CheckedAssign, FlowState]:
        name = node.name.text
        is_first = name not in self._types
        type = self._types.get(name)
        said = None if node.type is None else self._resolver.type(node.type)
        if said is not None and not is_first and not is_same(said, self._types[name]):
            problems.report_second_type(node, self._types[name], self._reporter)
            type = said
        if any(name == variable for variable, _ in self._loops):
            problems.report_loop_variable(node.name, self._reporter)
        type = type or said
        wanted = None if type is None else Wanted(type, f"`{name}`")
        value = self._assigned(node, wanted, state)
        if type is None:
            type = value.type
        self._types.setdefault(name, type)
        checked = CheckedAssign(
            name=name,
            type=type,
            value=value,
            is_first=is_first,
            is_typed=node.type is not None,
            line=self._line(node),
            span=node.span,
        )
        return checked, state.assigning(name, type, value)

    def _assigned(self, node: AssignmentAst, wanted: Wanted | None, state: FlowState) -> Checked:
        if node.name.text not in self._answers:
            return self._value(node.value, wanted, state)
        assert isinstance(node.value, nodes.InvocationAst), "names of answers are assigned calls alone"
        expressions = self._at(state)
        found = expressions.invocation(node.value, _place(state), wants_confidence=True)
        if wanted is not None:
            expressions.fit(node.value, found, wanted)
        return found

    def _do(self, node: DoAst, state: FlowState) -> CheckedFlowStatement | None:
        name = appended_to(node)
        if name is not None and name.text in self._variables:
            return self._append(node, name, state)
        if not isinstance(node.expression, nodes.InvocationAst):
            problems.report_idle(node, self._reporter)
            return None
        call = self._at(state).invocation(node.expression, _place(state))
        if not isinstance(call, Invoked):
            if call.type.operand.sort is not Sort.UNKNOWN:
                problems.report_idle(node, self._reporter)
            return None
        if isinstance(call.callee, PromptSignature):
            problems.report_unheard(node.expression, self._reporter)
        return CheckedDo(call=call, line=self._line(node), span=node.span)

    def _append(self, node: DoAst, name: nodes.Name, state: FlowState) -> CheckedAppend | None:
        call = node.expression
        assert isinstance(call, nodes.InvocationAst)
        place = _place(state)
        reference = nodes.ReferenceAst(
            path=nodes.Path(names=(name,), span=name.span), span=name.span
        )
        found = self._at(state).expression(reference, replace(place, takes_lists=True))
        item = found.type.item_type
        is_looped = any(
            isinstance(each, Reached) and each.way == (name.text,) for _, each in self._loops
        )
        if found.type.operand.sort is Sort.UNKNOWN:
            return None
        if item is None:
            problems.report_no_append(name, found.type, self._reporter)
        elif name.text in self._parameters or any(name.text == variable for variable, _ in self._loops):
            problems.report_foreign_list(name, self._reporter)
        elif is_looped:
            problems.report_append_in_loop(name, self._reporter)
        elif len(call.arguments) != 1 or call.arguments[0].name is not None:
            problems.report_append_arguments(call, self._reporter)
        else:
            wanted = Wanted(item, f"an item of `{name.text}`")
            value = self._value(call.arguments[0].value, wanted, state)
            return CheckedAppend(name=name.text, item=value, line=self._line(node), span=node.span)
        return None

    # ------------------------------------------------------------------------------------------- blocks

    def _branch(self, node: BranchAst, state: FlowState) -> tuple[CheckedBranch, FlowState]:
        arms: list[CheckedBranchArm] = []
        ends: list[FlowState] = []
        for arm in node.arms:
            checked, end, state = self._arm(arm, state)
            arms.append(checked)
            ends.append(end)
        otherwise: tuple[CheckedFlowStatement, ...] = ()
        if node.otherwise:
            otherwise, state = self._inner(node.otherwise, state)
        branch = CheckedBranch(
            arms=tuple(arms), otherwise=otherwise, line=self._line(node), span=node.span
        )
        return branch, merged([*ends, state])

    def _arm(
        self, node: BranchArmAst, state: FlowState
    ) -> tuple[CheckedBranchArm, FlowState, FlowState]:
        """An arm, what is known at its end, and what where its condition does not hold."""
        condition = self._condition(node.condition, state)
        statements, end = self._inner(node.statements, state.knowing(condition, True))
        arm = CheckedBranchArm(
            condition=condition, statements=statements, line=self._line(node), span=node.span
        )
        return arm, end, state.knowing(condition, False)

    def _loop(self, node: LoopAst, state: FlowState) -> tuple[CheckedLoop, FlowState]:
        name = node.variable.text
        each = self._value(node.each, None, state)
        item = self._item(node, each)
        if name in state.assigned or name in state.partly:
            problems.report_hidden(node.variable, self._reporter)
        elif name in self._types and not is_same(self._types[name], item):
            problems.report_loop_type(node, self._types[name], item, self._reporter)
        self._types.setdefault(name, item)
        changed = assigned_in(node.statements) | {name}
        inside = state.forgetting(changed)
        self._loops.append((name, each))
        statements, end = self._inner(
            node.statements, replace(inside, assigned=inside.assigned | {name})
        )
        self._loops.pop()
        loop = CheckedLoop(
            variable=name,
            item=item,
            each=each,
            statements=statements,
            line=self._line(node),
            span=node.span,
        )
        return loop, merged([inside, end]).leaving({name})

    def _item(self, node: LoopAst, each: Checked) -> Type:
        """The type of the items that a loop goes through; what has none is reported."""
        operand = each.type.operand
        if operand.sort is Sort.UNKNOWN:
            return ErrorType()
        if each.type.may_be_none:
            report_missing(node.each.span, written(node.each, self._reporter), self._reporter)
        elif operand.sort is Sort.LIST and operand.item is not None:
            return operand.item
        else:
            problems.report_no_list(node, each.type, self._reporter)
        return ErrorType()

    def _rounds(self, node: RoundsAst, state: FlowState) -> tuple[CheckedWhile, FlowState]:
        changed = assigned_in(node.statements)
        state = state.forgetting(changed)
        condition = self._condition(node.condition, state)
        bound = self._bound(node.bound)
        statements, end = self._inner(node.statements, state.knowing(condition, True))
        asked = uses_of([node.condition]).read
        has_call = any(isinstance(each, nodes.InvocationAst) for each in nodes.walk(node.condition))
        if not (asked & changed or has_call or returns_in(node.statements)):
            problems.report_unchanging(node, self._reporter)
        loop = CheckedWhile(
            condition=condition, bound=bound, statements=statements, line=self._line(node), span=node.span
        )
        return loop, merged([state, end]).forgetting(changed).knowing(condition, False)

    def _bound(self, node: nodes.NumberAst) -> int:
        if node.text.isdecimal() and len(node.text) < 5 and 1 <= int(node.text) <= MAX_ROUNDS:
            return int(node.text)
        problems.report_bound(node, MAX_ROUNDS, self._reporter)
        return 1

    # ------------------------------------------------------------------------------------------ expressions

    def _value(self, node: nodes.ExpressionAst, wanted: Wanted | None, state: FlowState) -> Checked:
        return self._at(state).value(node, wanted, _place(state))

    def _condition(self, node: nodes.ExpressionAst, state: FlowState) -> Checked:
        return self._at(state).condition(node, _place(state))

    def _at(self, state: FlowState) -> FlowExpressions:
        """What checks expressions where this is known."""
        names = FlowNames(self._variables, self._answers, state.partly, self._callables)
        scope: Mapping[str, Type] = {name: self._types.get(name, ErrorType()) for name in state.assigned}
        return FlowExpressions(scope, self._resolver, self._reporter, names)

    def _line(self, node: nodes.SyntaxNode) -> int:
        return self._reporter.source.line_of(node.span.start)


def _place(state: FlowState) -> ExpressionPlace:
    return ExpressionPlace(present=state.present, told=state.told)
