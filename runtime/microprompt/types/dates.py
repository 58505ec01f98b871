"""Regular expressions for the dates and times of a range: only days that exist, 29 February in leap years.

A date is a year, a month and a day, each of a fixed width, so what a range allows is a table: years by the
months that they allow, and months by their days. Rows that allow the same are written once. Of a range, only
the first and the last year have rows of their own; all others are a leap year's or a common one's.
"""

from __future__ import annotations

from calendar import isleap, monthrange
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from functools import lru_cache


@lru_cache(maxsize=256)
def date_regex(least: date, most: date) -> str:
    """Match exactly the dates from `least` to `most`, as `2024-02-29`."""
    years: defaultdict[str, list[int]] = defaultdict(list)
    for year in range(least.year, most.year + 1):
        if year in (least.year, most.year):
            rest = _days_of_year(max(least, date(year, 1, 1)), min(most, date(year, 12, 31)))
        else:
            rest = _whole_year(isleap(year))
        years[rest].append(year)
    return _either(f"{_four_digits(found)}-{rest}" for rest, found in years.items())


@lru_cache(maxsize=256)
def time_regex(least: time, most: time) -> str:
    """Match exactly the times from `least` to `most`, as `08:30`, or `08:30:15` with seconds."""
    hours = {hour: _minutes_of_hour(hour, least, most) for hour in range(least.hour, most.hour + 1)}
    return _either(f"{_two_digits(found)}:{rest}" for rest, found in _grouped(hours).items())


@lru_cache(maxsize=256)
def datetime_regex(least: datetime, most: datetime) -> str:
    """Match exactly the dates with a time from `least` to `most`, as `2024-02-29T08:30`."""
    first, last = least.date(), most.date()
    if first == last:
        return f"{first.isoformat()}T{time_regex(least.time(), most.time())}"
    days = [(first, first, least.time(), time.max), (last, last, time.min, most.time())]
    between = (date.fromordinal(first.toordinal() + 1), date.fromordinal(last.toordinal() - 1))
    if between[0] <= between[1]:
        days.append((*between, time.min, time.max))
    return _either(f"{date_regex(start, end)}T{time_regex(low, high)}" for start, end, low, high in days)


@lru_cache(maxsize=2)
def _whole_year(leap: bool) -> str:
    year = 2000 if leap else 2001
    return _days_of_year(date(year, 1, 1), date(year, 12, 31))


def _days_of_year(first: date, last: date) -> str:
    """A month and a day, of the days from `first` to `last`, which are of one year."""
    months = {}
    for month in range(first.month, last.month + 1):
        start = first.day if month == first.month else 1
        end = last.day if month == last.month else monthrange(first.year, month)[1]
        months[month] = _two_digits(range(start, end + 1))
    return _either(f"{_two_digits(found)}-{days}" for days, found in _grouped(months).items())


def _minutes_of_hour(hour: int, least: time, most: time) -> str:
    minutes = {}
    for minute in range(60):
        allowed = [
            second
            for second in range(60)
            if least.replace(microsecond=0) <= time(hour, minute, second) <= most.replace(microsecond=0)
        ]
        if allowed:
            # A time without seconds is a whole minute.
            minutes[minute] = f"(:{_two_digits(allowed)})" + ("?" if allowed[0] == 0 else "")
    return _either(f"{_two_digits(found)}{seconds}" for seconds, found in _grouped(minutes).items())


def _four_digits(numbers: Iterable[int]) -> str:
    hundreds: defaultdict[int, list[int]] = defaultdict(list)
    for number in numbers:
        hundreds[number // 100].append(number % 100)
    lower = {hundred: _two_digits(found) for hundred, found in hundreds.items()}
    return _either(f"{_two_digits(found)}{rest}" for rest, found in _grouped(lower).items())


def _two_digits(numbers: Iterable[int]) -> str:
    """Numbers from 0 to 99, in order, each in two digits."""
    tens: defaultdict[int, list[int]] = defaultdict(list)
    for number in numbers:
        tens[number // 10].append(number % 10)
    lower = {ten: _digit(found) for ten, found in tens.items()}
    return _either(f"{_digit(found)}{rest}" for rest, found in _grouped(lower).items())


def _digit(digits: list[int]) -> str:
    """One of a few digits, which are in order."""
    first, last = digits[0], digits[-1]
    if len(digits) == 1:
        return str(first)
    is_run = last - first + 1 == len(digits)
    return f"[{first}-{last}]" if is_run and len(digits) > 2 else f"[{''.join(map(str, digits))}]"


def _grouped(rests: Mapping[int, str]) -> Mapping[str, list[int]]:
    """The numbers that are followed by the same, by what that is."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for number, rest in rests.items():
        found[rest].append(number)
    return found


def _either(parts: Iterable[str]) -> str:
    found = list(parts)
    return found[0] if len(found) == 1 else f"({'|'.join(found)})"
