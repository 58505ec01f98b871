"""Dates and times: what is a value, how it is written and read, and what an answer may be."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

import pytest

from microprompt.errors import ArgumentError
from microprompt.types import DateTimeType, DateType, DeclaredType, TimeType, kind
from microprompt.types.dates import date_regex, datetime_regex, time_regex

DATE, TIME, DATETIME = DateType(), TimeType(), DateTimeType()


def found(start: date, end: date) -> list[date]:
    return [start + timedelta(days=day) for day in range((end - start).days + 1)]


@pytest.mark.parametrize(
    ("least", "most"),
    [
        (date.min, date.max),
        (date(2024, 2, 29), date(2024, 2, 29)),
        (date(2023, 12, 31), date(2024, 3, 1)),
        (date(1999, 6, 15), date(2101, 6, 14)),
        (date(2024, 1, 1), date(2024, 12, 31)),
    ],
)
def test_a_grammar_of_dates_has_the_days_of_its_range_and_no_others(least: date, most: date) -> None:
    pattern = re.compile(date_regex(least, most))
    near = [least, most, date(2023, 12, 31), date(1900, 2, 28), date(2000, 2, 29), date(2100, 3, 1)]
    for day in [*found(date(2023, 12, 25), date(2024, 3, 5)), *near]:
        assert bool(pattern.fullmatch(day.isoformat())) is (least <= day <= most)
    for text in ("2023-02-29", "1900-02-29", "2024-02-30", "2024-04-31", "2024-13-01", "0000-01-01"):
        assert not pattern.fullmatch(text)


@pytest.mark.parametrize(
    ("least", "most"),
    [
        (time.min, time.max),
        (time(8, 0), time(18, 0)),
        (time(8, 30, 15), time(8, 30, 15)),
        (time(9), time(9, 59, 58)),
    ],
)
def test_a_grammar_of_times_has_the_times_of_its_range(least: time, most: time) -> None:
    pattern = re.compile(time_regex(least, most))
    for minute in range(0, 24 * 60, 7):
        for second in (0, 1, 15, 58, 59):
            value = time(minute // 60, minute % 60, second)
            assert bool(pattern.fullmatch(value.isoformat())) is (least <= value <= most)
    for edge in (least, most):
        assert pattern.fullmatch(edge.replace(microsecond=0).isoformat())
    assert not pattern.fullmatch("24:00")
    assert not pattern.fullmatch("08:60")


def test_a_range_of_both_begins_and_ends_within_a_day() -> None:
    least, most = datetime(2024, 2, 28, 8, 30), datetime(2024, 3, 1, 9, 0, 5)
    pattern = re.compile(datetime_regex(least, most))
    for step in range(-200, 4000, 13):
        value = least + timedelta(minutes=step, seconds=step % 3)
        assert bool(pattern.fullmatch(value.isoformat())) is (least <= value <= most)


@pytest.mark.parametrize(
    ("declared", "value", "text"),
    [
        (DATE, date(2024, 2, 29), "2024-02-29"),
        (DATE, date(987, 1, 2), "0987-01-02"),
        (TIME, time(8, 30), "08:30"),
        (TIME, time(8, 30, 15), "08:30:15"),
        (TIME, time(0, 0), "00:00"),
        (TIME, time(8, 0, 0, 5), "08:00:00.000005"),
        (DATETIME, datetime(2024, 2, 29, 0, 0), "2024-02-29T00:00"),
    ],
)
def test_there_is_one_text_which_is_read_back(declared: DeclaredType, value: object, text: str) -> None:
    own = kind(declared)
    assert own.check(value, "x") is value
    assert own.plain(value) == own.to_data(value) == text
    assert own.json(value) == f'"{text}"'
    assert own.read_plain(text) == own.read_json(text) == value
    assert own.read_data(text, "x") == own.read_word(text, "x") == value


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        (DATE, "2024-02-29"),
        (DATE, datetime(2024, 2, 29)),
        (DATE, time(8)),
        (DATETIME, date(2024, 2, 29)),
        (DATETIME, datetime(2024, 2, 29, tzinfo=UTC)),
        (TIME, time(8, tzinfo=UTC)),
        (DateType(minimum=date(2024, 1, 1)), date(2023, 12, 31)),
        (TimeType(maximum=time(18)), time(18, 0, 1)),
    ],
)
def test_what_is_of_another_type_or_range_is_refused(declared: DeclaredType, value: object) -> None:
    with pytest.raises(ArgumentError, match=r"^x "):
        kind(declared).check(value, "x")


@pytest.mark.parametrize(
    ("declared", "data"),
    [
        (DATE, "2024-02-30"),
        (DATE, "20240229"),
        (DATE, "2024-W09-4"),
        (DATE, "2024-02-29T08:30"),
        (DATE, 20240229),
        (TIME, "8:30"),
        (TIME, "08:30Z"),
        (DATETIME, "2024-02-29 08:30"),
        (DATETIME, "2024-02-29T08:30+01:00"),
    ],
)
def test_data_in_another_form_is_refused(declared: DeclaredType, data: object) -> None:
    with pytest.raises(ArgumentError, match=r"^x must be "):
        kind(declared).read_data(data, "x")


def test_a_subclass_becomes_a_plain_value() -> None:
    class Stamp(datetime):
        pass

    assert type(kind(DATETIME).check(Stamp(2024, 2, 29, 8), "x")) is datetime


def test_a_range_is_described_as_it_is_written() -> None:
    assert kind(DateType(minimum=date(2020, 1, 1))).describe() == "date(2020-01-01..)"
    assert kind(TimeType(minimum=time(8), maximum=time(18))).describe() == "time(08:00..18:00)"
