"""What the parser could not read, in the user's words.

Lark says where it stopped and which terminals it could have taken; the likely mistake is told from those and
from the line. The first explanation that fits is reported, the particular ones before the general one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..diagnostics import Reporter
from ..source import Span
from .chunks import Chunk
from .forms import other_form
from .import_forms import import_form
from .keywords import KEYWORDS, Block

_WORDS: Final = {
    "NAME": "a name",
    "STRING": "a string",
    "NUMBER": "a number",
    "MOMENT": "a date",
    "PATTERN": "a pattern",
    "ASSERT": "`assert`",
    "CHECK": "`check`",
    "COMPARE": "a comparison",
    "SIGN": "`+`",
    "FACTOR": "`*`",
    "BODY": "an indented body",
    "_ENTRY": "an indented line",
    "$END": "the end of the line",
}
EXPRESSION: Final = "an expression is `total == sum(items.amount)`, `colour in [red, blue] and not sold`"
_OTHER_OPERATORS: Final = {
    "=": "`==` to compare",
    "&": "`and`",
    "|": "`or`",
    "!": "`!=`, or `not` before a condition",
    "?": "`is not none`",
}
LINE_END: Final = re.compile(r"[ \t]*(#[^\n]*)?(\n|$)")
_BLANK: Final = re.compile(r"(\s|#[^\n]*)*")
_ASSERTION: Final = re.compile(r"\s*(?:assert|check)\b(?!\s*:)")
_QUOTE: Final = re.compile(r'#[^\n]*|"(?:\\.|[^"\\\n])*("?)')


@dataclass(frozen=True, slots=True)
class Stop:
    """Where reading an item stopped: at `found` (empty at the end), after the text before `last_end`.

    `accepts` maps the terminals that could have followed to the text of those that are fixed.
    """

    at: int
    found: str
    last_end: int
    accepts: Mapping[str, str | None]


def explain(stop: Stop, chunk: Chunk, reporter: Reporter) -> None:
    """Report the mistake that made the parser stop."""
    source = reporter.source
    line = source.line_text(source.line_of(stop.at))
    line_start = source.line_span(source.line_of(stop.at)).start
    ended = bool(LINE_END.match(stop.found)) or source.line_of(stop.at) > source.line_of(stop.last_end)
    after_last = Span(stop.last_end, stop.last_end)
    if chunk.is_docstring or stop.found.startswith('"""'):
        _docstring(stop, chunk, reporter)
    elif chunk.word in ("from", "import") and (written := import_form(source.text, chunk.span.start)):
        written.report(reporter)
    elif form := other_form(line, stop.at - line_start):
        reporter.report(
            "MP0323",
            Span(line_start + form.start, line_start + form.end),
            f"`{line[form.start : form.end]}` is no date or time",
            label="dates and times are written in one way only",
            help=f"write `{form.meant}`",
        )
    elif (quote := open_quote(line)) is not None:
        reporter.report(
            "MP0102",
            Span(line_start + quote, line_start + len(line)),
            "unterminated string",
            label='no closing `"` on this line',
            help='end the string with `"`; inside it, a quote is written `\\"`',
        )
    elif set(stop.accepts) <= {"_ENTRY", "BODY"} and (block := KEYWORDS[chunk.word].block):
        _empty_block(stop, chunk, block, ended, reporter)
    elif ended and "$END" in stop.accepts:
        _surplus_lines(stop, chunk, reporter)
    elif ended and "COLON" in stop.accepts:
        reporter.report(
            "MP0104", after_last, "missing `:`", label="expected here", help="put `:` at the end of the line"
        )
    elif _ASSERTION.match(source.line_text(source.line_of(stop.last_end))) and chunk.word == "record":
        explain_expression(stop, reporter, ended=ended)
    elif ended:
        reporter.report(
            "MP0101",
            after_last,
            "the line ends too early",
            label=f"expected {expected(stop.accepts)} here",
            help=KEYWORDS[chunk.word].form,
        )
    else:
        at = Span(stop.at, stop.at + len(stop.found))
        quoted = stop.found[0] in "'`"
        reporter.report(
            "MP0101",
            at,
            f"unexpected `{short(stop.found)}`",
            label=f"expected {expected(stop.accepts)}",
            help='strings are in double quotes: `"..."`' if quoted else _form(stop, chunk),
        )


def explain_expression(stop: Stop, reporter: Reporter, *, ended: bool | None = None) -> None:
    """Report the mistake that made the parser stop in an expression, which is over where it `ended`, or else
    where nothing was found any more."""
    if "COMPARE" in stop.accepts:
        wanted = "expected an operator"
    elif {"NAME", "NUMBER", "LPAR"} <= stop.accepts.keys():
        wanted = "expected a value"
    else:
        wanted = f"expected {expected(stop.accepts)}"
    if ended or not stop.found:
        at, message = Span(stop.last_end, stop.last_end), "the expression ends too early"
    else:
        at, message = Span(stop.at, stop.at + len(stop.found)), f"unexpected `{short(stop.found)}`"
    reporter.report("MP1001", at, message, label=wanted, help=other_operator(stop) or EXPRESSION)


def other_operator(stop: Stop) -> str | None:
    """What to write instead of an operator of another language."""
    if "COMPARE" not in stop.accepts:
        return None
    other = _OTHER_OPERATORS.get(stop.found) or _OTHER_OPERATORS.get(stop.found[:1])
    return other and f"write {other}"


def _form(stop: Stop, chunk: Chunk) -> str:
    if set(stop.accepts) == {"_DOTS"}:
        return "a range has two dots: `1..5`, `1..`, `..5`"
    return KEYWORDS[chunk.word].form


def _surplus_lines(stop: Stop, chunk: Chunk, reporter: Reporter) -> None:
    blank = _BLANK.match(reporter.source.text, stop.at)
    assert blank is not None
    at = blank.end()
    line = reporter.source.line_of(at)
    cut_body = chunk.word in ("prompt", "flow")
    reporter.report(
        "MP0109",
        Span(at, max(at, reporter.source.line_span(line).end)),
        "indented text that belongs to nothing",
        label="a comment at the beginning of a line has ended the body above"
        if cut_body
        else "the declaration above is complete",
        help=f"indent the comment, or move it above the {chunk.word}"
        if cut_body
        else "remove the indentation, or the line",
    )


def _docstring(stop: Stop, chunk: Chunk, reporter: Reporter) -> None:
    opening = chunk.span.start if chunk.is_docstring else stop.at
    width = 3
    closed = reporter.source.text.find('"""', opening + 3) >= 0
    if not chunk.is_docstring:
        message, label = "a docstring cannot stand here", "only the head of a file has one"
        help = 'write a string in single quotation marks: `"..."`'
    elif not closed:
        message, label = "the docstring does not end", 'opened here, without a closing `"""`'
        help = 'close it with `"""`'
    else:
        opening, width = stop.at, len(stop.found)
        message, label = "unexpected text after the docstring", "expected the end of the line"
        help = "start the next declaration on a line of its own"
    reporter.report("MP0111", Span(opening, opening + width), message, label=label, help=help)


def open_quote(line: str) -> int | None:
    """The column of a quote that opens a string which does not end on the line."""
    for match in _QUOTE.finditer(line):
        if match.group().startswith('"') and not match.group(1):
            return match.start()
    return None


def _empty_block(stop: Stop, chunk: Chunk, block: Block, ended: bool, reporter: Reporter) -> None:
    if ended:
        name = reporter.source.slice(chunk.span).split("(")[0].split(":")[0].split("\n")[0].strip()
        reporter.report(
            "MP0107",
            Span(chunk.span.start, chunk.span.start + len(name)),
            f"`{name}` has no {block.entries}",
            label="nothing is indented below this",
            help=block.help,
        )
    else:
        reporter.report(
            "MP0101",
            Span(stop.at, stop.at + len(stop.found)),
            f"unexpected `{short(stop.found)}`",
            label="expected the end of the line",
            help=block.help,
        )


def expected(accepts: Mapping[str, str | None]) -> str:
    """ "a value or `]`": what could stand there, at most a few of it."""
    names = set(accepts)
    words = []
    for group, word in (
        ({"NAME", "STRING", "NUMBER", "MOMENT", "LSQB", "LBRACE"}, "a value"),
        ({"NAME", "STRING", "NUMBER", "LPAR", "_ONE_OF"}, "a type"),
    ):
        if group <= names:
            names -= group
            words.append(word)
    words += sorted(_WORDS.get(name) or f"`{accepts[name]}`" for name in names)
    if len(words) > 6:
        words = [*words[:5], "the like"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def short(text: str) -> str:
    first = text.split("\n", 1)[0]
    return first if len(first) <= 30 else f"{first[:29]}…"
