"""Warnings that the program answers: `# mpc: allow MP0404` in a comment says that they are known and meant.

Behind an entry or a head, the comment is about that line; alone on a line, about the entry below; and at the
beginning of a line, about the declaration below with its clauses. A comment that allows nothing is reported,
so that none outlives its reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from ..codes import REGISTRY, Severity
from ..diagnostics import Diagnostic, Reporter, has_errors
from ..source import Source, Span
from .chunks import chunks
from .keywords import CLAUSES
from .trivia import Comment, trivia

_ALLOW: Final = re.compile(r"#\s*mpc:\s*allow\b(?P<codes>[\s,\w]*)")
_CODE: Final = re.compile(r"\bMP\d+\b")


@dataclass(frozen=True, slots=True)
class _Allowance:
    """A code in a comment, its place, and the part of the file that it is about."""

    code: str
    at: Span
    about: Span


def without_allowed(source: Source, found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The diagnostics of a file but for warnings that its comments allow, and what is wrong with those."""
    found = tuple(found)
    if not _ALLOW.search(source.text):
        return found
    reporter = Reporter(source)
    allowances = list(_allowances(source, reporter))
    used: set[_Allowance] = set()
    kept = []
    for diagnostic in found:
        allowing = [each for each in allowances if _allows(each, diagnostic)]
        used.update(allowing)
        if not allowing:
            kept.append(diagnostic)
    for each in allowances:
        # After an error, some of what warnings are about was not looked at.
        if each not in used and not has_errors(found):
            reporter.report(
                "MP0116",
                each.at,
                f"there is no {each.code} here to allow",
                label="this comment allows nothing",
                help="remove it",
            )
    return (*kept, *reporter.found)


def _allows(allowance: _Allowance, diagnostic: Diagnostic) -> bool:
    at = diagnostic.primary.span.start
    return diagnostic.code == allowance.code and allowance.about.start <= at <= allowance.about.end


def _allowances(source: Source, reporter: Reporter) -> Iterator[_Allowance]:
    for comment in trivia(source):
        if not isinstance(comment, Comment) or (match := _ALLOW.match(comment.text)) is None:
            continue
        start = comment.span.start
        codes = list(_CODE.finditer(comment.text, match.start("codes"), match.end("codes")))
        for code in codes:
            at = Span(start + code.start(), start + code.end())
            known = REGISTRY.get(code.group())
            if known is not None and known.severity is Severity.WARNING:
                yield _Allowance(code.group(), at, _about(source, start))
            else:
                what = "is an error" if known else "is no code"
                reporter.report(
                    "MP0115",
                    at,
                    f"{code.group()} cannot be allowed: it {what}",
                    label="not a warning",
                    help="mend what it reports" if known else "write the code that the warning shows",
                )
        if not codes:
            reporter.report(
                "MP0115",
                comment.span,
                "a comment that allows warnings names them",
                label="no code here",
                help="write `# mpc: allow MP0404`, with the code that the warning shows",
            )


def _about(source: Source, at: int) -> Span:
    """The part of the file that a comment at an offset is about."""
    line = source.line_of(at)
    before = source.line_text(line)[: source.position(at).column - 1]
    if before.strip():
        return source.line_span(line)
    if not before:
        return _declaration_after(source, at)
    below = source.text[source.line_span(line).end :]
    entry = re.match(r"(?:\s*#[^\n]*\n)*\s*", below)
    assert entry is not None
    return source.line_span(source.line_of(min(at + len(below), source.line_span(line).end + entry.end())))


def _declaration_after(source: Source, at: int) -> Span:
    """The declaration below an offset, with its clauses; nothing where there is none."""
    items = [chunk for chunk in chunks(source) if chunk.span.start > at]
    end = at
    for place, chunk in enumerate(items):
        if place and chunk.word not in CLAUSES:
            break
        end = chunk.span.end
    return Span(at, end)
