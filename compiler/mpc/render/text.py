"""Diagnostics as text: the source line, carets below the place, and one thing to try."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from ..diagnostics import Diagnostic, Label, Severity
from ..source import Source

MAX_COLUMNS: Final = 100
"""The widest piece of a source line that is shown; a longer line is cut around the place."""

_TAB: Final = "    "
_CUT: Final = "…"
_RESET: Final = "\x1b[0m"
_BOLD: Final = "\x1b[1m"
_BLUE: Final = "\x1b[1;34m"
_COLOURS: Final = {Severity.ERROR: "\x1b[1;31m", Severity.WARNING: "\x1b[1;33m"}


def as_text(diagnostics: Iterable[Diagnostic], *, colour: bool = False) -> str:
    """One paragraph for each diagnostic, with a blank line between them; nothing for none."""
    paragraphs = ["\n".join(_paragraph(diagnostic, _Paint(colour))) for diagnostic in diagnostics]
    return (
        "".join(f"{paragraph}\n" for paragraph in "\n\n".join(paragraphs).split("\n")) if paragraphs else ""
    )


class _Paint:
    """Wraps text in colours, or leaves it as it is."""

    def __init__(self, on: bool) -> None:
        self._on = on

    def __call__(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_RESET}" if self._on and text else text


def _paragraph(diagnostic: Diagnostic, paint: _Paint) -> Iterator[str]:
    severity = diagnostic.severity
    head = paint(_COLOURS[severity], f"{severity}[{diagnostic.code}]")
    yield f"{head}{paint(_BOLD, f': {_visible(diagnostic.message)}')}"
    labels = (diagnostic.primary, *diagnostic.secondary)
    margin = len(str(max(label.source.line_of(label.span.start) for label in labels)))
    gutter = paint(_BLUE, f"{' ' * margin} |")
    for is_first, source, group in _by_source(labels):
        place = source.position(group[0].span.start)
        arrow = paint(_BLUE, f"{' ' * margin}{'-->' if is_first else ':::'}")
        yield f"{arrow} {_visible(source.display)}:{place.line}:{place.column}"
        if not source.text:
            continue
        yield gutter
        yield from _snippets(group, diagnostic, margin, gutter, paint)
    if diagnostic.help is not None:
        yield gutter
        yield f"{' ' * margin} {paint(_BLUE, '=')} {paint(_BOLD, 'help')}: {_visible(diagnostic.help)}"


def _by_source(labels: tuple[Label, ...]) -> Iterator[tuple[bool, Source, list[Label]]]:
    sources = list(dict.fromkeys(label.source for label in labels))
    for index, source in enumerate(sources):
        yield index == 0, source, [label for label in labels if label.source == source]


def _snippets(
    labels: list[Label], diagnostic: Diagnostic, margin: int, gutter: str, paint: _Paint
) -> Iterator[str]:
    """The lines that labels are on, in the order of the file, each with its labels below."""

    def line_of(label: Label) -> int:
        return label.source.line_of(label.span.start)

    previous: int | None = None
    ordered = sorted(labels, key=lambda label: label.span.start)
    for line, on_line in groupby(ordered, key=line_of):
        if previous is not None and line > previous + 1:
            yield paint(_BLUE, "...")
        previous = line
        for index, label in enumerate(on_line):
            text, before, width = _window(label, line)
            if index == 0:
                yield f"{paint(_BLUE, f'{line:>{margin}} |')} {text}".rstrip()
            is_primary = label is diagnostic.primary
            mark = ("^" if is_primary else "-") * width
            colour = _COLOURS[diagnostic.severity] if is_primary else _BLUE
            marked = paint(colour, f"{mark} {_visible(label.text)}".rstrip())
            yield f"{gutter} {' ' * before}{marked}"


def _window(label: Label, line: int) -> tuple[str, int, int]:
    """The part of the line to show, the columns before the place in it, and the columns of the place."""
    source = label.source
    line_span = source.line_span(line)
    text = source.line_text(line)
    start = min(label.span.start, line_span.end) - line_span.start
    end = max(min(label.span.end, line_span.end) - line_span.start, start)
    left, right = _cut(text, start, end)
    shown = f"{_CUT if left else ''}{_visible(text[left:right])}{_CUT if right < len(text) else ''}"
    before = (1 if left else 0) + _columns(_visible(text[left:start]))
    width = _columns(_visible(text[start : min(end, right)]))
    return shown, before, max(width, 1)


def _cut(text: str, start: int, end: int) -> tuple[int, int]:
    """The characters to show of a line: all of it, or a piece around the place."""
    if _columns(_visible(text)) <= MAX_COLUMNS:
        return 0, len(text)
    end = min(end, start + MAX_COLUMNS // 2)
    room = (MAX_COLUMNS - (end - start)) // 2
    # Wide characters fill the room sooner; half as many of them are shown.
    room //= 2 if any(_columns(c) == 2 for c in text[max(0, start - room) : end + room]) else 1
    left = max(0, start - room)
    return left, min(len(text), end + room + (start - left < room) * (room - (start - left)))


def _visible(text: str) -> str:
    """Text that shows one thing for each character and cannot steer a terminal."""
    return "".join(_TAB if c == "\t" else c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _columns(text: str) -> int:
    """The columns of a terminal that visible text takes up."""
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
