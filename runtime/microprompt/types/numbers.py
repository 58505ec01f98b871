"""`int`, `int(1..5)`, `float`, `float(0..1)`."""

from __future__ import annotations

import numbers
from abc import abstractmethod
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeVar

from ..abi import INT_OPTIONS
from ..errors import ArgumentError
from ..notation import range_text, ranged
from .annotations import Annotation
from .base import DeclaredType, Scalar, Schema, TypeOf
from .grammar import Expression, Terminals
from .numerals import float_regex, int_regex, numeral_width
from .schemas import regex_type

_LONGEST_SHOWN: Final = 25
"""A number that takes more characters without an exponent is shown with one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntType(DeclaredType):
    """An integer from `minimum` to `maximum`, both included; `None` leaves that side open."""

    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatType(DeclaredType):
    """A decimal number from `minimum` to `maximum`, both included; `None` leaves that side open."""

    minimum: float | None = None
    maximum: float | None = None


D = TypeVar("D", bound=DeclaredType)
N = TypeVar("N", IntType, FloatType)


class NumeralKind(Scalar[D]):
    """What all numbers have in common: one notation in plain text and in JSON."""

    @abstractmethod
    def regex(self) -> str:
        """Exactly the numerals of an answer."""

    @abstractmethod
    def width(self) -> int:
        """The most characters of one."""

    def is_short(self) -> bool:
        return True

    def json(self, value: object) -> str:
        return self.plain(value)

    def grammar(self, terminals: Terminals) -> Expression:
        name = terminals.name(f"/{self.regex()}/")
        return Expression(name, 1, self.width(), self.width())

    def json_grammar(self, terminals: Terminals) -> Expression:
        return self.grammar(terminals)

    def outlines(self) -> Any:
        return regex_type(self.regex())


class NumberKind(NumeralKind[N]):
    """What both have in common: a range of Python's numbers."""

    def require_range(self, value: float, where: str) -> None:
        """Raise `ArgumentError` for a number outside the range, and for what is no number."""
        least, most = self.declared.minimum, self.declared.maximum
        # Written so that a NaN and an infinity fail too.
        is_inside = (least is None or value >= least) and (most is None or value <= most)
        if not (is_inside and value - value == 0):
            raise ArgumentError(f"{where} is {value}; {range_text(least, most)} is allowed")

    def limits(self) -> Schema:
        """The range, as a part of the schema."""
        limits = {"minimum": self.declared.minimum, "maximum": self.declared.maximum}
        return {name: limit for name, limit in limits.items() if limit is not None}


class IntKind(NumberKind[IntType]):
    @classmethod
    def read_annotation(cls, annotation: Annotation, of: TypeOf) -> IntType | None:
        if not annotation.is_of(int, "ge", "le"):
            return None
        return IntType(minimum=annotation.limits.get("ge"), maximum=annotation.limits.get("le"))

    def describe(self) -> str:
        return ranged("int", self.declared.minimum, self.declared.maximum)

    def check(self, value: object, where: str) -> int:
        # NumPy's integers are `Integral` too, and so is `bool`, which no type checker's `int` excludes.
        if not isinstance(value, numbers.Integral) or isinstance(value, bool):
            raise self.mismatch(value, where)
        found = int(value)
        self.require_range(found, where)
        return found

    def options(self) -> tuple[int, ...] | None:
        least, most = self.declared.minimum, self.declared.maximum
        if least is None or most is None or most - least >= INT_OPTIONS:
            return None
        return tuple(range(least, most + 1))

    def plain(self, value: object) -> str:
        return str(value)

    def regex(self) -> str:
        return int_regex(self.declared.minimum, self.declared.maximum)

    def width(self) -> int:
        return numeral_width(self.declared.minimum, self.declared.maximum, decimals=False)

    def read_plain(self, text: str) -> int:
        return int(text)

    def read_json(self, data: object) -> int:
        if type(data) is not int:
            raise ValueError(f"{data!r} is no integer")
        return data

    def to_data(self, value: object) -> object:
        return value

    def read_data(self, data: object, where: str) -> int:
        if type(data) is not int:
            raise self.unreadable(data, where)
        return data

    def read_word(self, word: str, where: str) -> int:
        try:
            return int(word)
        except ValueError:
            raise self.unreadable(word, where) from None

    def schema(self, *, is_answer: bool = False) -> Schema:
        return {"type": "integer", **self.limits()}


class FloatKind(NumberKind[FloatType]):
    @classmethod
    def read_annotation(cls, annotation: Annotation, of: TypeOf) -> FloatType | None:
        if not annotation.is_of(float, "ge", "le"):
            return None
        return FloatType(minimum=annotation.limits.get("ge"), maximum=annotation.limits.get("le"))

    def describe(self) -> str:
        return ranged("float", self.declared.minimum, self.declared.maximum)

    def check(self, value: object, where: str) -> float:
        # As for `IntKind`; what is `Real` is also NumPy's scalars.
        if not isinstance(value, numbers.Real) or isinstance(value, bool):
            raise self.mismatch(value, where)
        try:
            found = float(value)
        except OverflowError:
            raise ArgumentError(f"{where} is larger than any float") from None
        self.require_range(found, where)
        return found

    def options(self) -> None:
        return None

    def plain(self, value: object) -> str:
        return decimal_text(float(value))  # type: ignore[arg-type]  # a checked value

    def regex(self) -> str:
        return float_regex(self.declared.minimum, self.declared.maximum)

    def width(self) -> int:
        return numeral_width(self.declared.minimum, self.declared.maximum, decimals=True)

    def read_plain(self, text: str) -> float:
        return float(text)

    def read_json(self, data: object) -> float:
        if type(data) not in (int, float, Decimal):
            raise ValueError(f"{data!r} is no number")
        return float(data)  # type: ignore[arg-type]  # as just found

    def to_data(self, value: object) -> object:
        return value

    def read_data(self, data: object, where: str) -> float:
        if type(data) not in (int, float):
            raise self.unreadable(data, where)
        return self._float(data, where)

    def read_word(self, word: str, where: str) -> float:
        return self._float(word, where)

    def schema(self, *, is_answer: bool = False) -> Schema:
        return {"type": "number", **self.limits()}

    def _float(self, written: object, where: str) -> float:
        try:
            return float(written)  # type: ignore[arg-type]  # text or a number
        except (ValueError, OverflowError):
            raise self.unreadable(written, where) from None


def decimal_text(value: float) -> str:
    """All the digits that tell a number from others, without an exponent where that stays readable."""
    text = repr(value)
    if "e" in text:
        written_out = format(Decimal(text), "f")
        if len(written_out) <= _LONGEST_SHOWN:
            text = written_out if "." in written_out else f"{written_out}.0"
    return "0.0" if text == "-0.0" else text
