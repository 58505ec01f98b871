"""What could not be read in a flow, in the user's words. The first explanation that fits is reported."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ..diagnostics import Reporter
from ..source import Span
from .lalr import Derivation
from .problems import Stop, expected, open_quote, other_operator, short
from .slips import Slip
from .statement_lines import HEADS, StatementLine

_FORMS: Final[Mapping[str, str]] = {
    "if": "a condition is `if act == question and sure >= 0.6:`",
    "elif": "an arm is `elif act == command:`",
    "else": "the last arm is `else:`",
    "for": "a loop is `for note in notes:`",
    "while": "a loop is `while answer is none up to 3:`",
    "return": "a flow ends with `return answer`",
}
_FORM: Final = "a statement is `name = value`, a call, `if`, `for`, `while` or `return`"

OTHER_STATEMENTS: Final[Mapping[str, str]] = {
    "assert": "assert it in a record, or write `if ...:` and `return`",
    "async": "leave the word out: every flow has both forms",
    "await": "leave the word out: what can be asked side by side is",
    "break": "`return` from the flow, or put what should not happen any more below an `if`",
    "class": "declare a `record` beside the flow",
    "continue": "put the rest of the loop below an `if`",
    "def": "declare another `flow`, or import a function: `from python tools import search`",
    "del": "assign something else to the name",
    "from": "import at the beginning of the file: `from python tools import search`",
    "import": "import at the beginning of the file: `from python tools import search`",
    "let": "write `name = value`",
    "match": "write `if`, `elif` and `else`",
    "pass": "leave the block out: where no `else` is, the flow goes on below",
    "raise": "import a function of Python that raises",
    "switch": "write `if`, `elif` and `else`",
    "try": "what fails ends the flow; catch it in a function of Python",
    "var": "write `name = value`",
    "with": "do that in a function of Python, and import it",
    "yield": "collect in a list, `found.append(item)`, and return that",
}
"""Statements of other languages by their first word, and what to write instead."""

_OTHER: Final = re.compile(rf"({'|'.join(OTHER_STATEMENTS)})\b(?!\s*[=.])")
_QUOTES: Final = '"""'
_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}
_VALUES: Final = frozenset({"NAME", "STRING", "NUMBER", "LPAR"})


def explain_statement(derivation: Derivation, line: StatementLine, reporter: Reporter) -> str:
    """Report the mistake that made the parser stop in a statement; the code that it has."""
    found = _mistake(derivation, line, reporter.source.text)
    found.report(reporter)
    return found.code


def report_empty(body: Span, reporter: Reporter) -> None:
    """Report a body in which nothing but comments is."""
    code = reporter.source.slice(body)
    start = body.start + len(code) - len(code.lstrip())
    reporter.report(
        "MP0107",
        Span(start, body.end),
        "a flow without statements",
        label="only comments are here",
        help="write what the flow does; the last statement is `return ...`",
    )


def report_uneven(line: StatementLine, reporter: Reporter) -> str:
    """Report a line that begins where none above does; the code that this has."""
    start, code = line.span.start, "MP0108"
    reporter.report(
        code,
        Span(start - line.indent, start),
        "uneven indentation",
        label="no block above is indented so far",
        help="begin the line where an `if`, `for` or `while` above begins, or the lines below that",
    )
    return code


def _mistake(derivation: Derivation, line: StatementLine, text: str) -> Slip:
    stop = derivation.stop
    assert stop is not None
    kind = derivation.refused[0] if derivation.refused else None
    if line.opened is not None:
        sign = text[line.opened]
        at = Span(line.opened, line.opened + 1)
        return Slip(
            "MP1205", at, f"`{sign}` is not closed", "opened here", f"write `{_CLOSING[sign]}` behind it"
        )
    if (quote := open_quote(text[line.span.start : line.span.end])) is not None:
        return Slip(
            "MP0102",
            Span(line.span.start + quote, line.span.end),
            "unterminated string",
            'no closing `"` on this line',
            'end the string with `"`; inside it, a quote is written `\\"`',
        )
    if stop.found.startswith(_QUOTES):
        return Slip(
            "MP0111",
            Span(stop.at, stop.at + len(_QUOTES)),
            "a docstring cannot stand here",
            "only the head of a file or a flow has one",
            "make it a comment with `#`",
        )
    if kind == "_DEDENT" and text.startswith(_QUOTES, line.span.start):
        return Slip(
            "MP0107", line.span, "a flow without statements", "nothing is below this", "write what it does"
        )
    if match := _OTHER.match(text, line.span.start):
        return other_statement(match.group(), line.span.start)
    ended = kind in (None, "_NL", "_DEDENT") and not stop.found
    if kind == "_INDENT":
        return Slip(
            "MP1203",
            Span(line.span.start - line.indent, line.span.start),
            "a line that is indented further than the one above",
            "no block begins above",
            "begin the line where the one above begins",
        )
    # Where no `if` is before it, the word is read as a name.
    if line.word in ("elif", "else") and ("NAME", line.span.start, line.span.start + 4) in (
        *derivation.steps,
        derivation.refused,
    ):
        return Slip(
            "MP1206",
            Span(line.span.start, line.span.start + len(line.word)),
            f"`{line.word}` without an `if`",
            "no `if` above begins where this does",
            "indent it as its `if` is",
        )
    return _of_block(stop, line, text, ended) or _of_sign(stop, line, text) or _other(stop, line, ended)


def other_statement(word: str, start: int) -> Slip:
    """A statement of another language."""
    at = Span(start, start + len(word))
    return Slip("MP1208", at, f"flows have no `{word}`", "of another language", OTHER_STATEMENTS[word])


def _of_block(stop: Stop, line: StatementLine, text: str, ended: bool) -> Slip | None:
    """A mistake in the head of a block, or in how lines are indented."""
    after = Span(stop.last_end, stop.last_end)
    if set(stop.accepts) == {"_INDENT"}:
        return Slip(
            "MP1202",
            Span(line.span.start, stop.last_end),
            f"nothing is below `{short(text[line.span.start : stop.last_end])}`",
            "no statement is indented further than this",
            "indent what belongs to it, or leave it out",
        )
    if line.word == "while" and "UP" in stop.accepts and (ended or stop.found == ":"):
        return Slip(
            "MP1204",
            after,
            "a loop that does not say how often it goes round",
            "expected `up to` here",
            "write how often at most: `while answer is none up to 3:`",
        )
    if line.word == "else" and stop.found == "if":
        return Slip(
            "MP1201", Span(stop.at, stop.at + 2), "`else if` is one word", "expected `:`", "write `elif`"
        )
    if ended and "COLON" in stop.accepts and line.word in HEADS:
        return Slip(
            "MP0104", after, "missing `:`", "expected here", "put `:` at the end of the line"
        )
    return None


def _of_sign(stop: Stop, line: StatementLine, text: str) -> Slip | None:
    """A sign that means something in other languages."""
    at = Span(stop.at, stop.at + len(stop.found))
    before = text[line.span.start : stop.at].rstrip()
    if stop.found == "=" and line.word in ("if", "elif", "while", "return"):
        return Slip("MP1201", at, "`=` does not compare", "this would assign", "write `==`")
    if stop.found == "=" and before[-1:] in tuple("+-*/%"):
        name = before[:-1].strip()
        sign = before[-1]
        return Slip(
            "MP1209",
            Span(stop.at - 1, stop.at + 1),
            f"flows have no `{sign}=`",
            "a name is assigned with `=`",
            f"write `{name} = {name} {sign} ...`" + (f", or `{name}.append(...)`" if sign == "+" else ""),
        )
    if stop.found == "=" and "." in before:
        return Slip(
            "MP1209",
            Span(line.span.start, stop.at),
            f"`{before}` cannot be assigned",
            "records do not change",
            "make another record, and give that a name",
        )
    if stop.found == "," and "(" not in before and "[" not in before:
        return Slip(
            "MP1209", at, "two names in one statement", "a statement assigns one name", "write two statements"
        )
    if stop.found == "[" and before:
        return Slip(
            "MP1201",
            at,
            "items are not taken out of a list by number",
            "expected an operator",
            "go through the list with `for`, or take the item in a function of Python",
        )
    if stop.found == ";":
        return Slip(
            "MP1201", at, "two statements on one line", "a statement ends with its line", "begin a new line"
        )
    if stop.found == "if" and line.word != "if":
        return Slip(
            "MP1201",
            at,
            "an `if` inside an expression",
            "`if` begins a statement",
            f"write `if ...:` with `{line.word} = ...` below it, and the same below `else:`",
        )
    if stop.found.startswith(("'", "`")):
        return Slip(
            "MP1201",
            at,
            f"unexpected `{stop.found}`",
            "no text begins so",
            'strings are in double quotes: `"..."`',
        )
    if stop.found.startswith('"') and before[-1:].isalpha():
        return Slip(
            "MP1201",
            at,
            "a string with a letter before it",
            "strings are plain text",
            'put texts together with `+`: `"Hello " + name`',
        )
    return None


def _other(stop: Stop, line: StatementLine, ended: bool) -> Slip:
    help = other_operator(stop) or _FORMS.get(line.word, _FORM)
    if ended:
        return Slip(
            "MP1201",
            Span(stop.last_end, stop.last_end),
            "the line ends too early",
            f"expected {_wanted(stop)} here",
            help,
        )
    return Slip(
        "MP1201",
        Span(stop.at, stop.at + len(stop.found)),
        f"unexpected `{short(stop.found)}`",
        f"expected {_wanted(stop)}",
        help,
    )


def _wanted(stop: Stop) -> str:
    if "COMPARE" in stop.accepts:
        return "an operator, or the end of the line" if "_NL" in stop.accepts else "an operator"
    if stop.accepts.keys() >= _VALUES:
        return "a value"
    return expected(stop.accepts)
