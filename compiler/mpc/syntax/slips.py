"""A slip that is recognised by its form: what shows it, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass

from ..diagnostics import Reporter
from ..source import Span


@dataclass(frozen=True, slots=True)
class Slip:
    """`help` says what to write instead."""

    code: str
    span: Span
    message: str
    label: str
    help: str

    def report(self, reporter: Reporter) -> None:
        reporter.report(self.code, self.span, self.message, label=self.label, help=self.help)
