"""Dates and times in the forms that people write, of which the language has one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_YEAR_FIRST: Final = r"(?P<year>\d{4})(?P<mark>[-./])(?P<month>\d\d?)(?P=mark)(?P<day>\d\d?)"
_YEAR_LAST: Final = r"(?P<first>\d\d?)(?P<stop>[-./])(?P<second>\d\d?)(?P=stop)(?P<last>\d{4})"
_CLOCK: Final = r"(?P<hour>\d\d?)(?P<rest>(:\d\d){1,2})"
_FORM: Final = re.compile(
    rf"(?<![\w.])(({_YEAR_FIRST}|{_YEAR_LAST})(([tT]|[ ]+){_CLOCK})?|(?P<clock>\d\d?(:\d\d){{1,2}}))(?![\w:])"
)


@dataclass(frozen=True, slots=True)
class OtherForm:
    """Where in a line something is written that most likely is a date or a time, and how that is written."""

    start: int
    end: int
    meant: str


def other_form(line: str, column: int) -> OtherForm | None:
    """What is written around a column, where reading stopped, if it most likely is a date or a time."""
    for match in _FORM.finditer(line):
        if match.start() <= column < match.end():
            meant = _meant(match)
            return None if meant == match[0] else OtherForm(match.start(), match.end(), meant)
    return None


def _meant(match: re.Match[str]) -> str:
    if match["clock"]:
        return _filled(match["clock"])
    if match["year"]:
        parts = [match["year"], match["month"], match["day"]]
    else:
        # The day stands first, unless that would be no month.
        day_first = int(match["second"]) <= 12
        month, day = (match["second"], match["first"]) if day_first else (match["first"], match["second"])
        parts = [match["last"], month, day]
    written = "-".join(f"{part:0>2}" for part in parts)
    return f"{written}T{_filled(match['hour'] + match['rest'])}" if match["hour"] else written


def _filled(clock: str) -> str:
    return ":".join(f"{part:0>2}" for part in clock.split(":"))
