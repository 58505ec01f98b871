"""The turns of a body: lines `@system`, `@user` and `@assistant`, and the order that they may have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..diagnostics import Reporter
from ..source import Span
from .nodes import PartAst, TextAst, TurnAst

ROLES: Final = ("system", "user", "assistant")

_AFTER: Final = {"": ("system", "user"), "system": ("user",), "user": ("assistant",), "assistant": ("user",)}
"""Who may have the turn after whom; "" stands for the beginning."""


def check_turns(parts: Sequence[PartAst], reporter: Reporter) -> bool:
    """Whether the turns of a body are in order; what is not is reported."""
    turns = [(place, part) for place, part in enumerate(parts) if isinstance(part, TurnAst)]
    if not turns:
        return True
    before = len(reporter.found)
    first, _ = turns[0]
    if said := [part for part in parts[:first] if not _is_blank(part)]:
        whole = said[0].span.to(said[-1].span)
        blanks = len(text := reporter.source.slice(whole)) - len(text.lstrip())
        _report_before(Span(whole.start + blanks, whole.start + len(text.rstrip())), turns[0][1], reporter)
    follows = ""
    ends = (*(place for place, _ in turns[1:]), len(parts))
    for (place, turn), end in zip(turns, ends, strict=True):
        if turn.role not in _AFTER[follows]:
            _report_order(turn, follows, reporter)
        if all(map(_is_blank, parts[place + 1 : end])):
            _report_empty(turn, reporter)
        follows = turn.role
    last = turns[-1][1]
    if last.role != "user":
        _report_last(last, reporter)
    return len(reporter.found) == before


def _is_blank(part: PartAst) -> bool:
    return isinstance(part, TextAst) and not part.text.strip()


def _report_before(span: Span, turn: TurnAst, reporter: Reporter) -> None:
    reporter.report(
        "MP0422",
        span,
        "text before the first turn",
        label="nobody says this",
        help="write `@system` above it",
        also=[(turn.span, "the first turn begins here")],
    )


def _report_order(turn: TurnAst, follows: str, reporter: Reporter) -> None:
    wanted = " or ".join(f"`@{role}`" for role in _AFTER[follows])
    where = f"after `@{follows}`" if follows else "at the beginning"
    reporter.report(
        "MP0423",
        turn.span,
        f"`@{turn.role}` cannot stand here",
        label=f"{where} comes {wanted}",
        help="`@system` comes first, if at all; then `@user` and `@assistant` take turns",
    )


def _report_last(turn: TurnAst, reporter: Reporter) -> None:
    reporter.report(
        "MP0424",
        turn.span,
        f"the last turn is `@{turn.role}`",
        label="the answer follows, and that is the assistant's",
        help="end with a turn of `@user`",
    )


def _report_empty(turn: TurnAst, reporter: Reporter) -> None:
    reporter.report(
        "MP0425",
        turn.span,
        f"nothing stands below `@{turn.role}`",
        label="this turn is empty",
        help="leave the line out, or write what is said below it",
    )


def report_unknown_role(role: str, span: Span, reporter: Reporter) -> None:
    """Report a turn of somebody who is not in a conversation."""
    reporter.report(
        "MP0421",
        span,
        f"there is no role `{role}`",
        label="the roles are `@system`, `@user` and `@assistant`",
        help=reporter.suggestion(role, ROLES) or f"if it is text, write `{{raw}}@{role}{{end}}`",
    )


def report_turn_in_block(role: str, span: Span, block: Span, reporter: Reporter) -> None:
    """Report a turn inside `{if}` or `{for}`."""
    reporter.report(
        "MP0420",
        span,
        f"`@{role}` inside a block",
        label="a turn is there in every call",
        help="close the block with `{end}` before it, and open another one in the turn",
        also=[(block, "the block begins here")],
    )
