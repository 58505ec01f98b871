"""A file becomes bytes, and its bytes a `Source`; what is wrong with them becomes diagnostics."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from ..diagnostics import Diagnostic, Reporter, ToolError
from ..source import Source, Span
from .looks import read as read_noted
from .paths import shown

MAX_LINE: Final = 65_536
_BOM: Final = "\ufeff"


def read(path: Path) -> bytes:
    """What is in the source file at `path`. Raises `ToolError` where nothing can be read."""
    try:
        return read_noted(path)
    except OSError as error:
        raise ToolError(
            f"{shown(path)} cannot be read: {error.strerror or error}",
            help="check the path and its permissions",
        ) from error


def decode(data: bytes, path: str, shown: str = "") -> tuple[Source | None, list[Diagnostic]]:
    """The normalised text: no byte order mark, `\\n` line ends. `None` for what is not text."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return None, _not_text(path, shown, f"byte {error.start + 1:,} is not UTF-8")
    if (nul := text.find("\0")) >= 0:
        return None, _not_text(path, shown, f"character {nul + 1:,} is NUL")

    has_bom = text.startswith(_BOM)
    text = text.removeprefix(_BOM)
    first_return = text.find("\r")
    if first_return >= 0:
        text = re.sub(r"\r\n?", "\n", text)
    source = Source(path, text, shown)
    reporter = Reporter(source)
    if has_bom:
        reporter.report(
            "MP0003",
            Span(0, 0),
            "the file starts with a byte order mark",
            help="save it as UTF-8 without a BOM",
        )
    if first_return >= 0:
        reporter.report(
            "MP0004",
            Span(first_return, first_return),
            "the file has carriage returns",
            label="the first one is here",
            help="save it with LF line ends",
        )
    if not text.strip():
        reporter.report("MP0005", Span(0, 0), "the file is empty", help="declare a `prompt`")
    too_long = _first_long_line(text)
    if too_long is not None:
        start, length = too_long
        reporter.report(
            "MP0002",
            Span(start, start + 1),
            f"line {source.line_of(start):,} has {length:,} characters",
            label=f"a line may have {MAX_LINE:,}",
            help="break the line, or move the data out of the program",
        )
        return None, reporter.found
    return source, reporter.found


def _first_long_line(text: str) -> tuple[int, int] | None:
    start = 0
    while start <= len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        if end - start > MAX_LINE:
            return start, end - start
        start = end + 1
    return None


def _not_text(path: str, shown: str, reason: str) -> list[Diagnostic]:
    # The bytes are not shown: there is no telling what they would do to a terminal.
    reporter = Reporter(Source(path, "", shown))
    reporter.report(
        "MP0001", Span(0, 0), f"this is not a text file: {reason}", help="a source file is text in UTF-8"
    )
    return reporter.found
