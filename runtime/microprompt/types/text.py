"""`str`, `str(1..80)`, `str(/[A-Z]+/)`."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from ..abi import DEFAULT_STR_LENGTH
from ..errors import ArgumentError
from ..notation import matching, ranged
from ..patterns import Pattern
from .annotations import Annotation
from .base import DeclaredType, KindOf, Scalar, Schema, TypeOf, open_ended, require_length, short
from .grammar import Expression, Terminals, free_text, in_quotes, text
from .punctuation import quoted
from .schemas import regex_type, within

_JSON_CHAR: Final = r'(?:[^"\\\x00-\x1F]|\\["\\bfnrt])'
_FIRST_CHAR: Final = r"[^\s\x00-\x1F\x7F]"
_LINE_CHAR: Final = r"[^\x00-\x1F\x7F]"


@dataclass(frozen=True, slots=True, kw_only=True)
class StrType(DeclaredType):
    """Text of `min_length` to `max_length` characters."""

    min_length: int = 0
    max_length: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternType(DeclaredType):
    """Text that `pattern` matches as a whole."""

    pattern: str


T = TypeVar("T", bound=DeclaredType)


class TextKind(Scalar[T]):
    """What both have in common; an answer by itself is one line."""

    def check(self, value: object, where: str) -> str:
        if not isinstance(value, str):
            raise self.mismatch(value, where)
        # Subclasses have a `__str__` of their own.
        found = str.__str__(value)
        _require_encodable(found, where)
        self.require_fit(found, where)
        return found

    @abstractmethod
    def require_fit(self, found: str, where: str) -> None:
        """Raise `ArgumentError` unless the text is as its type says."""

    def options(self) -> None:
        return None

    def plain(self, value: object) -> str:
        return str(value)

    def json(self, value: object) -> str:
        return quoted(str(value))

    def is_free_text(self) -> bool:
        return True

    def read_plain(self, text: str) -> str:
        return text

    def read_json(self, data: object) -> str:
        if not isinstance(data, str):
            raise ValueError(f"{data!r} is no text")
        return data

    def to_data(self, value: object) -> str:
        return str(value)

    def read_data(self, data: object, where: str) -> str:
        if not isinstance(data, str):
            raise self.unreadable(data, where)
        return data

    def read_word(self, word: str, where: str) -> str:
        return word


class StrKind(TextKind[StrType]):
    @classmethod
    def read_annotation(cls, annotation: Annotation, of: TypeOf) -> StrType | None:
        if not annotation.is_of(str, "min_length", "max_length"):
            return None
        limits = annotation.limits
        return StrType(min_length=limits.get("min_length", 0), max_length=limits.get("max_length"))

    def describe(self) -> str:
        return ranged("str", self.declared.min_length or None, self.declared.max_length)

    def require_fit(self, found: str, where: str) -> None:
        least, most = self.declared.min_length, self.declared.max_length
        require_length(len(found), least, most, "characters", where)

    def grammar(self, terminals: Terminals) -> Expression:
        least, most = self._bounds()
        if most == 0:
            return text("")
        rest = f"{_LINE_CHAR}{{{max(0, least - 1)},{most - 1}}}"
        return _optional(terminals.name(f"/{_FIRST_CHAR}{rest}/"), least, most)

    def json_grammar(self, terminals: Terminals) -> Expression:
        least, most = self._bounds()
        if most == 0:
            return text('""')
        name = terminals.name(f"/{_JSON_CHAR}{{{max(1, least)},{most}}}/")
        return in_quotes(_optional(name, least, most))

    def is_cut(self, value: object) -> bool:
        least, most = self._bounds()
        return least < most == len(str(value))

    def schema(self, *, is_answer: bool = False) -> Schema:
        bounds = self._bounds() if is_answer else (self.declared.min_length, self.declared.max_length)
        return {"type": "string", **within("Length", *bounds)}

    def outlines(self) -> Any:
        least, most = self._bounds()
        return regex_type(f"{_LINE_CHAR}{{{least},{most}}}")

    def _bounds(self) -> tuple[int, int]:
        least = self.declared.min_length
        return least, open_ended(least, self.declared.max_length, DEFAULT_STR_LENGTH)


class PatternKind(TextKind[PatternType]):
    def __init__(self, declared: PatternType, of: KindOf) -> None:
        super().__init__(declared, of)
        self._pattern = Pattern(declared.pattern)

    @classmethod
    def read_annotation(cls, annotation: Annotation, of: TypeOf) -> PatternType | None:
        has_one = "pattern" in annotation.limits and annotation.is_of(str, "pattern")
        return PatternType(pattern=annotation.limits["pattern"]) if has_one else None

    def describe(self) -> str:
        return matching(self._pattern.text)

    def require_fit(self, found: str, where: str) -> None:
        if not self._pattern.matches(found):
            raise ArgumentError(f"{where} does not match /{self._pattern.text}/: {short(found)}")

    def grammar(self, terminals: Terminals) -> Expression:
        name = terminals.name(self._pattern.terminal())
        return self._expression(name, self._pattern.longest_bytes)

    def json_grammar(self, terminals: Terminals) -> Expression:
        name = terminals.name(self._pattern.json_terminal())
        return in_quotes(self._expression(name, self._pattern.longest_json_bytes))

    def is_one_line(self) -> bool:
        return not self._pattern.has_line_ends

    def is_cut(self, value: object) -> bool:
        return self._pattern.longest == DEFAULT_STR_LENGTH == len(str(value))

    def schema(self, *, is_answer: bool = False) -> Schema:
        return {"type": "string", "pattern": f"^(?:{self._pattern.regex()})$"}

    def outlines(self) -> Any:
        return regex_type(self._pattern.regex())

    def _expression(self, name: str, longest: int) -> Expression:
        return Expression(name, self._pattern.shortest, longest, self._pattern.longest)


def _optional(name: str, least: int, most: int) -> Expression:
    """A terminal of one character at least, which is not there where a text may be empty."""
    return free_text(name if least else f"{name}?", least, most)


def _require_encodable(text: str, where: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ArgumentError(
            f"{where} has half of a surrogate pair at character {error.start}, which is no text",
            help='clean it, as in text.encode(errors="replace").decode()',
        ) from None
