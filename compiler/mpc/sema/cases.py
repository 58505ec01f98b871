"""Examples and tests: calls with what should come of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..diagnostics import Reporter
from ..expressions.signatures import FlowSignature, PromptSignature
from ..syntax import nodes
from ..types.arguments import read_arguments
from ..types.base import Reading
from .checked_cases import CheckedCase
from .resolve import TypeResolver


def check_cases(
    clause: nodes.ExamplesAst | nodes.TestsAst,
    signature: PromptSignature | FlowSignature,
    resolver: TypeResolver,
    reporter: Reporter,
) -> tuple[CheckedCase, ...]:
    """The entries of a clause that are no files; everything wrong with them is reported."""
    return tuple(check_case(case, signature, resolver, reporter) for case in cases_of(clause))


def cases_of(clause: nodes.ExamplesAst | nodes.TestsAst) -> Iterator[nodes.CaseAst]:
    return (entry for entry in clause.entries if isinstance(entry, nodes.CaseAst))


def check_case(
    case: nodes.CaseAst,
    signature: PromptSignature | FlowSignature,
    resolver: TypeResolver,
    reporter: Reporter,
) -> CheckedCase:
    """A call and its answer. What a prompt answers, the model would have to produce."""
    call = Reading(names=resolver, reporter=reporter, wanted=signature.returns)
    answer = replace(call, is_answer=isinstance(signature, PromptSignature))
    parameters = {parameter.name: parameter for parameter in signature.parameters}
    at = case.arguments[0].span.to(case.arguments[-1].span) if case.arguments else case.span
    values = read_arguments(case.arguments, parameters, call, f"`{signature.name}`", at, by_name=False)
    arguments = {
        parameter.name: (parameter.type, values.get(parameter.name, parameter.default))
        for parameter in parameters.values()
    }
    return CheckedCase(
        arguments=tuple(value for _, value in arguments.values()),
        answer=replace(answer, call=arguments).read(case.answer),
        line=reporter.source.line_of(case.span.start),
        span=case.span,
    )


def refuse_scripts(clause: nodes.ExamplesAst | nodes.TestsAst, reporter: Reporter) -> None:
    """Report answers that are given in an entry of a prompt."""
    for case in cases_of(clause):
        if case.scripts:
            reporter.report(
                "MP1242",
                case.scripts[0].span.to(case.scripts[-1].span),
                "answers are given in tests of flows alone",
                label="the model answers a prompt",
                help="leave out what begins with `given`",
            )
