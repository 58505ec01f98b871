"""The lines of a flow's body: where each statement begins and ends, as far as one can tell unread.

The parser is told where lines and blocks end. A body with a mistake in it is read on without the statement
that holds it: blanks keep every place in the file, and a broken head of a block becomes a whole one, so
that what is below it can be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ..source import Span
from .lalr import Step

_REGEX: Final = r"/(?:\\[^\n]|[^/\\\n])+/"
_PIECE: Final = re.compile(
    r'"""(?:[^"]|"(?!""))*"""|"(?:\\.|[^"\\\n])*"?|#[^\n]*'
    rf"|\bmatches[ \t]*{_REGEX}|\([ \t]*{_REGEX}[ \t]*\)|,[ \t]*{_REGEX}"
    r"|([\[({])|([\])}])|(\n)"
)
_COMMENT: Final = re.compile(r"[ \t]*(#[^\n]*)?$")
_WORD: Final = re.compile(r"[^\W\d]\w*")
_GOES_ON: Final = re.compile(r"(?:\s|#[^\n]*)*(?:and|or)\b")
_STATEMENT: Final = re.compile(r"[ \t]*(?:(?:if|elif|else|for|while|return)\b|[^\W\d]\w*[ \t]+=[^=])")
HEADS: Final = {
    "if": "if x:",
    "elif": "elif x:",
    "else": "else:",
    "for": "if x:",
    "while": "if x:",
}
"""By the first word of a line that has a block below it, the shortest line that has one too."""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A statement without its block: where it stands, how far it is indented, and its first word. `opened` is
    the place of a bracket that is not closed in it."""

    span: Span
    indent: int
    word: str
    opened: int | None


def statement_lines(text: str, body: Span) -> list[StatementLine]:
    """The lines that say something; those inside brackets belong to the one in which they are opened."""
    lines = list(_lines(text, body, are_closed=True))
    if lines and lines[-1].opened is not None:
        lines = list(_lines(text, body, are_closed=False))
    return lines


def marks(lines: Sequence[StatementLine], end: int) -> tuple[list[Step], StatementLine | None]:
    """Where lines end, and blocks begin and end; and the first line that begins where no block does."""
    found: list[Step] = []
    levels = [0]
    for line in lines:
        start, after = line.span.start, line.span.end
        if line.indent > levels[-1]:
            levels.append(line.indent)
            found.append(("_INDENT", start, start))
        while line.indent < levels[-1]:
            levels.pop()
            found.append(("_DEDENT", start, start))
        if line.indent != levels[-1]:
            return found, line
        found.append(("_NL", after, after))
    found += [("_DEDENT", end, end)] * (len(levels) - 1)
    return found, None


def without_statement(
    text: str, lines: Sequence[StatementLine], broken: StatementLine, instead: str | None
) -> str:
    """`text` with another statement instead of one: with `instead`, or else with any; a head of a block
    becomes a whole one, where it has the room."""
    index = lines.index(broken)
    code = _COMMENT.sub("", text[broken.span.start : broken.span.end])
    is_head = broken.word in HEADS or code.endswith(":")
    has_block = is_head and index + 1 < len(lines) and lines[index + 1].indent > broken.indent
    width = broken.span.end - broken.span.start
    head = instead or HEADS.get(broken.word, "if x:")
    end = broken.span.end
    if instead == "" or not has_block or len(head) > width:
        head = "x" if instead is None else instead[:width]
        while has_block and index + 1 < len(lines) and lines[index + 1].indent > broken.indent:
            index += 1
            end = lines[index].span.end
    start = broken.span.start
    blank = re.sub(r"[^\n]", " ", text[start + len(head) : end])
    return f"{text[:start]}{head}{blank}{text[end:]}"


def _lines(text: str, body: Span, *, are_closed: bool) -> Iterator[StatementLine]:
    """Where brackets are not all closed, they are left where a line begins as only a statement does."""
    start = body.start
    depth: list[int] = []
    for match in _PIECE.finditer(text, body.start, body.end):
        opening, closing, line_end = match.groups()
        if opening:
            depth.append(match.start())
        elif closing and depth:
            depth.pop()
        elif line_end and (not depth or (not are_closed and _STATEMENT.match(text, match.end()))):
            if not depth and _GOES_ON.match(text, match.end(), body.end):
                continue
            yield from _line(text, start, match.start(), depth)
            start, depth = match.end(), []
    yield from _line(text, start, body.end, depth)


def _line(text: str, start: int, end: int, depth: list[int]) -> Iterator[StatementLine]:
    written = text[start:end]
    code = written.lstrip()
    if code and not code.startswith("#"):
        indent = len(written) - len(code)
        word = _WORD.match(code)
        yield StatementLine(
            Span(start + indent, end), indent, word.group() if word else "", depth[0] if depth else None
        )
