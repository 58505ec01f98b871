"""Characters that make text read in another order than it is stored in (CVE-2021-42574, "Trojan Source")."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from ..diagnostics import Reporter
from ..source import Span

# Embeddings, overrides and isolates. The marks U+061C, U+200E and U+200F are left alone: they move no text of
# their own, and ordinary Persian, Arabic and Hebrew writing has them.
_CONTROL: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")


def refuse_direction_controls(reporter: Reporter) -> None:
    """Report the first such character of each line."""
    last_line = 0
    for match in _CONTROL.finditer(reporter.source.text):
        line = reporter.source.line_of(match.start())
        if line == last_line:
            continue
        last_line = line
        number = ord(match.group())
        reporter.report(
            "MP0114",
            Span(match.start(), match.end()),
            f"U+{number:04X} {unicodedata.name(match.group())} in the source",
            label="from here on people and the model read different text",
            help=f"remove it; a string may hold it as `\\u{number:04x}`",
        )
