"""`str`: text, by its length or by a pattern."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from microprompt.abi import DEFAULT_STR_LENGTH
from microprompt.notation import matching, ranged
from microprompt.patterns import Pattern, PatternError

from ..diagnostics import Reporter
from ..spec import CallOf, Constant, Expr, Ref, Subscript
from ..syntax import nodes
from .base import BuiltinType, Naming, Operand, Reading, Simple, Type, Value
from .constraints import lengths, takes_no_arguments
from .operands import Sort
from .python import annotated, given

OPEN: Final = 800
"""The characters that an argument is taken to have whose type says no bound."""

_SHORT_ESCAPES: Final = "\b\f\n\r\t"
"""The control characters that an answer may have inside a record or a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedStr(Simple, BuiltinType):
    low: int | None = None
    high: int | None = None
    pattern: str | None = None

    @classmethod
    def written(cls, node: nodes.NamedTypeAst, items: tuple[Type, ...], reporter: Reporter) -> Type:
        if error := takes_no_arguments(node, reporter):
            return error
        if isinstance(node.constraint, nodes.PatternAst):
            check_pattern(node.constraint, reporter)
            return cls(pattern=node.constraint.text)
        low, high = lengths(node, "characters", DEFAULT_STR_LENGTH, reporter)
        return cls(low=low, high=high)

    def describe(self) -> str:
        if self.pattern is not None:
            return matching(self.pattern)
        return ranged("str", self.low, self.high)

    def hint(self) -> str:
        return 'strings are in double quotes: `"..."`'

    def read(self, node: nodes.ValueAst, reading: Reading) -> Value:
        if not isinstance(node, nodes.StringAst):
            return reading.mismatch(node)
        if self.pattern is not None:
            self._check_match(self.pattern, node, reading)
            return node.text
        if reading.is_answer:
            (_check_plain if reading.stands_alone else _check_quoted)(node, reading)
        reading.check_size(node.span, len(node.text), self.low, self.high, DEFAULT_STR_LENGTH, "characters")
        return node.text

    def _check_match(self, pattern: str, node: nodes.StringAst, reading: Reading) -> None:
        try:
            Pattern(pattern).require_use()
        except PatternError:
            return  # reported where the type is
        if not Pattern(pattern).matches(node.text):
            reading.outside(node.span, f"does not match /{pattern}/", "write a text that matches")

    @property
    def is_text(self) -> bool:
        return True

    @property
    def strings(self) -> None:
        return None

    @property
    def operand(self) -> Operand:
        return Operand(type=CheckedStr(), sort=Sort.TEXT, is_ordered=True, can_be_empty=True)

    @property
    def options(self) -> None:
        return None

    def free_texts(self, value: Value, name: str = "") -> Iterator[tuple[str, str]]:
        if self.pattern is None and isinstance(value, str):
            yield name, value

    @property
    def longest(self) -> int:
        return DEFAULT_STR_LENGTH if self.high is None else self.high

    @property
    def likely_longest(self) -> int:
        return OPEN if self.high is None and self.pattern is None else self.longest

    def within(self, limit: int) -> str | None:
        if self.pattern is not None or limit < max(1, self.low or 0):
            return None
        return f"write `{ranged('str', self.low, limit)}`"

    def annotation(self, naming: Naming) -> Expr:
        if self.pattern is not None:
            constraint = CallOf(Ref(("Pattern",)), (Constant(self.pattern),))
            return Subscript(Ref(("Annotated",)), (Ref(("str",)), constraint))
        return annotated(Ref(("str",)), min_length=given(self.low or None), max_length=given(self.high))

    def value(self, value: Value, naming: Naming) -> Expr:
        assert isinstance(value, str)
        return Constant(value)


def check_pattern(node: nodes.PatternAst, reporter: Reporter) -> None:
    """Report a pattern that is of no use."""
    try:
        Pattern(node.text).require_use()
    except PatternError as error:
        code, message, help = (
            ("MP0305", "nothing can match this pattern", "make the pattern shorter or simpler")
            if error.never
            else (
                "MP0304",
                "this pattern cannot be compiled",
                "see `mpc explain MP0304` for what a pattern may hold",
            )
        )
        reporter.report(code, node.span, message, label=error.reason, help=help)


def _check_plain(node: nodes.StringAst, reading: Reading) -> None:
    """Report a text that the model could not give: outside records and lists, an answer is one line."""
    if reading.may_be_none and node.text == "none":
        problem, help = 'the word "none" stands for the missing value', "write `none` without quotes"
    elif node.text[:1].isspace():
        problem, help = "an answer does not start with a space", "leave the space out"
    elif any(unicodedata.category(character) == "Cc" for character in node.text):
        problem, help = (
            "an answer of this type is one line",
            "return a `list[str]`, or a record with the text",
        )
    else:
        return
    _report_unanswerable(node, problem, help, reading)


def _check_quoted(node: nodes.StringAst, reading: Reading) -> None:
    """Report a text that the model could not give inside a record or a list: a string of JSON with its short
    escapes."""
    for character in node.text:
        if character < " " and character not in _SHORT_ESCAPES:
            problem = f"an answer has no character U+{ord(character):04X}"
            _report_unanswerable(node, problem, "leave the character out", reading)
            return


def _report_unanswerable(node: nodes.StringAst, problem: str, help: str, reading: Reading) -> None:
    reading.reporter.report(
        "MP0504", node.span, "the model cannot give this answer", label=problem, help=help
    )
