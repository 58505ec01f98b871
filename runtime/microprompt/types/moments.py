"""`date`, `time`, `datetime`, each with a range: days and times as a text names them, without a time zone.

Their text is that of ISO 8601, in its extended form: `2024-02-29`, `08:30` or `08:30:15`, and the two joined
by a `T`. A time has its seconds only where they are not zero.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, ClassVar, Final, TypeAlias, TypeVar

from ..errors import ArgumentError
from ..notation import range_text, ranged
from .annotations import Annotation
from .base import DeclaredType, Scalar, Schema, TypeOf
from .dates import date_regex, datetime_regex, time_regex
from .grammar import Expression, Terminals, in_quotes
from .punctuation import quoted
from .schemas import described, regex_type, said_range

_DATE: Final = r"\d{4}-\d\d-\d\d"
_TIME: Final = r"\d\d:\d\d(:\d\d(\.\d{1,6})?)?"

Moment: TypeAlias = date | time


@dataclass(frozen=True, slots=True, kw_only=True)
class DateType(DeclaredType):
    """A day from `minimum` to `maximum`, both included; `None` leaves that side open."""

    minimum: date | None = None
    maximum: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeType(DeclaredType):
    """A time of day from `minimum` to `maximum`, both included; `None` leaves that side open."""

    minimum: time | None = None
    maximum: time | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DateTimeType(DeclaredType):
    """A day with a time from `minimum` to `maximum`, both included; `None` leaves that side open."""

    minimum: datetime | None = None
    maximum: datetime | None = None


M = TypeVar("M", DateType, TimeType, DateTimeType)


class MomentKind(Scalar[M]):
    """What the three have in common: a range, and one text, which JSON puts in quotes."""

    NAME: ClassVar[str]
    PYTHON: ClassVar[type[Moment]]
    FORM: ClassVar[re.Pattern[str]]
    SHORTEST: ClassVar[int]
    LONGEST: ClassVar[int]

    @abstractmethod
    def regex(self) -> str:
        """Exactly the texts of an answer."""

    @abstractmethod
    def owned(self, value: object) -> Moment | None:
        """The value in Python's own class; `None` for one of another type."""

    def is_short(self) -> bool:
        return True

    def describe(self) -> str:
        return ranged(self.NAME, *self._ends())

    def check(self, value: object, where: str) -> Moment:
        found = self.owned(value)
        if found is None:
            raise self.mismatch(value, where)
        if getattr(value, "tzinfo", None) is not None:
            raise ArgumentError(
                f"{where} has a time zone, and a `{self.NAME}` has none",
                help="give it as a text would name it: value.replace(tzinfo=None)",
            )
        least, most = self.declared.minimum, self.declared.maximum
        # Of one class, and so in the order of their texts.
        written = found.isoformat()
        if (least and written < least.isoformat()) or (most and written > most.isoformat()):
            raise ArgumentError(f"{where} is {self.plain(found)}; {range_text(*self._ends())} is allowed")
        return value if type(value) is self.PYTHON else found

    def options(self) -> None:
        return None

    def plain(self, value: object) -> str:
        written = value.isoformat()  # type: ignore[attr-defined]  # a checked value
        return str(written.removesuffix(":00") if written.count(":") == 2 else written)

    def json(self, value: object) -> str:
        return quoted(self.plain(value))

    def grammar(self, terminals: Terminals) -> Expression:
        return Expression(terminals.name(f"/{self.regex()}/"), self.SHORTEST, self.LONGEST, self.LONGEST)

    def json_grammar(self, terminals: Terminals) -> Expression:
        return in_quotes(self.grammar(terminals))

    def read_plain(self, text: str) -> Moment:
        if not self.FORM.fullmatch(text):
            raise ValueError(f"{text!r} is no {self.NAME}")
        return self.PYTHON.fromisoformat(text)

    def read_json(self, data: object) -> Moment:
        if not isinstance(data, str):
            raise ValueError(f"{data!r} is no {self.NAME}")
        return self.read_plain(data)

    def to_data(self, value: object) -> str:
        return self.plain(value)

    def read_data(self, data: object, where: str) -> Moment:
        try:
            return self.read_json(data)
        except ValueError:
            raise self.unreadable(data, where) from None

    def read_word(self, word: str, where: str) -> Moment:
        return self.read_data(word, where)

    def schema(self, *, is_answer: bool = False) -> Schema:
        if is_answer:
            return {"type": "string", "pattern": f"^{self.regex()}$"}
        found: Schema = {"type": "string", "pattern": f"^{self.FORM.pattern}$"}
        return described(found, *said_range(*self._ends()))

    def outlines(self) -> Any:
        return regex_type(self.regex())

    def _ends(self) -> tuple[str | None, str | None]:
        least, most = self.declared.minimum, self.declared.maximum
        return (None if least is None else self.plain(least)), (None if most is None else self.plain(most))


class DateKind(MomentKind[DateType]):
    NAME = "date"
    PYTHON = date
    FORM = re.compile(_DATE, re.ASCII)
    SHORTEST = LONGEST = len("2024-02-29")

    @classmethod
    def read_annotation(cls, annotation: Annotation, of: TypeOf) -> DateType | None:
        if not annotation.is_of(date, "ge", "le"):
            return None
        return DateType(minimum=annotation.limits.get("ge"), maximum=annotation.limits.get("le"))

    def owned(self, value: object) -> date | None:
        # A `datetime` is a `date` to Python, and says more than a day.
        if not isinstance(value, date) or isinstance(value, datetime):
            return None
        return date(value.year, value.month, value.day)

    def regex(self) -> str:
        return date_regex(self.declared.minimum or date.min, self.declared.maximum or date.max)

    def schema(self, *, is_answer: bool = False) -> Schema:
        return {**super().schema(is_answer=is_answer), "format": "date"}


class TimeKind(MomentKind[TimeType]):
    NAME = "time"
    PYTHON = time
    FORM = re.compile(_TIME, re.ASCII)
    SHORTEST = len("08:30")
    LONGEST = len("08:30:15")

    @classmethod
    def read_annotation(cls, annotation: Annotation, of: TypeOf) -> TimeType | None:
        if not annotation.is_of(time, "ge", "le"):
            return None
        return TimeType(minimum=annotation.limits.get("ge"), maximum=annotation.limits.get("le"))

    def owned(self, value: object) -> time | None:
        if not isinstance(value, time):
            return None
        return time(value.hour, value.minute, value.second, value.microsecond)

    def regex(self) -> str:
        return time_regex(self.declared.minimum or time.min, self.declared.maximum or time.max)


class DateTimeKind(MomentKind[DateTimeType]):
    NAME = "datetime"
    PYTHON = datetime
    FORM = re.compile(f"{_DATE}T{_TIME}", re.ASCII)
    SHORTEST = len("2024-02-29T08:30")
    LONGEST = len("2024-02-29T08:30:15")

    @classmethod
    def read_annotation(cls, annotation: Annotation, of: TypeOf) -> DateTimeType | None:
        if not annotation.is_of(datetime, "ge", "le"):
            return None
        return DateTimeType(minimum=annotation.limits.get("ge"), maximum=annotation.limits.get("le"))

    def owned(self, value: object) -> datetime | None:
        if not isinstance(value, datetime):
            return None
        return datetime(*value.timetuple()[:6], value.microsecond)

    def regex(self) -> str:
        return datetime_regex(self.declared.minimum or datetime.min, self.declared.maximum or datetime.max)
