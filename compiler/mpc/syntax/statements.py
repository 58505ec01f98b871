"""The body of a flow becomes its statements, or the mistakes in it are reported, statement by statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from ..diagnostics import Reporter
from ..source import Span
from .flow_nodes import StatementsAst
from .flow_problems import explain_statement, report_empty, report_uneven
from .flow_tree import FlowBuilder
from .grammar import flow_parser
from .lalr import Derivation
from .recovery import MAX_MISTAKES
from .statement_lines import StatementLine, marks, statement_lines, without_statement

_INSTEAD: Final = {"MP0108": "", "MP1203": "", "MP1206": "if x:"}
"""What is read instead of a statement after mistakes for which another of its kind would be wrong too: where
no statement can begin, and for an arm without an `if`."""


def parse_statements(body: Span, reporter: Reporter) -> StatementsAst | None:
    """The statements of a body; `None` after a mistake, with all those reported that could be found."""
    text = reporter.source.text
    seen: set[int] = set()
    for count in range(MAX_MISTAKES):
        lines = statement_lines(text, body)
        if not lines:
            if not count:
                report_empty(body, reporter)
            return None
        found, uneven = marks(lines, body.end)
        if uneven is not None:
            broken, code = uneven, report_uneven(uneven, reporter)
        else:
            derivation = flow_parser().read(text, body, "statements", found)
            if derivation.stop is None:
                return None if count else _built(derivation, text, reporter)
            broken = _broken(derivation, lines)
            if broken.span.start in seen:
                return None  # what is wrong now is what was blanked
            code = explain_statement(derivation, broken, reporter)
        seen.add(broken.span.start)
        text = without_statement(text, lines, broken, _INSTEAD.get(code))
    return None


def _built(derivation: Derivation, text: str, reporter: Reporter) -> StatementsAst:
    return cast(StatementsAst, flow_parser().build(derivation, text, FlowBuilder(reporter)))


def _broken(derivation: Derivation, lines: Sequence[StatementLine]) -> StatementLine:
    """The statement in which reading stopped: where its line was to go on, or a block was to begin below it,
    that is the one before the place."""
    stop, refused = derivation.stop, derivation.refused
    assert stop is not None
    is_behind = refused is None or refused[0] in ("_NL", "_DEDENT") or set(stop.accepts) == {"_INDENT"}
    at = stop.last_end if is_behind else stop.at
    return ([line for line in lines if line.span.start <= at] or [lines[0]])[-1]
