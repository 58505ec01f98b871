"""The body of a prompt: English with holes.

The parser hands over the body as one piece of text; this reads it and finds every mistake in it. Holes never
cross a line, so dedenting touches only the text between them.
"""

from __future__ import annotations

import re
from typing import Final

from .. import later
from ..diagnostics import Reporter
from ..source import Span
from .nodes import HoleAst, Name, Path, TemplateAst, TextAst

_PIECE: Final = re.compile(r"(?P<text>[^{}]+)|(?P<brace>\{\{|\}\})|(?P<hole>\{[^{}\n]*\})|(?P<stray>[{}])")
_PATH: Final = re.compile(r"[^\W\d]\w*(?:\s*\.\s*[^\W\d]\w*)*")
_NAME: Final = re.compile(r"[^\W\d]\w*")


def parse_template(body: str, start: int, reporter: Reporter) -> TemplateAst:
    """Read a body, whole lines of it, that stands at offset `start` of the source."""
    lines = body.split("\n")
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    _refuse_roles(body, start, reporter)
    parts: list[TextAst | HoleAst] = []
    complete = True
    for match in _PIECE.finditer(body):
        span = Span(start + match.start(), start + match.end())
        match match.lastgroup:
            case "text":
                _add_text(parts, _dedent(match.group(), indent, at_line_start=match.start() == 0), span)
            case "brace":
                _add_text(parts, match.group()[0], span)
            case "hole":
                hole = _hole(match.group(), span, reporter)
                if hole is None:
                    complete = False
                else:
                    parts.append(hole)
            case _:
                _report_stray(match.group(), span, reporter)
                complete = False
    english = _dedent(body, indent, at_line_start=True)
    return TemplateAst(
        english=english, complete=complete, parts=tuple(parts), span=Span(start, start + len(body))
    )


def _dedent(text: str, indent: int, *, at_line_start: bool) -> str:
    margin = re.compile(rf"\n[ \t]{{0,{indent}}}")
    text = margin.sub("\n", f"\n{text}")[1:] if at_line_start else margin.sub("\n", text)
    return re.sub(r"[ \t]+(?=\n)", "", text)


def _add_text(parts: list[TextAst | HoleAst], text: str, span: Span) -> None:
    last = parts[-1] if parts else None
    if not text:
        return
    if isinstance(last, TextAst):
        parts[-1] = TextAst(text=last.text + text, span=last.span.to(span))
    else:
        parts.append(TextAst(text=text, span=span))


def _hole(written: str, span: Span, reporter: Reporter) -> HoleAst | None:
    inner = written[1:-1]
    inside = inner.strip()
    for row in later.HOLES:
        if row.form.fullmatch(inside):
            row.feature.report(span, reporter, word=inside.split()[0])
            return None
    if not _PATH.fullmatch(inside):
        found = "an empty hole" if not inside else f"`{{{inside}}}` is not a hole"
        reporter.report(
            "MP0405",
            span,
            found,
            label="a hole holds a parameter's name",
            help="write a brace that is text as `{{` or `}}`",
        )
        return None
    offset = span.start + 1
    names = tuple(
        Name(text=match.group(), span=Span(offset + match.start(), offset + match.end()))
        for match in _NAME.finditer(inner)
    )
    return HoleAst(path=Path(names=names, span=names[0].span.to(names[-1].span)), span=span)


def _report_stray(brace: str, span: Span, reporter: Reporter) -> None:
    closes_nothing = brace == "}"
    reporter.report(
        "MP0406",
        span,
        f"unbalanced `{brace}`",
        label="no hole is open here" if closes_nothing else "this hole is not closed on its line",
        help=f"write a brace that is text as `{brace * 2}`",
    )


def _refuse_roles(body: str, start: int, reporter: Reporter) -> None:
    for match in later.ROLES.form.finditer(body):
        at = Span(start + match.start(1), start + match.end(1))
        later.ROLES.feature.report(at, reporter, word=match.group(1))
