"""The grammar, made into a parser once a process."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from lark import Lark, TextSlice, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedToken
from lark.lexer import PatternStr

from ..source import Span
from .problems import Stop

_STARTS: Final = ["item", "expression", "value"]


@cache
def grammar() -> Lark:
    """A parser of one `item`, which is what `chunks` cuts a file into, and of an `expression` or a `value` by
    itself."""
    text = files("mpc.syntax").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", start=_STARTS, propagate_positions=True, maybe_placeholders=True)


def read(text: str, span: Span, start: str) -> Tree[Token] | Stop:
    """The tree of a piece of the text by the rule `start`, or where reading it stopped."""
    lark = grammar()
    parser = lark.parse_interactive(TextSlice(text, span.start, span.end), start)
    taken: list[Token] = []
    try:
        for token in parser.iter_parse():
            taken.append(token)
        last = taken[-1] if taken else None
        tree: Tree[Token] = parser.feed_eof(last)  # type: ignore[no-untyped-call]  # Lark gives it no types
        return tree
    except (UnexpectedToken, UnexpectedCharacters) as error:
        is_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
        if taken and isinstance(error, UnexpectedToken) and taken[-1] is error.token:
            taken.pop()  # it was read but not taken
        at = span.end if is_end else error.pos_in_stream
        assert at is not None
        found = error.token if isinstance(error, UnexpectedToken) else text[at]
        accepted: set[str] = parser.accepts()  # type: ignore[no-untyped-call]  # Lark gives it no types
        return Stop(
            at=at,
            found="" if is_end else str(found),
            last_end=_end(taken[-1]) if taken else span.start,
            accepts={name: _fixed_text(lark, name) for name in accepted},
        )


def _end(token: Token) -> int:
    assert token.end_pos is not None
    return token.end_pos


def _fixed_text(lark: Lark, terminal: str) -> str | None:
    if terminal == "$END":
        return None
    pattern = lark.get_terminal(terminal).pattern
    return pattern.value if isinstance(pattern, PatternStr) else None
