"""Features of later versions: what a program that uses one is told. One row for each.

The tables say where a feature is recognised; whoever reads that place looks it up there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .diagnostics import Reporter
from .source import Span


@dataclass(frozen=True, slots=True)
class LaterFeature:
    """A feature: the subject of "... not part of this version", and what to do without it."""

    subject: str
    help: str
    label: str = "reserved"

    def report(self, span: Span, reporter: Reporter) -> None:
        """Report the feature at `span`."""
        message = f"{self.subject} not part of this version"
        reporter.report("MP0106", span, message, label=self.label, help=self.help)


DECLARATIONS: Final[Mapping[str, LaterFeature]] = {
}
"""By the first word of a line."""
