"""`date`, `time` and `datetime`: days and times in a range, as a text names them, without a time zone."""

from __future__ import annotations

import re
from abc import abstractmethod
from calendar import month_name, monthrange
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import ClassVar, Final, Generic, TypeVar

from microprompt.notation import ranged

from ..diagnostics import Reporter
from ..spec import CallOf, Constant, Expr, Ref
from ..syntax import nodes
from .base import BuiltinType, Naming, Operand, Reading, Simple, Type, Value
from .constraints import check_in_range, check_order, report_bound, takes_only_range
from .operands import Sort
from .python import annotated

_PARTS: Final = re.compile(
    r"((?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d))?T?"
    r"((?P<hour>\d\d):(?P<minute>\d\d)(:(?P<second>\d\d))?)?(?P<fraction>\.\d+)?(?P<zone>Z|[+-].*)?"
)
M = TypeVar("M", date, time, datetime)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedMoment(Simple, BuiltinType, Generic[M]):
    """What the three have in common. `NAME` is the word of the language, and the class in Python."""

    low: M | None = None
    high: M | None = None

    NAME: ClassVar[str]
    SAMPLE: ClassVar[str]
    LONGEST: ClassVar[str]

    @classmethod
    @abstractmethod
    def of(cls, node: nodes.MomentAst, parts: dict[str, int]) -> M | None:
        """The value of what is written, by its parts, which exist; `None` for one of another type."""

    @classmethod
    def written(cls, node: nodes.NamedTypeAst, items: tuple[Type, ...], reporter: Reporter) -> Type:
        if error := takes_only_range(node, reporter):
            return error
        if not isinstance(node.constraint, nodes.RangeAst):
            return cls()
        low, high = (cls._bound(end, reporter) for end in (node.constraint.low, node.constraint.high))
        check_order(node.constraint, low, high, reporter, written=cls._text)
        return cls(low=low, high=high)

    @classmethod
    def _bound(cls, node: nodes.BoundAst | None, reporter: Reporter) -> M | None:
        if node is None:
            return None
        if isinstance(node, nodes.MomentAst):
            parts = _parts(node, reporter)
            found = None if parts is None else cls.of(node, parts)
            if parts is None or found is not None:
                return found
        report_bound(node, f"this is no {cls.NAME}", f"write it as `{cls.SAMPLE}`", reporter)
        return None

    @staticmethod
    def _text(value: M) -> str:
        written = value.isoformat()
        return written.removesuffix(":00") if written.count(":") == 2 else written

    def describe(self) -> str:
        low, high = (None if end is None else self._text(end) for end in (self.low, self.high))
        return ranged(self.NAME, low, high)

    def hint(self) -> str:
        return f"a {self.NAME} is written without quotes: `{self.SAMPLE}`"

    def read(self, node: nodes.ValueAst, reading: Reading) -> Value:
        if not isinstance(node, nodes.MomentAst):
            return reading.mismatch(node)
        parts = _parts(node, reading.reporter)
        if parts is None:
            return None
        value = self.of(node, parts)
        if value is None:
            return reading.mismatch(node)
        help = f"write a {self.NAME} that fits `{self.describe()}`"
        sides = ("before", "after")
        check_in_range(
            node.span, value, self.low, self.high, help, reading, written=self._text, sides=sides
        )
        return value

    @property
    def is_string(self) -> bool:
        return True

    @property
    def family(self) -> str:
        return "date" if self.NAME == "datetime" else self.NAME  # to Python a datetime is a date, too

    @property
    def operand(self) -> Operand:
        return Operand(type=type(self)(), sort=Sort.MOMENT, is_ordered=True)

    @property
    def options(self) -> None:
        return None

    @property
    def longest(self) -> int:
        return len(self.LONGEST)

    def annotation(self, naming: Naming) -> Expr:
        low, high = (None if end is None else self.value(end, naming) for end in (self.low, self.high))
        return annotated(self._class(naming), ge=low, le=high)

    def value(self, value: Value, naming: Naming) -> Expr:
        assert isinstance(value, date | time)
        parts = [value.year, value.month, value.day] if isinstance(value, date) else []
        if isinstance(value, time | datetime):
            parts += [value.hour, value.minute]
            if value.second:
                parts.append(value.second)
        return CallOf(self._class(naming), tuple(map(Constant, parts)))

    def _class(self, naming: Naming) -> Ref:
        return Ref((*naming.library("datetime", "dt").path, self.NAME))


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedDate(CheckedMoment[date]):
    NAME = "date"
    SAMPLE = LONGEST = "2024-02-29"

    @classmethod
    def of(cls, node: nodes.MomentAst, parts: dict[str, int]) -> date | None:
        return date(**parts) if parts.keys() == {"year", "month", "day"} else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedTime(CheckedMoment[time]):
    NAME = "time"
    SAMPLE = "08:30"
    LONGEST = "08:30:15"

    @classmethod
    def of(cls, node: nodes.MomentAst, parts: dict[str, int]) -> time | None:
        return None if "year" in parts else time(parts["hour"], parts["minute"], parts.get("second", 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedDateTime(CheckedMoment[datetime]):
    NAME = "datetime"
    SAMPLE = "2024-02-29T08:30"
    LONGEST = "2024-02-29T08:30:15"

    @classmethod
    def of(cls, node: nodes.MomentAst, parts: dict[str, int]) -> datetime | None:
        if not {"year", "hour"} <= parts.keys():
            return None
        second = parts.get("second", 0)
        return datetime(parts["year"], parts["month"], parts["day"], parts["hour"], parts["minute"], second)


def type_of(node: nodes.MomentAst) -> Type:
    """The type that a moment is of by its looks."""
    match = _PARTS.fullmatch(node.text)
    assert match is not None, "the grammar lets only these through"
    if match["year"] is None:
        return CheckedTime()
    return CheckedDate() if match["hour"] is None else CheckedDateTime()


def _parts(node: nodes.MomentAst, reporter: Reporter) -> dict[str, int] | None:
    """The numbers of what is written, by what they are; `None` where what does not exist is reported."""
    match = _PARTS.fullmatch(node.text)
    assert match is not None, "the grammar lets only these through"
    for surplus, problem, help in (
        ("zone", "dates and times have no time zone", "write it as a text names it: `{0}`"),
        ("fraction", "times are exact to the second", "write `{0}`"),
    ):
        if match[surplus]:
            reporter.report(
                "MP0321",
                node.span,
                f"`{node.text}` says more than the type",
                label=problem,
                help=help.format(node.text.replace(match[surplus], "")),
            )
            return None
    parts = {name: int(found) for name, found in match.groupdict().items() if found}
    problem, help = _impossible(parts)
    if not problem:
        return parts
    reporter.report("MP0322", node.span, f"there is no `{node.text}`", label=problem, help=help)
    return None


def _impossible(parts: dict[str, int]) -> tuple[str, str]:
    """What of a date or a time does not exist, and what does; nothing where all does."""
    if parts.get("year") == 0:
        return "years begin with 0001", "write a year from 0001 to 9999"
    month = parts.get("month", 1)
    if not 1 <= month <= 12:
        return f"there is no month {month:02}", "a month is 01 to 12, between the year and the day"
    if "day" in parts:
        _, days = monthrange(parts["year"], month)
        if not 1 <= parts["day"] <= days:
            of = f"{month_name[month]} {parts['year']}"
            return f"{of} has {days} days", f"write a day from 01 to {days}"
    for name, count in (("hour", 24), ("minute", 60), ("second", 60)):
        if parts.get(name, 0) >= count:
            return f"{name}s go up to {count - 1}", f"write the {name} as 00 to {count - 1}"
    return "", ""
