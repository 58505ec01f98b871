"""The cut of a file into items: each starts at column 0 and reaches to the next one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ..source import Source, Span

_WORD: Final = re.compile(r"[^\W\d]\w*")
_QUOTES: Final = '"""'


@dataclass(frozen=True, slots=True)
class Chunk:
    """The text of one item without the blank lines after it, and its first word, if it starts with one."""

    span: Span
    word: str

    @property
    def is_docstring(self) -> bool:
        return self.word == _QUOTES


def chunks(source: Source) -> Iterator[Chunk]:
    """Cut at every line that starts at column 0, except for comments and closing brackets.

    Text before the first such line makes a chunk with an empty `word`, as does a line that starts with none.
    """
    text = source.text
    starts = list(_starts(text))
    for index, start in enumerate(starts):
        stop = starts[index + 1] if index + 1 < len(starts) else len(text)
        end = start + len(text[start:stop].rstrip())
        if text.startswith(_QUOTES, start):
            word = _QUOTES
        else:
            match = _WORD.match(text, start)
            word = match.group() if match else ""
        yield Chunk(Span(start, end), word)


def _starts(text: str) -> Iterator[int]:
    offset = 0
    skip_to = 0
    seen = False
    for line in text.split("\n"):
        begins = bool(line.strip()) and offset >= skip_to and line[0] not in "#)]}"
        if begins and line[0] in " \t":
            # Indented text belongs to what is above it; only at the head of the file there is nothing.
            begins = not seen and not line.lstrip().startswith("#")
        if begins:
            seen = True
            yield offset
            if line.startswith(_QUOTES):
                skip_to = _docstring_end(text, offset)
        offset += len(line) + 1


def _docstring_end(text: str, start: int) -> int:
    close = text.find(_QUOTES, start + 3)
    return close + 3 if close >= 0 else start + 3
