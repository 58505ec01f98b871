"""What stands in the braces of a body: holes with their formats, conditions, and what a loop goes through."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ..diagnostics import Reporter
from ..source import Span
from .expressions import parse_expression, parse_value
from .nodes import (
    ExpressionAst,
    FormatAst,
    HoleAst,
    Name,
    NumberingAst,
    Path,
    PlaceAst,
    PromptCallAst,
    RecordAst,
    TextAst,
)
from .strings import unescape

_NAME: Final = re.compile(r"[^\W\d]\w*")
_PATH: Final = re.compile(r"[^\W\d]\w*(?:\s*\.\s*[^\W\d]\w*)*")
_STRING: Final = re.compile(r'"(?:\\[^\n]|[^"\\\n])*"')
_BRACKET: Final = re.compile(r'[()]|"(?:\\[^\n]|[^"\\\n])*"')
_LOOP: Final = re.compile(r"\{\s*for\s+([^\W\d]\w*)\s+in\s+([^{}]*?)\s*\}")
_FORMAT_PIECE: Final = re.compile(
    r"(?P<text>[^{}]+)|(?P<brace>\{\{|\}\})|(?P<place>\{[^{}]*\})|(?P<stray>[{}])"
)
_RAW: Final = "write a brace that is text as `{{` or `}}`, or put the text between `{raw}` and `{end}`"


@dataclass(frozen=True, slots=True)
class Loop:
    """`for variable in each`."""

    variable: Name
    each: Path


def read_hole(written: str, span: Span, reporter: Reporter) -> HoleAst | PromptCallAst | None:
    """The hole that is written, braces and all; `None` where that has been reported."""
    start = 1 + _blanks(written[1:])
    path = _PATH.match(written, start)
    if path is None:
        empty = not written[1:-1].strip()
        _malformed(span, "an empty hole" if empty else f"`{written}` is not a hole", reporter)
        return None
    is_call = written[path.end() :].lstrip().startswith("(")
    end = _end_of_call(written, path.end()) if is_call else path.end()
    rest = written[end:-1].strip()
    format: FormatAst | None = None
    if rest.startswith(":"):
        colon = written.index(":", end)
        string = written[colon + 1 : -1].strip()
        if not _STRING.fullmatch(string):
            _not_a_format(Span(span.start + colon, span.end - 1), reporter)
            return None
        format = _read_format(string, span.start + written.index(string, colon + 1), reporter)
        if format is None:
            return None
    elif rest:
        _malformed(span, f"`{written}` is not a hole", reporter)
        return None
    if not is_call:
        return HoleAst(path=_path(path, span.start), format=format, span=span)
    call = parse_value(Span(span.start + start, span.start + end), reporter)
    if not isinstance(call, RecordAst):  # a call is written as a record is
        return None
    return PromptCallAst(path=call.path, arguments=call.arguments, format=format, span=span)


def _end_of_call(written: str, start: int) -> int:
    """Behind the bracket that closes the first one from `start` on; the end of the hole where none does."""
    depth = 0
    for match in _BRACKET.finditer(written, start, len(written) - 1):
        depth += {"(": 1, ")": -1}.get(match.group(), 0)
        if not depth and match.group() == ")":
            return match.end()
    return len(written) - 1


def read_condition(written: str, word: str, span: Span, reporter: Reporter) -> ExpressionAst | None:
    """The condition of an `{if}` or `{elif}`; `None` where there is none that can be read."""
    if not written[1:].lstrip().startswith(word):
        _not_a_tag(written, span, "the next arm of a block is `{elif ...}`", "write `{elif ...}`", reporter)
    start = written.index("f") + 1
    if not written[start:-1].strip():
        reporter.report(
            "MP0410",
            span,
            f"`{{{word}}}` without a condition",
            label="when is this shown?",
            help=f"write a condition behind it, as in `{{{word} text}}` or `{{{word} count > 3}}`",
        )
        return None
    return parse_expression(Span(span.start + start, span.end - 1), reporter)


def read_loop(written: str, span: Span, reporter: Reporter) -> Loop | None:
    """What a `{for}` says; `None` where that has been reported."""
    match = _LOOP.fullmatch(written)
    path = _PATH.fullmatch(written, *match.span(2)) if match else None
    if match is None or path is None:
        reporter.report(
            "MP0411",
            span,
            "this is not a loop",
            label="a loop is `{for item in list}`",
            help="name an item, and the list that it is from: `{for document in documents}`",
        )
        return None
    variable = Span(span.start + match.start(1), span.start + match.end(1))
    return Loop(Name(text=match.group(1), span=variable), _path(path, span.start))


def report_surplus(written: str, word: str, span: Span, reporter: Reporter) -> bool:
    """Report what stands behind `else`, `end` or `raw`; whether there is anything."""
    inside = written[1:-1].strip()
    if inside == word:
        return False
    if inside.startswith(f"{word} "):
        reporter.report(
            "MP0412",
            span,
            f"something stands behind `{word}`",
            label=f"`{{{word}}}` stands alone",
            help=f"write `{{{word}}}`",
        )
    else:
        _not_a_tag(written, span, f"a block ends with `{{{word}}}`", f"write `{{{word}}}`", reporter)
    return True


def _not_a_tag(written: str, span: Span, label: str, help: str, reporter: Reporter) -> None:
    reporter.report("MP0412", span, f"`{written}` is not a tag", label=label, help=help)


# ---------------------------------------------------------------------------------------------- formats


def _read_format(literal: str, start: int, reporter: Reporter) -> FormatAst | None:
    """The format in a quoted literal that stands at offset `start`."""
    parts: list[TextAst | PlaceAst | NumberingAst] = []
    for match in _FORMAT_PIECE.finditer(literal, 1, len(literal) - 1):
        span = Span(start + match.start(), start + match.end())
        text = match.group()
        match match.lastgroup:
            case "text":
                parts.append(TextAst(text=unescape(f'"{text}"', span.start - 1, reporter), span=span))
            case "brace":
                parts.append(TextAst(text=text[0], span=span))
            case "place":
                inside = text[1:-1].strip()
                path = _PATH.match(literal, match.start() + 1 + _blanks(text[1:]))
                if inside == "#":
                    parts.append(NumberingAst(span=span))
                elif not inside:
                    parts.append(PlaceAst(path=None, span=span))
                elif path is not None and path.group() == inside:
                    parts.append(PlaceAst(path=_path(path, start), span=span))
                else:
                    _bad_place(span, f"`{text}` is not a place", reporter)
                    return None
            case _:
                _bad_place(span, f"unbalanced `{text}`", reporter)
                return None
    return FormatAst(parts=tuple(parts), span=Span(start, start + len(literal)))


def _not_a_format(span: Span, reporter: Reporter) -> None:
    reporter.report(
        "MP0413",
        span,
        "a format is a string",
        label="expected a string in double quotes behind the colon",
        help='write it as in `{tools: "{#}. {name}: {does}"}`',
    )


def _bad_place(span: Span, message: str, reporter: Reporter) -> None:
    reporter.report(
        "MP0413",
        span,
        message,
        label="places are `{field}`, `{}` for the whole and `{#}` for its number",
        help="write a brace that is text as `{{` or `}}`",
    )


def _malformed(span: Span, message: str, reporter: Reporter) -> None:
    reporter.report("MP0405", span, message, label="a hole holds a parameter's name", help=_RAW)


# ----------------------------------------------------------------------------------------------- pieces


def _path(match: re.Match[str], offset: int) -> Path:
    names = tuple(
        Name(text=each.group(), span=Span(offset + each.start(), offset + each.end()))
        for each in _NAME.finditer(match.string, match.start(), match.end())
    )
    return Path(names=names, span=names[0].span.to(names[-1].span))


def _blanks(text: str) -> int:
    return len(text) - len(text.lstrip())
