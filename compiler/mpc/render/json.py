"""Diagnostics as JSON. Lines and columns count from 1, columns in characters; ends are not included."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TypeAlias

from ..diagnostics import Diagnostic, Label

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | None"


def as_json(diagnostics: Iterable[Diagnostic]) -> str:
    """One JSON array."""
    return json.dumps(to_data(diagnostics), indent=2, ensure_ascii=False)


def to_data(diagnostics: Iterable[Diagnostic]) -> list[Json]:
    """The same as plain data: an object for each diagnostic, in the given order."""
    return [_diagnostic(diagnostic) for diagnostic in diagnostics]


def _diagnostic(diagnostic: Diagnostic) -> Json:
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "primary": _label(diagnostic.primary),
        "secondary": [_label(label) for label in diagnostic.secondary],
        "help": diagnostic.help,
    }


def _label(label: Label) -> Json:
    start = label.source.position(label.span.start)
    end = label.source.position(label.span.end)
    return {
        "file": label.source.display,
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
        "text": label.text,
    }
