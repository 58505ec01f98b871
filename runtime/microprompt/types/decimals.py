"""`decimal`, `decimal(0.00..)`: numbers that keep their digits, such as amounts of money."""

from __future__ import annotations

import numbers
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from ..abi import INT_DIGITS
from ..errors import ArgumentError
from ..notation import range_text, ranged
from .annotations import Annotation
from .base import DeclaredType, Schema, TypeOf
from .numbers import NumeralKind
from .numerals import decimal_regex, decimal_width, float_regex, numeral_width
from .schemas import described, said_range

_NUMERAL: Final = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecimalType(DeclaredType):
    """A number from `minimum` to `maximum`, both included; `None` leaves that side open.

    Its text has exactly `places` digits behind the point; `None` leaves them open, up to `FLOAT_DIGITS`.
    """

    minimum: Decimal | None = None
    maximum: Decimal | None = None
    places: int | None = None


class DecimalKind(NumeralKind[DecimalType]):
    @classmethod
    def read_annotation(cls, annotation: Annotation, of: TypeOf) -> DecimalType | None:
        if not annotation.is_of(Decimal, "ge", "le", "decimal_places"):
            return None
        limits = annotation.limits
        return DecimalType(
            minimum=limits.get("ge"), maximum=limits.get("le"), places=limits.get("decimal_places")
        )

    def describe(self) -> str:
        return ranged("decimal", *self._ends())

    def check(self, value: object, where: str) -> Decimal:
        if isinstance(value, float):
            raise ArgumentError(
                f"{where} must be {self.describe()}, and the float {value!r} is not exact",
                help="give a Decimal, made of text: Decimal(\"12.50\")",
            )
        if isinstance(value, numbers.Integral) and not isinstance(value, bool):
            value = Decimal(int(value))
        if not isinstance(value, Decimal):
            raise self.mismatch(value, where)
        if not value.is_finite():
            raise ArgumentError(f"{where} is {value}, which is no number")
        _, digits, exponent = value.as_tuple()
        assert isinstance(exponent, int), "the number is finite"
        if len(digits) + exponent > INT_DIGITS or -exponent > INT_DIGITS:
            raise ArgumentError(f"{where} has more than {INT_DIGITS} digits on a side of the point")
        least, most, places = self.declared.minimum, self.declared.maximum, self.declared.places
        if (least is not None and value < least) or (most is not None and value > most):
            raise ArgumentError(f"{where} is {value:f}; {range_text(*self._ends())} is allowed")
        if places is not None and value != Decimal(self.plain(value)):
            raise ArgumentError(f"{where} is {value:f}; {places} digits behind the point are allowed")
        return value

    def options(self) -> None:
        return None

    def plain(self, value: object) -> str:
        assert isinstance(value, Decimal)
        places = self.declared.places
        # `copy_abs`: unlike `abs`, it keeps all digits, whatever the decimal context of the program.
        shown = value.copy_abs() if value.is_zero() else value
        return format(shown, "f" if places is None else f".{places}f")

    def regex(self) -> str:
        least, most, places = self.declared.minimum, self.declared.maximum, self.declared.places
        if places is None:
            return float_regex(None, None)
        return decimal_regex(least, most, places)

    def width(self) -> int:
        least, most, places = self.declared.minimum, self.declared.maximum, self.declared.places
        if places is None:
            return numeral_width(None, None, decimals=True)
        return decimal_width(least, most, places)

    def read_plain(self, text: str) -> Decimal:
        if not _NUMERAL.fullmatch(text):
            raise ValueError(f"{text!r} is no number")
        return Decimal(text)

    def read_json(self, data: object) -> Decimal:
        if type(data) not in (int, Decimal):
            raise ValueError(f"{data!r} is no number")
        return Decimal(data)  # type: ignore[arg-type]  # as just found

    def to_data(self, value: object) -> str:
        return self.plain(value)

    def read_data(self, data: object, where: str) -> Decimal:
        # A number of JSON has come as a float, whose shortest text is what was written there.
        written = repr(data) if type(data) in (int, float) else data
        if not isinstance(written, str) or not _NUMERAL.fullmatch(written):
            raise self.unreadable(data, where)
        return Decimal(written)

    def read_word(self, word: str, where: str) -> Decimal:
        return self.read_data(word, where)

    def json_schema(self) -> Schema:
        limits = {"minimum": self.declared.minimum, "maximum": self.declared.maximum}
        return {
            "type": "number",
            **{name: float(limit) for name, limit in limits.items() if limit is not None},
        }

    def schema(self, *, is_answer: bool = False) -> Schema:
        if is_answer:
            return {"type": "string", "pattern": f"^{self.regex()}$"}
        found: Schema = {"type": "string", "pattern": f"^{_NUMERAL.pattern}$"}
        return described(found, *said_range(*self._ends()))

    def _ends(self) -> tuple[str | None, str | None]:
        least, most = self.declared.minimum, self.declared.maximum
        return (None if least is None else self.plain(least)), (None if most is None else self.plain(most))
