"""A prompt's body as text and *tags*, which are what stands in braces; and the margin of each of its lines.

A tag that opens, divides or ends a block and has a line to itself leaves nothing of that line behind. What
stands between two such lines may be indented further than the first, and loses that indentation too.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

_PIECE: Final = re.compile(
    r"(?P<turn>^[ \t]*@[^\W\d]\w*[ \t]*$)|(?P<brace>\{\{|\}\})"
    r'|(?P<tag>\{(?:"(?:\\[^\n]|[^"\\\n])*"|[^{}"\n])*\})|(?P<stray>[{}])',
    re.MULTILINE,
)
_ROLE: Final = re.compile(r"^[ \t]*@(?:system|user|assistant)[ \t]*$", re.MULTILINE)
_WORD: Final = re.compile(r"\{\s*(if|elif|else|for|end|raw)\b")
_END_OF_RAW: Final = re.compile(r"\{[ \t]*end[ \t]*\}")
_OTHER_ENDS: Final = re.compile(r"\{\s*(?:end_?(?:if|for|raw)|/\s*(?:if|for|raw)?)\s*\}")
_OTHER_ELIFS: Final = re.compile(r"\{\s*(?:else\s*if|elsif)\b")

_Kind: TypeAlias = Literal[
    "text", "verbatim", "brace", "stray", "hole", "turn", "if", "elif", "else", "for", "end", "raw"
]


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a body, by its offsets in there. `verbatim` is what stands between `{raw}` and `{end}`, and
    a `turn` a line such as `@user`; what comes after it in the list of kinds are tags of blocks."""

    kind: _Kind
    start: int
    end: int

    @property
    def is_block_tag(self) -> bool:
        return self.kind not in ("text", "verbatim", "brace", "stray", "hole", "turn")


# ------------------------------------------------------------------------------------------------ pieces


def pieces(body: str) -> Iterator[Piece]:
    """The pieces of a body, in their order. Other words behind an `@` count as turns where there are some."""
    has_turns = _ROLE.search(body) is not None
    at = start = 0
    while match := _PIECE.search(body, start):
        start = match.end()
        if match.lastgroup == "turn" and not has_turns:
            continue
        if match.start() > at:
            yield Piece("text", at, match.start())
        at = match.end()
        kind = _kind(match)
        yield Piece(kind, match.start(), at)
        if kind == "raw" and (closing := _END_OF_RAW.search(body, at)):
            yield Piece("verbatim", at, closing.start())
            yield Piece("end", closing.start(), closing.end())
            at = start = closing.end()
    if at < len(body):
        yield Piece("text", at, len(body))


def _kind(match: re.Match[str]) -> _Kind:
    if match.lastgroup in ("turn", "brace", "stray"):
        return match.lastgroup  # type: ignore[return-value]  # three of the kinds
    if _OTHER_ENDS.fullmatch(match.group()):
        return "end"
    if _OTHER_ELIFS.match(match.group()):
        return "elif"
    word = _WORD.match(match.group())
    return word.group(1) if word else "hole"  # type: ignore[return-value]  # the pattern lists the words


# ------------------------------------------------------------------------------------------------- lines


def margin_of(lines: Iterable[str]) -> int:
    """How many blanks all lines start with that have more than blanks."""
    return min((indent for line in lines if (indent := _indent(line)) is not None), default=0)


class Lines:
    """The lines of a body: their margins, and which of them a tag has to itself."""

    def __init__(self, body: str, pieces: Sequence[Piece]) -> None:
        self.body = body
        self._starts = [0, *(index + 1 for index, each in enumerate(body) if each == "\n")]
        self._indents = [_indent(line) for line in body.split("\n")]
        self._margin = margin_of(body.split("\n"))
        self._further = [0] * len(self._starts)
        self._alone = {self._line(piece.start) for piece in pieces if self._has_its_line(piece)}
        open_tags: list[Piece] = []
        for piece in pieces:
            if not piece.is_block_tag:
                continue
            if piece.kind in ("elif", "else", "end") and open_tags:
                self._indent_between(open_tags.pop(), piece)
            if piece.kind != "end":
                open_tags.append(piece)

    def is_alone(self, piece: Piece) -> bool:
        """Whether a tag has its line to itself; such a line leaves nothing behind."""
        return self._line(piece.start) in self._alone

    def text(self, start: int, end: int) -> str:
        """What stands between two offsets, without margins, the lines of tags, and blanks before line
        ends."""
        found = []
        while start < end:
            line = self._line(start)
            stop = min(end, self._end(line))
            if line not in self._alone:
                found.append(self._cut(start, stop, self._margin + self._further[line]))
            start = stop
        return "".join(found)

    def as_written(self) -> str:
        """The whole body without the margin that all lines have."""
        ends = (self._end(line) for line in range(len(self._starts)))
        return "".join(
            self._cut(start, end, self._margin) for start, end in zip(self._starts, ends, strict=True)
        )

    def _cut(self, start: int, end: int, margin: int) -> str:
        text = self.body[start:end]
        if start == self._starts[self._line(start)]:
            text = text[min(margin, len(text) - len(text.lstrip(" \t"))) :]
        return text[:-1].rstrip(" \t") + "\n" if text.endswith("\n") else text

    def _has_its_line(self, piece: Piece) -> bool:
        line = self._line(piece.start)
        written = self.body[self._starts[line] : self._end(line)].strip()
        return (piece.is_block_tag or piece.kind == "turn") and (
            written == self.body[piece.start : piece.end].strip()
        )

    def _indent_between(self, above: Piece, below: Piece) -> None:
        if not (self.is_alone(above) and self.is_alone(below)):
            return
        tag = self._line(above.start)
        inside = range(tag + 1, self._line(below.start))
        indents = (indent for line in inside if (indent := self._indents[line]) is not None)
        further = min(indents, default=0) - (self._indents[tag] or 0)
        for line in inside:
            self._further[line] += max(0, further)

    def _line(self, offset: int) -> int:
        return bisect_right(self._starts, offset) - 1

    def _end(self, line: int) -> int:
        """Behind the line and its line end."""
        return self._starts[line + 1] if line + 1 < len(self._starts) else len(self.body)


def _indent(line: str) -> int | None:
    """How many blanks a line starts with; `None` for one of nothing but blanks."""
    return len(line) - len(line.lstrip()) if line.strip() else None
