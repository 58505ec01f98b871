"""Imports as Python and other languages write them, and what to write instead."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ..source import Span
from .slips import Slip


@dataclass(frozen=True, slots=True)
class _Row:
    """In `form`, the group `at` is what is wrong; `{path}` in the help stands for the path."""

    form: re.Pattern[str]
    code: str
    message: str
    label: str
    help: str


_FORMS: Final = (
    _Row(
        re.compile(r"from\s+(?:python\s+)?(?P<path>[\w.]+)\s+import\s*(?P<at>\*)"),
        "MP0706",
        "not everything can be imported at once",
        "which names these are, a reader could not tell",
        "name what is needed, as in `from {path} import name, name`, or write `import {path}`",
    ),
    _Row(
        re.compile(r"from\s+(?P<at>\.+)(?P<path>[\w.]*)"),
        "MP0707",
        "a path does not begin with a dot",
        "paths count from this file's folder, and else from the project's root",
        "write the path without the dot: `{path}`",
    ),
    _Row(
        re.compile(r"from\s+(?P<path>[\w.]+)\s+import\s*(?P<at>\()"),
        "MP0707",
        "names are imported without parentheses",
        "not needed here",
        "leave them out: the names may go on in the next line, indented",
    ),
    _Row(
        re.compile(r"import\s+(?P<path>[\w.]+)(?:\s+as\s+\w+)?\s*(?P<at>,)"),
        "MP0707",
        "an import names one file",
        "the second one needs a line of its own",
        "write `import` once for each",
    ),
    _Row(
        re.compile(r"(?:from|import)\s+(?P<at>\"(?P<path>[\w./]*)\"?)"),
        "MP0707",
        "a file is imported by a path without quotes",
        "this is a string",
        "write `{path}`: dots between the names, and no `.mp`",
    ),
)


def import_form(text: str, start: int) -> Slip | None:
    """What is wrong with the import that begins at `start`, if its form is one of another language."""
    for row in _FORMS:
        match = row.form.match(text, start)
        if match:
            path = match["path"].removesuffix(".mp").replace("/", ".").strip(".") or "a.b"
            span = Span(*match.span("at"))
            return Slip(row.code, span, row.message, row.label, row.help.replace("{path}", path))
    return None
