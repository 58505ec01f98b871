"""The only ways by which text from outside gets into generated Python."""

from __future__ import annotations

import keyword
import math
import re
from typing import Final

from ..diagnostics import InternalError

# Quotes that would end a docstring, or run together with those that do.
_ENDING_QUOTES: Final = re.compile(r'"{3,}|"+\Z')
# What a docstring may have to have escaped: all but line ends, and what is printable for certain.
_TO_ESCAPE: Final = re.compile(r"[^\n !-\[\]-~]")


def lit(value: str | int | float | bool | None) -> str:
    """A one-line Python literal of `value`; strings are in double quotes unless they hold some."""
    if isinstance(value, float) and not math.isfinite(value):
        raise InternalError("codegen", f"{value} has no literal")
    text = repr(value)
    if isinstance(value, str) and text.startswith("'") and '"' not in value:
        return f'"{text[1:-1]}"'
    return text


def doc(text: str, indent: str) -> str:
    """A docstring in triple quotes that means `laid_out(text, indent)`."""
    escaped = _TO_ESCAPE.sub(
        lambda c: c[0] if c[0] != "\\" and c[0].isprintable() else _escaped(c[0]), laid_out(text, indent)
    )
    quoted = _ENDING_QUOTES.sub(lambda quotes: '\\"' * len(quotes[0]), escaped)
    return f'"""{quoted}"""'


def laid_out(text: str, indent: str) -> str:
    """A docstring's value: one line as it is; of several, all but the first are indented, the quotes too."""
    first, *more = text.split("\n")
    if not more:
        return first
    return "\n".join([first, *(f"{indent}{line}" if line else "" for line in more), indent])


def ident(name: str) -> str:
    """A name, proven to be one."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise InternalError("codegen", f"{name!r} is not a Python name")
    return name


def comment(text: str) -> str:
    """Text for a comment: one line of printable characters."""
    return "".join(_escaped(c) if not c.isprintable() else c for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()
