"""Prompts: parameters, holes, examples, tests and settings."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from ..diagnostics import Reporter, suggestion
from ..source import Span
from ..syntax import nodes
from .checked import Case, Hole, Model, Parameter, Prompt, Using
from .python_names import check_python_name
from .resolve import TypeResolver
from .settings import check_using
from .types import ErrorType, ListType, OptionalType, RecordType, StrType, Type, Value, describe, resolved
from .values import ValueChecker


def check_prompt(
    declaration: nodes.PromptDecl, resolver: TypeResolver, models: dict[str, Model], reporter: Reporter
) -> Prompt:
    """Check one prompt; everything wrong with it is reported."""
    parameters = _parameters(declaration, resolver, reporter)
    returns = resolver.type(declaration.returns)
    parts = _parts(declaration, parameters, reporter)
    examples: tuple[Case, ...] = ()
    tests: tuple[Case, ...] = ()
    using = Using()
    for clause in declaration.clauses:
        match clause:
            case nodes.Examples():
                examples = _cases(clause.cases, declaration, parameters, returns, resolver, reporter)
            case nodes.Tests():
                tests = _cases(clause.cases, declaration, parameters, returns, resolver, reporter)
            case nodes.Using():
                using = check_using(clause, returns, resolver, models, reporter)
    return Prompt(
        name=declaration.name.text,
        line=reporter.source.line_of(declaration.span.start),
        english=declaration.body.english,
        parts=parts,
        parameters=parameters,
        returns=returns,
        examples=examples,
        tests=tests,
        using=using,
    )


def _parameters(
    declaration: nodes.PromptDecl, resolver: TypeResolver, reporter: Reporter
) -> tuple[Parameter, ...]:
    found: dict[str, Parameter] = {}
    spans: dict[str, Span] = {}
    optional_before: nodes.Parameter | None = None
    for node in declaration.parameters:
        name = node.name.text
        type = resolver.type(node.type)
        default: Value = None
        if node.default is not None:
            default = ValueChecker(resolver, reporter).value(node.default, type)
            optional_before = optional_before or node
        elif optional_before is not None:
            reporter.report(
                "MP0507",
                node.name.span,
                f"`{name}` has no default but follows one that has",
                label="needs a default here",
                help=f"move `{name}` before `{optional_before.name.text}`, or give it a default",
            )
        if name in found:
            reporter.report(
                "MP0202",
                node.name.span,
                f"the parameter `{name}` is declared twice",
                label="declared again here",
                help="rename one of the two",
                also=[(spans[name], "first declared here")],
            )
            continue
        check_python_name(node.name, reporter, with_label=False)
        spans[name] = node.name.span
        found[name] = Parameter(name, type, node.default is not None, default)
    return tuple(found.values())


# ------------------------------------------------------------------------------------------------ holes


def _parts(
    declaration: nodes.PromptDecl, parameters: Sequence[Parameter], reporter: Reporter
) -> tuple[str | Hole, ...]:
    by_name = {parameter.name: parameter for parameter in parameters}
    parts: list[str | Hole] = []
    used: set[str] = set()
    for part in declaration.body.parts:
        match part:
            case nodes.Text():
                parts.append(part.text)
            case nodes.Hole():
                first, *fields = part.path.names
                used.add(first.text)
                if first.text not in by_name:
                    _report_unknown_parameter(first, by_name, reporter)
                    continue
                _check_fields(fields, by_name[first.text].type, first.text, reporter)
                parts.append(Hole(first.text, tuple(field.text for field in fields)))
    _report_unused(declaration, used, by_name, reporter)
    return tuple(parts)


def _report_unknown_parameter(name: nodes.Name, known: Iterable[str], reporter: Reporter) -> None:
    names = list(known)
    listed = ", ".join(f"`{other}`" for other in names[:5])
    reporter.report(
        "MP0401",
        name.span,
        f"unknown parameter `{name.text}`",
        label="no parameter of the prompt has this name",
        help=suggestion(name.text, names)
        or (f"the parameters are {listed}" if names else "declare it in the prompt's header"),
    )


def _check_fields(fields: Sequence[nodes.Name], type: Type, way: str, reporter: Reporter) -> None:
    for name in fields:
        record = resolved(type)
        match record:
            case ErrorType():
                return
            case RecordType():
                types = {field.name: field.type for field in record.fields}
                if name.text not in types:
                    reporter.report(
                        "MP0402",
                        name.span,
                        f"`{record.name}` has no field `{name.text}`",
                        label="unknown field",
                        help=suggestion(name.text, types)
                        or f"its fields are {', '.join(f'`{field}`' for field in list(types)[:5])}",
                    )
                    return
                type, way = types[name.text], f"{way}.{name.text}"
            case _:
                help = f"write `{{{way}}}` for the whole value"
                if isinstance(record, OptionalType) and isinstance(resolved(record.item), RecordType):
                    help = f"the record may be missing; {help}"
                elif isinstance(record, ListType):
                    help = f"a hole shows a whole list; {help}"
                reporter.report(
                    "MP0403",
                    name.span,
                    f"`{way}` has no fields",
                    label=f"it is `{describe(type)}`, not a record",
                    help=help,
                )
                return


def _report_unused(
    declaration: nodes.PromptDecl, used: set[str], known: Iterable[str], reporter: Reporter
) -> None:
    by_name = {node.name.text: node.name for node in declaration.parameters}
    # A misspelt or malformed hole explains an unused parameter: one report is enough.
    if used - set(known) or not declaration.body.complete:
        return
    for name in known:
        if name not in used:
            reporter.report(
                "MP0404",
                by_name[name].span,
                f"the parameter `{name}` is not used",
                label="no hole shows it to the model",
                help=f"write `{{{name}}}` where it belongs in the body, or remove it",
            )


# --------------------------------------------------------------------------------- examples and tests


def _cases(
    cases: Sequence[nodes.Case],
    declaration: nodes.PromptDecl,
    parameters: Sequence[Parameter],
    returns: Type,
    resolver: TypeResolver,
    reporter: Reporter,
) -> tuple[Case, ...]:
    arguments = ValueChecker(resolver, reporter)
    answers = ValueChecker(resolver, reporter, answer=True)
    found = []
    for case in cases:
        _refuse_position_after_name(case, reporter)
        at = case.arguments[0].span.to(case.arguments[-1].span) if case.arguments else case.span
        values = arguments.arguments(
            case.arguments, parameters, f"`{declaration.name.text}`", at, by_name=False
        )
        _check_one_line(case.answer, returns, reporter)
        found.append(
            Case(
                arguments=tuple(values.get(parameter.name, parameter.default) for parameter in parameters),
                answer=answers.value(case.answer, returns),
                line=reporter.source.line_of(case.span.start),
            )
        )
    return tuple(found)


def _check_one_line(answer: nodes.ValueNode, returns: Type, reporter: Reporter) -> None:
    """Report a text that the model could not give: outside records and lists, an answer is one line."""
    type = resolved(returns)
    optional = isinstance(type, OptionalType)
    if isinstance(type, OptionalType):
        type = resolved(type.item)
    if not isinstance(answer, nodes.StringValue) or not isinstance(type, StrType) or type.pattern is not None:
        return
    text = answer.text
    if optional and text == "none":
        problem, help = 'the word "none" stands for the missing value', "write `none` without quotes"
    elif text[:1].isspace():
        problem, help = "an answer does not start with a space", "leave the space out"
    elif any(unicodedata.category(character) == "Cc" for character in text):
        problem, help = (
            "an answer of this type is one line",
            "return a `list[str]`, or a record with the text",
        )
    else:
        return
    reporter.report("MP0504", answer.span, "the model cannot give this answer", label=problem, help=help)


def _refuse_position_after_name(case: nodes.Case, reporter: Reporter) -> None:
    named = False
    for argument in case.arguments:
        if named and argument.name is None:
            reporter.report(
                "MP0501",
                argument.span,
                "an argument without a name follows one with a name",
                label="which parameter is this for?",
                help="write its name: `name=...`",
            )
            return
        named = named or argument.name is not None
