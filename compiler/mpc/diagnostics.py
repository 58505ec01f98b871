"""What the compiler says about a program, as data; `mpc.render` turns it into text.

The user's fault is a `Diagnostic`, the environment's a `ToolError`, ours an `InternalError`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from .codes import REGISTRY, Severity
from .source import Source, Span

__all__ = [
    "Diagnostic",
    "InternalError",
    "Label",
    "Reporter",
    "Severity",
    "ToolError",
    "has_errors",
    "in_order",
    "listed",
    "similar",
    "suggestion",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A place in a file and why it matters."""

    source: Source
    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding: `message` says what was found, the labels where and why, `help` one thing to try."""

    code: str
    message: str
    primary: Label
    secondary: tuple[Label, ...] = ()
    help: str | None = None

    @property
    def severity(self) -> Severity:
        return REGISTRY[self.code].severity


MAX_COMPARISONS: Final = 20_000
"""How many pairs of names a reporter compares. A file with a few slips never gets there; one in which every
name is wrong would take a time that grows with the square of its length."""


class Reporter:
    """Collects the diagnostics of one source."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.found: list[Diagnostic] = []
        self._comparisons = MAX_COMPARISONS

    def report(
        self,
        code: str,
        span: Span,
        message: str,
        *,
        label: str = "",
        help: str | None = None,
        also: Iterable[tuple[Span, str]] = (),
    ) -> None:
        """Add a diagnostic at `span`; `also` holds further places of the same source."""
        self.found.append(
            Diagnostic(
                code=code,
                message=message,
                primary=Label(source=self.source, span=span, text=label),
                secondary=tuple(Label(source=self.source, span=at, text=text) for at, text in also),
                help=help,
            )
        )

    def suggestion(self, name: str, known: Collection[str]) -> str | None:
        """What `suggestion` says, as long as the file has not used up its comparisons."""
        if len(known) > self._comparisons:
            return None
        self._comparisons -= len(known)
        return suggestion(name, known)


class ToolError(Exception):
    """The environment keeps the compiler from working; `help` is the next step."""

    def __init__(self, message: str, *, help: str) -> None:
        super().__init__(f"{message}\n  help: {help}")
        self.message = message
        self.help = help


class InternalError(Exception):
    """A defect of the compiler; `stage` says where it showed."""

    def __init__(self, stage: str, message: str) -> None:
        super().__init__(f"internal error in {stage}: {message}")
        self.stage = stage
        self.message = message


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    return any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics)


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Each diagnostic once, sorted by file and place, so that every run reports in the same order."""
    unique = dict.fromkeys(diagnostics)
    return tuple(
        sorted(
            unique, key=lambda d: (d.primary.source.display, d.primary.span.start, d.primary.span.end, d.code)
        )
    )


def similar(name: str, known: Iterable[str]) -> list[str]:
    """At most three of the `known` names that are within a third of the length of `name`, nearest first."""
    limit = max(1, len(name) // 3)
    ranked = sorted((_distance(name, other, limit), other) for other in set(known))
    return [other for distance, other in ranked if distance <= limit][:3]


def suggestion(name: str, known: Iterable[str]) -> str | None:
    """ "did you mean `Act`?", or nothing when no known name is near."""
    found = similar(name, known)
    if not found:
        return None
    quoted = [f"`{other}`" for other in found]
    listed = quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
    return f"did you mean {listed}?"


def listed(names: Collection[str], *, before: str = "there is", most: int | None = 5) -> str | None:
    """ "there is `red`, `green`": the first names, `None` for all; nothing when there are none."""
    if not names:
        return None
    first = ", ".join(f"`{name}`" for name in islice(names, most))
    return f"{before} {first}" + (", ..." if most is not None and len(names) > most else "")


def _distance(left: str, right: str, limit: int) -> int:
    """Levenshtein distance without regard to case, or `limit + 1` when it is greater."""
    left, right = left.casefold(), right.casefold()
    letters, others = set(left), set(right)
    # Most names are told apart by what is cheap to see: each edit mends one character.
    if max(abs(len(left) - len(right)), len(letters - others), len(others - letters)) > limit:
        return limit + 1
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
        if min(row) > limit:
            return limit + 1
    return row[-1]
