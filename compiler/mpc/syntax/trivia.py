"""Comments and blank lines, which the tree leaves out. A formatter puts them back.

What lies between the tokens of a file is white space and trivia; in a docstring and in a prompt's body, blank
lines and `#` are part of the token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from ..source import Source, Span
from .chunks import Chunk, chunks
from .grammar import flow_parser, parser
from .keywords import KEYWORDS
from .nodes import SyntaxNode
from .statement_lines import marks, statement_lines

_TRIVIA: Final = re.compile(r"(?P<comment>#[^\n]*)|^[^\S\n]*\n", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment(SyntaxNode):
    """From `#` to the end of the line."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlankLine(SyntaxNode):
    """A line of white space, its line end included."""


Trivia: TypeAlias = Comment | BlankLine


def trivia(source: Source) -> tuple[Trivia, ...]:
    """The comments and blank lines of a file, in its order."""
    return tuple(_trivia(source))


def tokens(source: Source) -> Iterator[Span]:
    """Where the tokens of a file are, in its order. Text that cannot be read counts as one token."""
    for chunk in chunks(source):
        if chunk.is_docstring or chunk.word in KEYWORDS:
            yield from _tokens(chunk, source)
        else:
            yield chunk.span


def _trivia(source: Source) -> Iterator[Trivia]:
    start = 0
    end_of_file = Span(len(source.text), len(source.text))
    for token in (*tokens(source), end_of_file):
        for match in _TRIVIA.finditer(source.text, start, token.start):
            span = Span(match.start(), match.end())
            yield Comment(text=match.group(), span=span) if match["comment"] else BlankLine(span=span)
        start = token.end


def _tokens(chunk: Chunk, source: Source) -> Iterator[Span]:
    derivation = parser().read(source.text, chunk.span, "item")
    end = chunk.span.start
    for kind, start, end in filter(None, (*derivation.steps, derivation.refused)):
        if kind == "BODY" and chunk.word == "flow":
            yield from _statement_tokens(source.text, Span(start, end))
            continue
        if kind == "BODY":
            # Its terminal starts at the colon: a comment may follow there, and the body is the lines below.
            start = source.text.index("\n", start) + 1
        if isinstance(kind, str) and kind != "_ENTRY":  # the line end and the indentation before an entry
            yield Span(start, end)
    if derivation.stop is not None and end < chunk.span.end:
        yield Span(end, chunk.span.end)


def _statement_tokens(text: str, body: Span) -> Iterator[Span]:
    """The tokens of a flow's body, in which comments stand as everywhere else."""
    found, _ = marks(statement_lines(text, body), body.end)
    derivation = flow_parser().read(text, body, "statements", found)
    end = body.start
    for kind, start, end in filter(None, (*derivation.steps, derivation.refused)):
        if isinstance(kind, str) and start < end:
            yield Span(start, end)
    if derivation.stop is not None and end < body.end:
        yield Span(end, body.end)
