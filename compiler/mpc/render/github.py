"""Diagnostics as GitHub Actions workflow commands, which become annotations of a pull request.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from collections.abc import Iterable

from ..diagnostics import Diagnostic


def as_github(diagnostics: Iterable[Diagnostic]) -> str:
    """One `::error ...::` or `::warning ...::` line for each diagnostic."""
    return "".join(f"{_command(diagnostic)}\n" for diagnostic in diagnostics)


def _command(diagnostic: Diagnostic) -> str:
    source, span = diagnostic.primary.source, diagnostic.primary.span
    start, end = source.position(span.start), source.position(span.end)
    properties = {
        "file": source.display,
        "line": str(start.line),
        "endLine": str(end.line),
        "col": str(start.column),
        "endColumn": str(end.column),
        "title": diagnostic.code,
    }
    if end.line != start.line:
        # Columns are refused for a place of several lines.
        del properties["col"], properties["endColumn"]
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    text = diagnostic.message if diagnostic.help is None else f"{diagnostic.message}\nhelp: {diagnostic.help}"
    return f"::{diagnostic.severity} {listed}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
