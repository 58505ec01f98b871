"""Prompts that others call in their bodies: what may be called, what fits, and that it comes to an end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import assert_never

from ..diagnostics import Reporter, listed
from ..expressions.functions import FUNCTIONS
from ..source import Span
from ..syntax import nodes
from ..types import Type
from ..types.arguments import Taker
from ..types.operands import Numeric, Sort
from .checked import (
    CheckedCall,
    CheckedFor,
    CheckedHole,
    CheckedIf,
    CheckedPart,
    CheckedPrompt,
    CheckedTurn,
    Symbol,
)
from .resolve import TypeResolver


def report_no_prompt(
    path: nodes.Path, found: Symbol | None, resolver: TypeResolver, reporter: Reporter
) -> None:
    """Report a call of something else than a prompt."""
    known = resolver.prompt_names()
    help = reporter.suggestion(path.text, known) or listed(sorted(known), before="the prompts are")
    if found is not None:
        message, label = f"`{path.text}` is not a prompt", "only prompts are called in a body"
    elif path.text in FUNCTIONS:
        message, label = f"`{path.text}` is no prompt", "it is a function of conditions"
        help = f"ask for it in an `{{if}}`, as in `{{if {path.text}(...) > 3}}`, or calculate it in Python"
    else:
        message, label = f"unknown prompt `{path.text}`", "nothing with this name is in scope"
    reporter.report("MP0430", path.span, message, label=label, help=help or "declare it, or import it")


def report_nested(node: nodes.RecordAst, reporter: Reporter) -> None:
    """Report a call among the arguments of another one."""
    reporter.report(
        "MP0432",
        node.span,
        "a call inside a call",
        label="the arguments of a call are parameters, items and values",
        help=f"write a prompt that shows `{{{node.path.text}(...)}}`, and call that",
    )


def check_fits(type: Type, taker: Taker, node: nodes.ReferenceAst, reporter: Reporter) -> None:
    """Report an argument whose values are of another type than the parameter's. Bounds are for the call."""
    wanted, found = taker.type.operand, type.operand
    written = node.path.text
    if found.may_be_none and not wanted.may_be_none:
        reporter.report(
            "MP0431",
            node.span,
            f"`{written}` may be missing",
            label=f"`{taker.name}` is `{taker.type.describe()}`, and this `{type.describe()}`",
            help=f"put the call between `{{if {written}}}` and `{{end}}`",
        )
    elif not _fits(type, taker.type):
        reporter.report(
            "MP0431",
            node.span,
            f"`{taker.name}` takes `{taker.type.describe()}`",
            label=f"this is `{type.describe()}`",
            help=taker.type.hint(),
        )


def _fits(type: Type, wanted: Type) -> bool:
    found, taken = type.operand, wanted.operand
    if Sort.UNKNOWN in (found.sort, taken.sort):
        return True
    if found.sort is not taken.sort:
        return False
    if found.sort in (Sort.RECORD, Sort.MEMBER):
        return found.type == taken.type
    if found.item is not None and taken.item is not None:
        return _fits(found.item, taken.item)
    return found.numeric in (taken.numeric, Numeric.WHOLE)


def report_circles(prompts: Sequence[CheckedPrompt], reporter: Reporter) -> None:
    """Report prompts of a file that come to call themselves. Files import one another in no circle, so no
    other way leads back."""
    path = reporter.source.path
    calls = {
        prompt.name: {
            call.callee.name: call.span for call in calls_of(prompt.parts) if call.callee.origin == path
        }
        for prompt in prompts
    }
    help = "no answer would ever come; give one of them the text itself"
    report_circle_of(calls, "MP0433", help, reporter)


def report_circle_of(
    calls: Mapping[str, Mapping[str, Span]], code: str, help: str, reporter: Reporter
) -> None:
    """Report the first circle, if there is one, among what calls what, and where."""
    try:
        TopologicalSorter(calls).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1][::-1]
        reporter.report(
            code,
            calls[circle[0]][circle[1]],
            f"`{circle[0]}` calls itself",
            label=" -> ".join(f"`{step}`" for step in circle),
            help=help,
        )


def calls_of(parts: Sequence[CheckedPart]) -> Iterator[CheckedCall]:
    """The calls in the parts of a body."""
    for part in parts:
        match part:
            case CheckedCall():
                yield part
            case CheckedFor():
                yield from calls_of(part.parts)
            case CheckedIf():
                for arm in part.arms:
                    yield from calls_of(arm.parts)
                yield from calls_of(part.otherwise)
            case str() | CheckedHole() | CheckedTurn():
                pass
            case _:
                assert_never(part)
