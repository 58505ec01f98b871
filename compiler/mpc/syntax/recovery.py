"""Reading on behind a mistake: the part of an item that holds it is blanked, and the rest is read again.

Blanks keep every place in the file, so what is found next is reported where it stands. Only mistakes are
wanted of such a reading: an item with a part missing would be the cause of more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ..source import Span
from .chunks import Chunk
from .keywords import KEYWORDS

MAX_MISTAKES: Final = 10
"""How many mistakes of one item are reported. More of them are usually one, made in every line."""

_LINE: Final = re.compile(r"[^\n]*(\n|$)")
_STRING: Final = re.compile(r'"(?:\\.|[^"\\\n])*"?|#[^\n]*|[\[({\])}\n,]')


def without_broken_part(text: str, chunk: Chunk, at: int) -> str | None:
    """`text` with the entry or the parameter blanked that holds the offset `at`; `None` where that leaves
    nothing to read, or where the place is in neither."""
    if chunk.is_docstring:
        return None
    parts = list(_parameters(text, chunk) if chunk.word in ("prompt", "flow") else _entries(text, chunk))
    broken = next((part for part in parts if part.start <= at <= part.end), None)
    if broken is None or len(parts) == 1:
        return None
    blank = re.sub(r"[^\n]", " ", text[broken.start : broken.end])
    return f"{text[: broken.start]}{blank}{text[broken.end :]}"


def body_of(text: str, chunk: Chunk) -> Span:
    """The indented lines at the end of a prompt or a flow: its body, as far as one can tell without its
    header."""
    start = chunk.span.end
    for line in reversed(list(_lines(text, chunk))):
        if text[line.start : line.end].strip() and text[line.start] not in " \t":
            break
        start = line.start
    return Span(start, chunk.span.end)


def _entries(text: str, chunk: Chunk) -> Iterator[Span]:
    """The entries of a block: each starts with a line that is indented as the first one is."""
    if KEYWORDS[chunk.word].block is None:
        return
    lines = [line for line in list(_lines(text, chunk))[1:] if _is_code(text[line.start : line.end])]
    if not lines:
        return
    margin = _indent(text, lines[0])
    starts = [line for line in lines if _indent(text, line) <= margin]
    ends = (*(line.start - 1 for line in starts[1:]), chunk.span.end)
    for line, end in zip(starts, ends, strict=True):
        yield Span(line.start, end)


def _parameters(text: str, chunk: Chunk) -> Iterator[Span]:
    """The parameters of a header, each with the comma behind it; none unless the brackets close."""
    start = text.find("(", chunk.span.start, chunk.span.end) + 1
    found: list[Span] = []
    depth = 0
    for match in _STRING.finditer(text, start, chunk.span.end):
        sign = match.group()
        if sign in ("(", "[", "{"):
            depth += 1
        elif sign in (")", "]", "}"):
            depth -= 1
            if depth < 0:
                found.append(Span(start, match.start()))
                yield from (part for part in found if text[part.start : part.end].strip())
                return
        elif sign == "," and not depth:
            found.append(Span(start, match.end()))
            start = match.end()


def _lines(text: str, chunk: Chunk) -> Iterator[Span]:
    at = chunk.span.start
    while at < chunk.span.end:
        match = _LINE.match(text, at, chunk.span.end)
        assert match is not None
        yield Span(match.start(), match.end())
        at = match.end()


def _is_code(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _indent(text: str, line: Span) -> int:
    written = text[line.start : line.end]
    return len(written) - len(written.lstrip())
