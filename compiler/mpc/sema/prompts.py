"""Prompts: parameters, holes, examples, tests and settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, assert_never

from ..diagnostics import Reporter
from ..expressions.signatures import PromptSignature
from ..syntax import nodes
from ..types import Type
from .bodies import check_body, check_tag_word
from .cases import check_cases, refuse_scripts
from .checked import CheckedModel, CheckedPrompt, CheckedUsing
from .checked_cases import CheckedCase, CheckedRowsFile
from .parameters import check_parameters
from .resolve import TypeResolver
from .rows_files import check_rows_files, refuse_rows
from .settings import check_using
from .sources import check_sources

MAX_ANSWER: Final = 1_000_000
"""The most characters that an answer may have: no context that a small model has would hold more."""


def check_signature(
    declaration: nodes.PromptDecl, resolver: TypeResolver, reporter: Reporter
) -> PromptSignature:
    """Check the header of one prompt; everything wrong with it is reported."""
    parameters = check_parameters(declaration.parameters, resolver, reporter)
    for node in declaration.parameters:
        check_tag_word(node.name, reporter)
    returns = resolver.answer(declaration.returns, parameters)
    sources = check_sources(returns, declaration.returns.span, parameters, reporter)
    _check_longest(declaration, returns, reporter)
    return PromptSignature(
        origin=reporter.source.path,
        name=declaration.name.text,
        parameters=tuple(parameters.values()),
        returns=returns,
        sources=sources,
        span=declaration.name.span,
    )


def check_prompt(
    declaration: nodes.PromptDecl,
    signature: PromptSignature,
    resolver: TypeResolver,
    models: Mapping[str, CheckedModel],
    reporter: Reporter,
) -> CheckedPrompt:
    """Check what stands below the header of one prompt; everything wrong with it is reported."""
    returns = signature.returns
    parts = check_body(declaration, signature, resolver, reporter)
    examples: tuple[CheckedCase, ...] = ()
    tests: tuple[CheckedCase, ...] = ()
    tests_from: tuple[CheckedRowsFile, ...] = ()
    using = CheckedUsing()
    for clause in declaration.clauses:
        match clause:
            case nodes.ExamplesAst():
                refuse_rows(clause, reporter)
                refuse_scripts(clause, reporter)
                examples = check_cases(clause, signature, resolver, reporter)
            case nodes.TestsAst():
                refuse_scripts(clause, reporter)
                tests = check_cases(clause, signature, resolver, reporter)
                tests_from = check_rows_files(clause, returns, reporter)
            case nodes.UsingAst():
                using = check_using(
                    clause, returns, declaration.returns.span, resolver, models, reporter
                )
            case _:
                assert_never(clause)
    return CheckedPrompt(
        name=declaration.name.text,
        line=reporter.source.line_of(declaration.span.start),
        english=declaration.body.english,
        parts=parts,
        parameters=signature.parameters,
        returns=returns,
        examples=examples,
        tests=tests,
        tests_from=tests_from,
        using=using,
        span=declaration.name.span,
    )


def _check_longest(declaration: nodes.PromptDecl, returns: Type, reporter: Reporter) -> None:
    """Report an answer for which no context has room."""
    if returns.longest > MAX_ANSWER:
        reporter.report(
            "MP0312",
            declaration.returns.span,
            "no context holds an answer of this type",
            label=f"it may have {returns.longest:,} characters; {MAX_ANSWER:,} are allowed",
            help=returns.within(MAX_ANSWER) or "return a type with fewer or shorter parts",
        )
