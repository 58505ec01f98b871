"""What stands below a flow: its tests, with what is answered for what it calls, and its timeout."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import assert_never

from ...diagnostics import Reporter, listed
from ...expressions.signatures import FlowSignature, FunctionSignature, PromptSignature, Signature
from ...source import Span
from ...syntax import nodes
from ...syntax.flow_nodes import FlowDecl
from ...types.base import Broken, Reading
from ..cases import cases_of, check_case
from ..checked_cases import CheckedFlowCase, CheckedScript
from ..checked_flows import CheckedFlow
from ..resolve import TypeResolver
from ..rows_files import check_rows_files
from ..settings import check_flow_using


def with_clauses(
    flow: CheckedFlow,
    declaration: FlowDecl,
    signature: FlowSignature,
    called: AbstractSet[str] | None,
    resolver: TypeResolver,
    reporter: Reporter,
) -> CheckedFlow:
    """The flow with its clauses, in which everything wrong is reported. `called` are the names of what it
    calls, as far as that is known."""
    for clause in declaration.clauses:
        match clause:
            case nodes.ExamplesAst():
                _refuse_examples(clause, reporter)
            case nodes.TestsAst():
                tests = tuple(
                    _test(case, signature, called, resolver, reporter) for case in cases_of(clause)
                )
                files = check_rows_files(clause, signature.returns, reporter)
                flow = replace(flow, tests=tests, tests_from=files)
            case nodes.UsingAst():
                flow = replace(flow, timeout=check_flow_using(clause, reporter))
            case _:
                assert_never(clause)
    return flow


def _test(
    node: nodes.CaseAst,
    signature: FlowSignature,
    called: AbstractSet[str] | None,
    resolver: TypeResolver,
    reporter: Reporter,
) -> CheckedFlowCase:
    case = check_case(node, signature, resolver, reporter)
    return CheckedFlowCase(
        arguments=case.arguments,
        answer=case.answer,
        scripts=_scripts(node.scripts, called, resolver, reporter),
        line=case.line,
        span=case.span,
    )


def _scripts(
    written: Sequence[nodes.ScriptAst],
    called: AbstractSet[str] | None,
    resolver: TypeResolver,
    reporter: Reporter,
) -> tuple[CheckedScript, ...]:
    """What is answered for each thing that is called, in the order of the text."""
    found: dict[str, CheckedScript] = {}
    for node in written:
        callee = _callee(node.path, called, resolver, reporter)
        if callee is None:
            continue
        answer = Reading(names=resolver, reporter=reporter, wanted=callee.returns).read(node.answer)
        before = found.get(node.path.text)
        found[node.path.text] = CheckedScript(
            callee=callee, answers=(*(before.answers if before else ()), answer), span=node.span
        )
    return tuple(found.values())


def _callee(
    path: nodes.Path, called: AbstractSet[str] | None, resolver: TypeResolver, reporter: Reporter
) -> Signature | None:
    """What a path names; `None` where that is reported."""
    found = resolver.lookup(path)
    if isinstance(found, Broken):
        return None
    if not isinstance(found, PromptSignature | FlowSignature | FunctionSignature):
        reporter.report(
            "MP1243",
            path.span,
            f"`{path.text}` answers nothing",
            label="it is no prompt, flow or function"
            if found is not None
            else "nothing with this name is in scope",
            help=reporter.suggestion(path.text, called or ())
            or listed(sorted(called or ()), before="the flow calls")
            or "name what the flow calls",
        )
        return None
    if called is not None and found.name not in called:
        reporter.report(
            "MP1243",
            path.span,
            f"the flow does not call `{path.text}`",
            label="so nobody would ask for this answer",
            help=listed(sorted(called), before="it calls") or "leave it out",
        )
        return None
    return found


def _refuse_examples(clause: nodes.ExamplesAst, reporter: Reporter) -> None:
    reporter.report(
        "MP1240",
        Span(clause.span.start, clause.span.start + len("examples")),
        "flows have no examples",
        label="examples are for a model",
        help="write `tests:`, or give the examples to the prompts that the flow calls",
    )
