"""The only ways by which text from outside gets into generated Python."""

from __future__ import annotations

import keyword
import math
from typing import Final

from ..diagnostics import InternalError

_ESCAPED_QUOTES: Final = '\\"\\"\\"'


def lit(value: str | int | float | bool | None) -> str:
    """A one-line Python literal of `value`; strings are in double quotes unless they hold some."""
    if isinstance(value, float) and not math.isfinite(value):
        raise InternalError("codegen", f"{value} has no literal")
    text = repr(value)
    if isinstance(value, str) and text.startswith("'") and '"' not in value:
        return f'"{text[1:-1]}"'
    return text


def doc(text: str, indent: str) -> str:
    """A docstring in triple quotes whose lines start with `indent`, the quotes' own line aside."""
    lines = [_escaped(line) for line in text.split("\n")]
    if len(lines) == 1:
        body = lines[0]
        if body.endswith('"'):
            body = f'{body[:-1]}\\"'
        return f'"""{body}"""'
    rest = "".join(f"\n{indent}{line}" if line else "\n" for line in lines[1:])
    return f'"""{lines[0]}{rest}\n{indent}"""'


def ident(name: str) -> str:
    """A name, proven to be one."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise InternalError("codegen", f"{name!r} is not a Python name")
    return name


def comment(text: str) -> str:
    """Text for a comment: one line of printable characters."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _escaped(line: str) -> str:
    escaped = "".join(
        c if c.isprintable() and c != "\\" else c.encode("unicode_escape").decode() for c in line
    )
    return escaped.replace('"""', _ESCAPED_QUOTES)
