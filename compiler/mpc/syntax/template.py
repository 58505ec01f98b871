"""The body of a prompt: English with holes, and blocks of it that are shown as the arguments have it.

The parser hands over the body as one piece of text; this reads it and finds every mistake in its form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, assert_never

from ..diagnostics import Reporter
from ..source import Span
from .holes import Loop, read_condition, read_hole, read_loop, report_surplus
from .nodes import ArmAst, ExpressionAst, ForAst, IfAst, Name, PartAst, TemplateAst, TextAst, TurnAst
from .tags import Lines, Piece, pieces
from .turns import ROLES, check_turns, report_turn_in_block, report_unknown_role

MAX_BLOCKS: Final = 32
"""How many blocks may be inside one another; what walks over them recurses."""

_DOUBLED: Final = re.compile(r"\{\{[ \t]*([^\W\d]\w*)[ \t]*\}\}")


def parse_template(body: str, start: int, reporter: Reporter) -> TemplateAst:
    """Read a body, whole lines of it, that stands at offset `start` of the source."""
    found = list(pieces(body))
    lines = Lines(body, found)
    parts = _Parts(lines, start, reporter)
    for piece in found:
        parts.take(piece)
    return TemplateAst(
        english=lines.as_written(),
        parts=parts.finished(),
        complete=parts.complete,
        doubled=tuple(parts.doubled),
        span=Span(start, start + len(body)),
    )


@dataclass(slots=True)
class _Block:
    """A block that is open: `tag` is what opened it, `parts` what stands in it since its last tag.

    `condition` is that of the arm that is open, and `loop` is what a `{for}` says; both are `None` where it
    could not be read. `other` is the `{else}`, if there was one.
    """

    word: str
    tag: Span
    arm: Span
    condition: ExpressionAst | None = None
    loop: Loop | None = None
    other: Span | None = None
    arms: list[ArmAst] = field(default_factory=list)
    parts: list[PartAst] = field(default_factory=list)
    # What stood in arms whose conditions could not be read: it is checked all the same.
    lost: list[PartAst] = field(default_factory=list)

    def close_arm(self) -> None:
        """What follows belongs to the next arm."""
        if self.condition is not None:
            self.arms.append(ArmAst(condition=self.condition, parts=tuple(self.parts), span=self.arm))
        else:
            self.lost += self.parts
        self.parts = []
        self.condition = None


class _Parts:
    """Makes the parts of a body from its pieces; `complete` is false once one could not be read, and
    `doubled` are the words between two braces on each side."""

    def __init__(self, lines: Lines, start: int, reporter: Reporter) -> None:
        self._lines = lines
        self._start = start
        self._reporter = reporter
        self._parts: list[PartAst] = []
        self._open: list[_Block] = []
        self.complete = True
        self.doubled: list[Name] = []

    def take(self, piece: Piece) -> None:
        span = Span(self._start + piece.start, self._start + piece.end)
        written = self._lines.body[piece.start : piece.end]
        match piece.kind:
            case "text" | "verbatim":
                self._add_text(self._lines.text(piece.start, piece.end), span)
            case "brace":
                if match := _DOUBLED.match(self._lines.body, piece.start):
                    at = Span(self._start + match.start(1), self._start + match.end(1))
                    self.doubled.append(Name(text=match.group(1), span=at))
                self._add_text(written[0], span)
            case "turn":
                self._begin_turn(written, span)
            case "stray":
                self.complete = False
                _report_stray(written, span, self._reporter)
            case "hole":
                hole = read_hole(written, span, self._reporter)
                self.complete &= hole is not None
                if hole is not None:
                    self._here.append(hole)
            case "if" | "for" | "raw":
                self._open_block(piece.kind, written, span)
            case "elif" | "else":
                self._divide(piece.kind, written, span)
            case "end":
                self._close(written, span, ends_line=self._lines.is_alone(piece))
            case _:
                assert_never(piece.kind)

    def finished(self) -> tuple[PartAst, ...]:
        """All parts. Blocks that are still open are reported."""
        while self._open:
            block = self._open[-1]
            self._reporter.report(
                "MP0407",
                block.tag,
                f"`{{{block.word}}}` without an end",
                label="this block is not closed",
                help="write `{end}` where it ends",
            )
            self.complete = False
            self._pop(block.tag, ends_line=False)
        if self.complete:
            self.complete = check_turns(self._parts, self._reporter)
        return tuple(self._parts)

    @property
    def _here(self) -> list[PartAst]:
        return self._open[-1].parts if self._open else self._parts

    def _add_text(self, text: str, span: Span) -> None:
        here = self._here
        last = here[-1] if here else None
        if isinstance(last, TextAst):
            here[-1] = TextAst(text=last.text + text, span=last.span.to(span))
        elif text:
            here.append(TextAst(text=text, span=span))

    def _begin_turn(self, written: str, span: Span) -> None:
        role = written.strip()[1:]
        blanks = len(written) - len(written.lstrip())
        at = Span(span.start + blanks, span.start + blanks + len(role) + 1)
        if self._open:
            self.complete = False
            report_turn_in_block(role, at, self._open[-1].tag, self._reporter)
        elif role not in ROLES:
            self.complete = False
            report_unknown_role(role, at, self._reporter)
        else:
            self._parts.append(TurnAst(role=role, span=at))

    # ---------------------------------------------------------------------------------------- blocks

    def _open_block(self, word: str, written: str, span: Span) -> None:
        block = _Block(word, span, span)
        if word == "if":
            block.condition = read_condition(written, word, span, self._reporter)
            self.complete &= block.condition is not None
        elif word == "for":
            block.loop = read_loop(written, span, self._reporter)
            self.complete &= block.loop is not None
        else:
            self.complete &= not report_surplus(written, word, span, self._reporter)
        if len(self._open) == MAX_BLOCKS:
            self._reporter.report(
                "MP0113",
                span,
                "blocks nested too deeply",
                label=f"blocks may be inside one another {MAX_BLOCKS} deep",
                help="write a prompt of its own for the inner part",
            )
        self._open.append(block)

    def _divide(self, word: str, written: str, span: Span) -> None:
        block = self._open[-1] if self._open else None
        if block is None or block.word != "if":
            self.complete = False
            _report_stray_tag(word, span, block, self._reporter)
            return
        block.close_arm()
        if block.other is not None:
            self.complete = False
            self._reporter.report(
                "MP0409",
                span,
                f"`{{{word}}}` after `{{else}}`",
                label="nothing is left for this",
                help="put `{else}` last" if word == "elif" else "leave one of the two out",
                also=[(block.other, "all that is left goes here")],
            )
        block.arm = span
        if word == "elif":
            block.condition = read_condition(written, word, span, self._reporter)
            self.complete &= block.condition is not None
        else:
            block.other = span
            self.complete &= not report_surplus(written, word, span, self._reporter)

    def _close(self, written: str, span: Span, *, ends_line: bool) -> None:
        if not self._open:
            self.complete = False
            _report_stray_tag("end", span, None, self._reporter)
            return
        self.complete &= not report_surplus(written, "end", span, self._reporter)
        self._pop(span, ends_line=ends_line)

    def _pop(self, end: Span, *, ends_line: bool) -> None:
        block = self._open.pop()
        span = block.tag.to(end)
        if block.word == "raw":
            for part in block.parts:
                if isinstance(part, TextAst):
                    self._add_text(part.text, part.span)
        elif block.word == "for":
            if block.loop is not None:
                self._here.append(
                    ForAst(
                        variable=block.loop.variable,
                        each=block.loop.each,
                        parts=tuple(block.parts),
                        ends_line=ends_line,
                        span=span,
                    )
                )
        else:
            otherwise: Sequence[PartAst] = block.parts if block.other is not None else ()
            if block.other is None:
                block.close_arm()
            self._here.extend(block.lost)
            arms = tuple(block.arms)
            if arms:
                self._here.append(
                    IfAst(arms=arms, otherwise=tuple(otherwise), ends_line=ends_line, span=span)
                )
            else:
                self._here.extend(otherwise)


# --------------------------------------------------------------------------------------------- refusing


def _report_stray(brace: str, span: Span, reporter: Reporter) -> None:
    closes_nothing = brace == "}"
    reporter.report(
        "MP0406",
        span,
        f"unbalanced `{brace}`",
        label="no hole is open here" if closes_nothing else "this hole is not closed on its line",
        help=f"write a brace that is text as `{brace * 2}`, or put the text between `{{raw}}` and `{{end}}`",
    )


def _report_stray_tag(word: str, span: Span, block: _Block | None, reporter: Reporter) -> None:
    in_loop = block is not None and word != "end"
    reporter.report(
        "MP0408",
        span,
        f"`{{{word}}}` without an `{{if}}`" if word != "end" else "`{end}` without a block",
        label="this is in a `{for}`" if in_loop else "no block is open here",
        help="close the `{for}` first, or write an `{if}` in it" if in_loop else "leave it out",
        also=[(block.tag, "opened here")] if block is not None and in_loop else [],
    )
