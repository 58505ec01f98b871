"""What is wrong with statements of flows, in the user's words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from ...diagnostics import Reporter
from ...expressions.problems import written
from ...expressions.signatures import FlowSignature
from ...source import Span
from ...syntax import nodes
from ...syntax.flow_nodes import (
    AssignmentAst,
    BranchAst,
    DoAst,
    FlowDecl,
    LoopAst,
    ResultAst,
    RoundsAst,
    StatementAst,
)
from ...syntax.flow_problems import OTHER_STATEMENTS, other_statement
from ...types import Type
from .names import FlowUses

# ----------------------------------------------------------------------------------------------- ways


def report_no_return(
    statements: Sequence[StatementAst], signature: FlowSignature, reporter: Reporter
) -> None:
    """Report a way to the end of a flow that returns nothing."""
    at, label = _end(statements)
    is_optional = signature.returns.may_be_none
    reporter.report(
        "MP1211",
        at,
        f"`{signature.name}` may end without a `return`",
        label=label,
        help=f"write `return {'none' if is_optional else '...'}` below, "
        f"with a value of `{signature.returns.describe()}`",
    )


def _end(statements: Sequence[StatementAst]) -> tuple[Span, str]:
    """Where a block may be left at its end, and how."""
    last = statements[-1]
    match last:
        case BranchAst(otherwise=()):
            return last.arms[-1].span, "where no condition holds, the flow goes on to its end"
        case BranchAst():
            blocks = (*(arm.statements for arm in last.arms), last.otherwise)
            return next((_end(block) for block in blocks if not _returns(block)), _at(last))
        case LoopAst():
            return last.span, "behind the loop the flow ends"
        case RoundsAst():
            return last.span, "where the condition does not hold, the flow goes on to its end"
        case AssignmentAst() | DoAst() | ResultAst():
            return _at(last)
        case _:
            assert_never(last)


def _at(statement: StatementAst) -> tuple[Span, str]:
    return statement.span, "behind this the flow ends"


def _returns(statements: Sequence[StatementAst]) -> bool:
    last = statements[-1]
    if isinstance(last, BranchAst):
        blocks = (*(arm.statements for arm in last.arms), last.otherwise)
        return bool(last.otherwise) and all(map(_returns, blocks))
    return isinstance(last, ResultAst)


def report_unreachable(statement: StatementAst, reporter: Reporter) -> None:
    """Report a statement that no way leads to."""
    reporter.report(
        "MP1212",
        _head(statement),
        "this is never reached",
        label="every way above has returned",
        help="remove it, or move it up",
    )


def report_depth(statement: StatementAst, most: int, reporter: Reporter) -> None:
    """Report a block that is inside too many others."""
    reporter.report(
        "MP1233",
        _head(statement),
        "blocks nested too deeply",
        label=f"blocks may be {most} deep",
        help="declare another flow for what is inside, and call it",
    )


def _head(statement: StatementAst) -> Span:
    return statement.arms[0].span if isinstance(statement, BranchAst) else statement.span


# ---------------------------------------------------------------------------------------------- names


def report_second_type(node: AssignmentAst, type: Type, reporter: Reporter) -> None:
    """Report a type behind a name that has another."""
    assert node.type is not None
    reporter.report(
        "MP1215",
        node.type.span,
        f"`{node.name.text}` has another type already",
        label=f"it is `{type.describe()}` from the first assignment on",
        help="write the type there, or give this value another name",
    )


def report_loop_type(node: LoopAst, type: Type, item: Type, reporter: Reporter) -> None:
    """Report a loop whose variable had another type in an earlier one."""
    reporter.report(
        "MP1215",
        node.variable.span,
        f"`{node.variable.text}` has another type already",
        label=f"here it is `{item.describe()}`, above `{type.describe()}`",
        help="give it another name in this loop",
    )


def report_loop_variable(name: nodes.Name, reporter: Reporter) -> None:
    """Report an assignment to the variable of a loop inside it."""
    reporter.report(
        "MP1217",
        name.span,
        f"`{name.text}` is the item that the loop is at",
        label="this would hide it",
        help="give this value another name",
    )


def report_hidden(name: nodes.Name, reporter: Reporter) -> None:
    """Report a loop whose variable is the name of a value above."""
    reporter.report(
        "MP1217",
        name.span,
        f"`{name.text}` has a value above",
        label="behind the loop that would be gone",
        help="call the item of the loop something else",
    )


def report_unused(declaration: FlowDecl, uses: FlowUses, reporter: Reporter) -> None:
    """Report parameters and variables that no expression asks for."""
    for parameter in declaration.parameters:
        name = parameter.name
        if name.text not in uses.read:
            reporter.report(
                "MP1231",
                name.span,
                f"the parameter `{name.text}` is not used",
                label="no statement reads it",
                help="remove it, or use it",
            )
    own = {parameter.name.text for parameter in declaration.parameters}
    for text, name in uses.first.items():
        if text not in uses.read and text not in own:
            reporter.report(
                "MP1232",
                name.span,
                f"`{text}` is not used",
                label="no statement reads it",
                help="remove it, or use it",
            )


# ---------------------------------------------------------------------------------------------- lists


def report_no_append(name: nodes.Name, type: Type, reporter: Reporter) -> None:
    """Report something put into what is no list."""
    reporter.report(
        "MP1218",
        name.span,
        f"`{name.text}` is no list",
        label=f"it is `{type.describe()}`",
        help="only lists have `append`",
    )


def report_foreign_list(name: nodes.Name, reporter: Reporter) -> None:
    """Report something put into a list that belongs to whoever calls the flow."""
    reporter.report(
        "MP1218",
        name.span,
        f"`{name.text}` is not the flow's own",
        label="whoever gave it would see it change",
        help=f"make another list: `more = {name.text} + [...]`",
    )


def report_append_in_loop(name: nodes.Name, reporter: Reporter) -> None:
    """Report something put into the list that a loop around goes through."""
    reporter.report(
        "MP1218",
        name.span,
        f"a loop goes through `{name.text}`",
        label="it would never come to the end",
        help="append to another list",
    )


def report_append_arguments(node: nodes.InvocationAst, reporter: Reporter) -> None:
    """Report an `append` of none or several."""
    reporter.report(
        "MP1218",
        node.span,
        "`append` takes one item",
        label=f"this gives it {len(node.arguments)}",
        help="write a line for each item, or put lists together: `found + others`",
    )


# ----------------------------------------------------------------------------------------- statements


def report_idle(node: DoAst, reporter: Reporter) -> None:
    """Report a statement that does nothing."""
    found = node.expression
    word = found.path.text if isinstance(found, nodes.ReferenceAst) else ""
    if word in OTHER_STATEMENTS:
        other_statement(word, node.span.start).report(reporter)
        return
    reporter.report(
        "MP1207",
        node.span,
        "this does nothing",
        label="its value is nobody's",
        help="give it a name: `name = ...`, or `return` it",
    )


def report_unheard(node: nodes.InvocationAst, reporter: Reporter) -> None:
    """Report a prompt that is asked for nothing."""
    reporter.report(
        "MP1221",
        node.span,
        f"the answer of `{node.path.text}` is not used",
        label="a prompt does nothing but answer",
        help="give it a name: `name = ...`, or leave the call out",
    )


def report_no_list(node: LoopAst, type: Type, reporter: Reporter) -> None:
    """Report a loop through what is no list."""
    reporter.report(
        "MP1224",
        node.each.span,
        f"no loop goes through `{written(node.each, reporter)}`",
        label=f"it is `{type.describe()}`, not a list",
        help="go through a list, or let a prompt return one",
    )


def report_bound(node: nodes.NumberAst, most: int, reporter: Reporter) -> None:
    """Report a loop that goes round no number of times."""
    reporter.report(
        "MP1225",
        node.span,
        f"a loop cannot go round {node.text} times",
        label=f"a bound is a whole number from 1 to {most}",
        help="write how often at most: `up to 3`",
    )


def report_unchanging(node: RoundsAst, reporter: Reporter) -> None:
    """Report a loop whose condition stays as it is."""
    reporter.report(
        "MP1226",
        node.condition.span,
        "nothing in the loop changes this",
        label="if it holds once, it holds for ever",
        help="assign a name of the condition in the loop, or ask with `if`",
    )
