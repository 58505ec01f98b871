"""String literals: the text between the quotes, with its escapes resolved."""

from __future__ import annotations

import re
from typing import Final

from ..diagnostics import Reporter
from ..source import Span

_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_SIMPLE: Final = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


def unescape(literal: str, start: int, reporter: Reporter) -> str:
    """The text of a quoted literal at offset `start`; a bad escape is reported and kept as it is."""

    def resolve(match: re.Match[str]) -> str:
        digits, letter = match.groups()
        resolved = chr(int(digits, 16)) if digits else _SIMPLE.get(letter)
        # A surrogate is half a character: no text can hold it.
        if resolved is not None and not "\ud800" <= resolved <= "\udfff":
            return resolved
        at = start + 1 + match.start()
        written = match.group()
        known = 'the escapes are `\\n`, `\\t`, `\\"`, `\\\\` and `\\uXXXX`'
        help = "write a backslash as `\\\\`" if resolved is None else "write the character itself"
        reporter.report(
            "MP0110", Span(at, at + len(written)), f"unknown escape `{written}`", label=known, help=help
        )
        return written

    return _ESCAPE.sub(resolve, literal[1:-1])
