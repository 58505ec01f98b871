"""Python modules as files see them: the classes and functions that a file imports, read as declarations of
the language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from microprompt.shapes.reading import ClassShape, ModuleShape, NameShape, RefusalShape

from ..codes import Severity
from ..diagnostics import Diagnostic, Label, Reporter, listed
from ..expressions.signatures import FunctionSignature
from ..source import Source
from ..syntax import nodes, parse
from ..types.base import PYTHON, Broken
from .check import check
from .checked import CheckedModule, Symbol

_WORDS: Final = ("record ", "enum ", "flow ")


def foreign_module(
    module: str, wanted: Sequence[nodes.ImportedAst], shape: ModuleShape, reporter: Reporter
) -> CheckedModule:
    """A module of Python with what a file wants of it. What has no counterpart in the language is reported,
    and stands there as broken."""
    exports: dict[str, Symbol] = {}
    taken: dict[str, ClassShape] = {}
    homes: dict[str, nodes.Name] = {}  # the import that a class comes with
    usable: dict[str, NameShape] = {}
    for each in wanted:
        name, found = each.name, shape["names"][each.name.text]
        exports[name.text] = Broken()
        if found["kind"] not in ("class", "function"):
            _report_unusable(module, name, found, shape["known"], reporter)
            continue
        classes = {other["name"]: other for other in found["classes"]}
        clash = next((other for key, other in classes.items() if taken.get(key, other) != other), None)
        for refusal in found["refused"]:
            _report_refusal(name, refusal, found["kind"], reporter)
        if clash is not None:
            what = f"a class of {clash['module']}, called as one of {taken[clash['name']]['module']}"
            refusal = RefusalShape(where=clash["name"], what=what, help="rename one of the two")
            _report_refusal(name, refusal, found["kind"], reporter)
        if found["refused"] or clash is not None:
            continue
        usable[name.text] = found
        taken.update(classes)
        for key in (*classes, name.text):
            homes.setdefault(key, name)
    source = Source(
        f"{PYTHON}{module}",
        "\n\n".join(
            [*(each["text"] for each in taken.values()), *(each["header"] for each in usable.values())]
        ),
        f"{module}, read as a program",
    )
    checked, problems = _checked(source, {name: _origin(each) for name, each in taken.items()})
    broken = {_declaration(problem) for problem in problems if problem.severity is Severity.ERROR}
    for problem in problems:
        reporter.found.append(_as_of_import(problem, homes[_declaration(problem)], reporter.source))
    for key, found in usable.items():
        inside = [other["name"] for other in found["classes"]]
        if not broken.isdisjoint((*inside, key)):
            continue
        if found["kind"] == "class":
            exports[key] = checked.exports[inside[0]]
        elif isinstance(function := checked.exports[key], FunctionSignature):
            exports[key] = _as_is(function, found)
    digests = {key: found["digest"] for key, found in usable.items()}
    return replace(checked, exports=exports, digests=digests)


def _as_is(function: FunctionSignature, found: NameShape) -> FunctionSignature:
    """A function with what its header does not say."""
    parameters = tuple(
        replace(each, has_default=each.name in found["optional"]) for each in function.parameters
    )
    return replace(function, parameters=parameters, gives_value=found["gives_value"])


def _checked(source: Source, origins: Mapping[str, str]) -> tuple[CheckedModule, list[Diagnostic]]:
    tree, mistakes = parse(source)
    checked, problems = check(tree, source, {}, origins)
    return checked, [*mistakes, *problems]


def _origin(found: ClassShape) -> str:
    return f"{PYTHON}{found['module']}" + (f":{found['outer']}" if found["outer"] else "")


# ------------------------------------------------------------------------------------------- diagnostics


def _report_unusable(
    module: str, name: nodes.Name, found: NameShape, known: Sequence[str], reporter: Reporter
) -> None:
    """Report what is neither a class nor a function that can be imported."""
    if found["kind"] == "missing":
        reporter.report(
            "MP0711",
            name.span,
            f"`{module}` has no `{name.text}`",
            label="the Python module does not define it",
            help=reporter.suggestion(name.text, known)
            or listed(known, before="it has")
            or "it has nothing that could be imported",
        )
    else:
        reporter.report(
            "MP0712",
            name.span,
            f"`{name.text}` is {found['kind']}",
            label="functions, enums, Pydantic models, dataclasses and TypedDicts can be imported",
            help=found["help"],
        )


def _report_refusal(name: nodes.Name, found: RefusalShape, kind: str, reporter: Reporter) -> None:
    """Report what has no counterpart of a class or a function, which is the `kind`."""
    reporter.report(
        "MP0713" if kind == "class" else "MP1250",
        name.span,
        f"`{found['where']}`: {found['what']} has no counterpart",
        label=f"this {kind} cannot be taken as it is",
        help=found["help"],
    )


def _as_of_import(problem: Diagnostic, name: nodes.Name, source: Source) -> Diagnostic:
    """What was found in the declaration of a class, said of the import that it comes with."""
    is_error = problem.severity is Severity.ERROR
    where = _declaration(problem) + (f".{field}" if (field := _entry(problem)) else "")
    return replace(
        problem,
        code="MP0713" if is_error else problem.code,
        message=f"`{where}` has no counterpart: {problem.message}" if is_error else problem.message,
        primary=Label(source=source, span=name.span, text=f"`{where}` is in it"),
        secondary=(problem.primary, *problem.secondary),
        help=problem.help,
    )


def _declaration(problem: Diagnostic) -> str:
    """The name of the class that a problem is in."""
    source = problem.primary.source
    line = source.line_of(problem.primary.span.start)
    while not (text := source.line_text(line)).startswith(_WORDS):
        line -= 1
    return text.split(" ")[1].partition("(")[0].rstrip(":")


def _entry(problem: Diagnostic) -> str | None:
    """The field or member that a problem is in."""
    source = problem.primary.source
    text = source.line_text(source.line_of(problem.primary.span.start))
    return None if text.startswith(_WORDS) else text.split()[0].rstrip(":")
