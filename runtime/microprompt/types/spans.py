"""`span(text)`: text that is copied from an argument, word by word, so that nothing in it is invented."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from ..abi import DEFAULT_STR_LENGTH, MAX_COPIED
from ..errors import ArgumentError, NoAnswer
from ..grammars import can_match
from ..notation import optional, span_of
from ..patterns import Pattern
from ..spans import pieces, place_of
from .annotations import Annotation
from .arguments import argument_at, parameter_of
from .base import AnyKind, DeclaredType, KindOf, Schema, TypeOf, open_ended, short_text
from .grammar import Expression, Terminals, free_text, in_quotes
from .punctuation import quoted
from .text import PatternKind, PatternType, StrKind, StrType, TextKind

_LINE: Final = (r"[^\n\r]", r"\S")
_LINES: Final = (r"(?s:.)", r"\S")
_JSON_LINE: Final = (r'(?:[^"\\\x00-\x1F]|\\["\\bft])', r'(?:[^\s"\\\x00-\x1F]|\\["\\b])')
_JSON_LINES: Final = (r'(?:[^"\\\x00-\x1F]|\\["\\bfnrt])', _JSON_LINE[1])
"""What a character of a span may be, and what one at its ends, in plain text and inside a JSON string."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanType(DeclaredType):
    """Text from the argument `source`, of `min_length` to `max_length` characters, or that `pattern`
    matches."""

    source: str
    min_length: int = 0
    max_length: int | None = None
    pattern: str | None = None


class SpanKind(TextKind[SpanType]):
    """By itself any text of the size or the pattern: what the argument holds is known at the call."""

    def __init__(self, declared: SpanType, of: KindOf) -> None:
        super().__init__(declared, of)
        self._text: TextKind[Any] = (
            StrKind(StrType(min_length=declared.min_length, max_length=declared.max_length), of)
            if declared.pattern is None
            else PatternKind(PatternType(pattern=declared.pattern), of)
        )

    @classmethod
    def read_annotation(cls, annotation: Annotation, of: TypeOf) -> SpanType | None:
        limits = annotation.limits
        sizes = ("min_length", "max_length")
        if not (annotation.is_of(str, "span", "pattern") or annotation.is_of(str, "span", *sizes)):
            return None
        if "span" not in limits:
            return None
        return SpanType(
            source=limits["span"].source,
            min_length=limits.get("min_length", 0),
            max_length=limits.get("max_length"),
            pattern=limits.get("pattern"),
        )

    def describe(self) -> str:
        declared = self.declared
        return span_of(declared.source, declared.min_length or None, declared.max_length, declared.pattern)

    def require_fit(self, found: str, where: str) -> None:
        self._text.require_fit(found, where)

    @cached_property
    def depends_on(self) -> frozenset[str]:
        return frozenset((parameter_of(self.declared.source),))

    def given(self, call: Mapping[str, object]) -> AnyKind:
        return GivenSpanKind(self.declared, self._of, str(argument_at(self.declared.source, call)))

    def grammar(self, terminals: Terminals) -> Expression:
        return self._text.grammar(terminals)

    def json_grammar(self, terminals: Terminals) -> Expression:
        return self._text.json_grammar(terminals)

    def is_one_line(self) -> bool:
        return self._text.is_one_line()

    def schema(self, *, is_answer: bool = False) -> Schema:
        return self._text.schema(is_answer=is_answer)

    def outlines(self) -> Any:
        return self._text.outlines()


class GivenSpanKind(SpanKind):
    """A span of a text that is known.

    A span begins and ends where a word or a number does (`pieces`), has no blanks at its ends, and lies on
    one line unless its pattern names line ends. llguidance has an automaton of all sequences of pieces; it
    meets the size or the pattern there, so every token that is let through leads to a span.
    """

    def __init__(self, declared: SpanType, of: KindOf, source: str) -> None:
        super().__init__(declared, of)
        self._source = source
        if len(source) > MAX_COPIED:
            raise ArgumentError(
                f"argument `{declared.source}` has {len(source):,} characters; an answer can be copied from "
                f"{MAX_COPIED:,} at most",
                help="give the part of the text that matters",
            )
        if not self._is_possible():
            pattern = declared.pattern
            what = "nothing to copy" if pattern is None else f"nothing that /{pattern}/ matches"
            raise NoAnswer(
                f"argument `{declared.source}` has {what}: {short_text(source)}",
                help=f"let the answer be none where it has not: `{optional(self.describe())}`",
            )

    @cached_property
    def depends_on(self) -> frozenset[str]:
        return frozenset()

    def require_fit(self, found: str, where: str) -> None:
        super().require_fit(found, where)
        if place_of(found, self._source) is None:
            raise ArgumentError(
                f"{where} is not a span of argument `{self.declared.source}`: {short_text(found)}",
                help="a span is copied letter by letter, in whole words",
            )

    def spans(self, value: object) -> tuple[tuple[int, int], ...]:
        place = place_of(str(value), self._source)
        return () if place is None else (place,)

    def grammar(self, terminals: Terminals) -> Expression:
        pieces = list(self._pieces)
        fits = None if self._pattern is None else self._pattern.terminal()
        return self._expression(terminals, pieces, _LINE if self.is_one_line() else _LINES, fits)

    def json_grammar(self, terminals: Terminals) -> Expression:
        pieces = [quoted(piece)[1:-1] for piece in self._pieces]
        fits = None if self._pattern is None else self._pattern.json_terminal()
        chars = _JSON_LINE if self.is_one_line() else _JSON_LINES
        return in_quotes(self._expression(terminals, pieces, chars, fits))

    def _expression(
        self, terminals: Terminals, pieces: list[str], chars: tuple[str, str], fits: str | None
    ) -> Expression:
        char, end = chars
        least, most = self._bounds()
        # A terminal with its definition inside would be parenthesised, which llguidance does not read.
        copied = terminals.name("%regex " + json.dumps({"substring_chunks": pieces}))
        name = terminals.name(
            f"{copied} & /{end}(?:{char}*{end})?/ & {fits or f'/{char}{{{least},{most}}}/'}"
        )
        return free_text(name, least, min(most, len(self._source)))

    def _bounds(self) -> tuple[int, int]:
        """The characters of the shortest and the longest span."""
        if self._pattern is not None:
            return max(1, self._pattern.shortest), self._pattern.longest
        least = max(1, self.declared.min_length)
        return least, open_ended(least, self.declared.max_length, DEFAULT_STR_LENGTH)

    def _is_possible(self) -> bool:
        if not self._source or self._source.isspace():
            return False
        if self.declared.pattern is None and self.declared.min_length <= 1:
            _, most = self._bounds()
            return any(len(piece) <= most and not piece.isspace() for piece in self._pieces)
        terminals = Terminals()
        found = self.grammar(terminals)
        return can_match("\n".join((f"start: {found.lark}", *terminals.lines(), "")))

    @cached_property
    def _pattern(self) -> Pattern | None:
        return None if self.declared.pattern is None else Pattern(self.declared.pattern)

    @cached_property
    def _pieces(self) -> tuple[str, ...]:
        return tuple(pieces(self._source))
