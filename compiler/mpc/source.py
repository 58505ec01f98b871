"""Source text and places in it. Offsets count characters of the normalised text, never bytes."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Span:
    """The characters from `start` up to, not including, `end`."""

    start: int
    end: int

    def to(self, other: Span) -> Span:
        """The span from the start of this one to the end of `other`."""
        return Span(self.start, other.end)


@dataclass(frozen=True, slots=True)
class Position:
    """A place as people count it: lines and columns (in characters) from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Source:
    """A file's text with `\\n` line ends.

    `path` is relative to the project and goes into generated code; `shown` is how messages call the file,
    which depends on the folder that the command runs in.
    """

    path: str
    text: str
    shown: str = ""

    @property
    def display(self) -> str:
        return self.shown or self.path

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        while found := self.text.find("\n", starts[-1]) + 1:
            starts.append(found)
        return starts

    def line_of(self, offset: int) -> int:
        """The number, from 1, of the line that holds `offset`."""
        return bisect_right(self._line_starts, offset)

    def position(self, offset: int) -> Position:
        line = self.line_of(offset)
        return Position(line, offset - self._line_starts[line - 1] + 1)

    def line_text(self, line: int) -> str:
        """The text of a line, counted from 1, without its line end."""
        start = self._line_starts[line - 1]
        end = self.text.find("\n", start)
        return self.text[start:] if end < 0 else self.text[start:end]

    def line_span(self, line: int) -> Span:
        start = self._line_starts[line - 1]
        return Span(start, start + len(self.line_text(line)))

    def slice(self, span: Span) -> str:
        return self.text[span.start : span.end]
