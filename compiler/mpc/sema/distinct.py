"""The names of one scope: each is declared once, and none looks like another."""

from __future__ import annotations

import unicodedata

from ..diagnostics import Reporter
from ..syntax.nodes import Name
from .lookalikes import intruder, skeleton


class Distinct:
    """The names that a scope has so far. `kind` is what messages call them: "field" or nothing."""

    def __init__(self, reporter: Reporter, *, code: str, kind: str = "") -> None:
        self._reporter = reporter
        self._code = code
        self._subject = f"the {kind} " if kind else ""
        self._first: dict[str, Name] = {}
        self._looks: dict[str, Name] = {}

    def take(self, name: Name) -> bool:
        """Claim a name; a second claim is reported and fails, a name that misleads gets a warning."""
        first = self._first.get(name.text)
        if first is not None:
            self._reporter.report(
                self._code,
                name.span,
                f"{self._subject}`{name.text}` is declared twice",
                label="declared again here",
                help="rename one of the two",
                also=[(first.span, "first declared here")],
            )
            return False
        self._first[name.text] = name
        looks_like = self._looks.setdefault(skeleton(name.text), name)
        if letter := intruder(name.text):
            self._report_intruder(name, letter)
        elif looks_like is not name:
            self._report_look(name, looks_like)
        return True

    def _report_intruder(self, name: Name, letter: str) -> None:
        self._reporter.report(
            "MP0206",
            name.span,
            f"`{name.text}` mixes alphabets that look alike",
            label=f"`{letter}` is U+{ord(letter):04X} {unicodedata.name(letter)}",
            help="write the name with the letters of one alphabet",
        )

    def _report_look(self, name: Name, other: Name) -> None:
        self._reporter.report(
            "MP0206",
            name.span,
            f"`{name.text}` looks like `{other.text}`",
            label="the same to the eye, in other letters",
            help="rename one of the two",
            also=[(other.span, "the other is declared here")],
        )
