"""Decimals: which are values, how they are written and read, and what an answer may be."""

from __future__ import annotations

import re
from decimal import Decimal, localcontext

import numpy as np
import pytest

from microprompt.errors import ArgumentError
from microprompt.prompts.plan import make_plan
from microprompt.types import DecimalType, DeclaredType, ListType, kind
from microprompt.types.numerals import decimal_regex, decimal_width

MONEY = DecimalType(minimum=Decimal("0.00"), places=2)
OPEN = DecimalType()


@pytest.mark.parametrize(
    ("least", "most", "places"),
    [("-1.5", "2.0", 1), ("0.00", "0.99", 2), ("0.07", "1.1", 2), ("-3.14", "-2.71", 2), ("9.9", "100.5", 1)],
)
def test_a_grammar_has_the_numerals_of_its_range_and_no_others(least: str, most: str, places: int) -> None:
    low, high = Decimal(least), Decimal(most)
    pattern = re.compile(decimal_regex(low, high, places))
    longest = 0
    for units in range(-11000, 11000):
        text = format(Decimal(units).scaleb(-places), "f")
        inside = low <= Decimal(text) <= high
        assert bool(pattern.fullmatch(text)) is inside, text
        longest = max(longest, len(text) * inside)
    assert longest == decimal_width(low, high, places)
    for text in ("1", "1.", ".5", "01.00", "-0.00", "1.000", "+1.00"):
        assert not pattern.fullmatch(text)


def test_a_range_is_exact_whatever_the_program_has_made_of_its_context() -> None:
    low, high = Decimal("0.00"), Decimal("123456789012345.67")
    with localcontext(prec=3):
        pattern = re.compile(decimal_regex(low, high, 2))
        assert kind(MONEY).plain(high) == "123456789012345.67"
    assert pattern.fullmatch("123456789012345.67")
    assert not pattern.fullmatch("123456789012345.68")


@pytest.mark.parametrize(
    ("declared", "value", "text"),
    [
        (MONEY, Decimal("12.5"), "12.50"),
        (MONEY, Decimal("1E+3"), "1000.00"),
        (MONEY, Decimal("-0"), "0.00"),
        (OPEN, Decimal("12.50"), "12.50"),
        (OPEN, Decimal("-0.125"), "-0.125"),
    ],
)
def test_it_is_written_with_the_digits_of_its_type(declared: DeclaredType, value: Decimal, text: str) -> None:
    own = kind(declared)
    assert own.check(value, "x") is value
    assert own.plain(value) == own.json(value) == own.to_data(value) == text
    assert own.read_plain(text) == own.read_data(text, "x") == own.read_word(text, "x") == value


def test_whole_numbers_are_taken_and_floats_are_not() -> None:
    assert kind(MONEY).check(np.int64(3), "x") == Decimal(3)
    with pytest.raises(ArgumentError, match="not exact"):
        kind(MONEY).check(0.1, "x")


@pytest.mark.parametrize(
    "value",
    [True, None, "12.50", *map(Decimal, ("NaN", "Infinity", "-0.01", "0.005", "1E+15"))],
)
def test_what_is_no_value_is_refused(value: object) -> None:
    with pytest.raises(ArgumentError, match=r"^x "):
        kind(MONEY).check(value, "x")


def test_a_number_of_json_is_what_was_written_there() -> None:
    assert kind(MONEY).read_data(0.1, "x") == Decimal("0.1")
    for data in ("1e3", "1,50", True, None, ""):
        with pytest.raises(ArgumentError, match=r"^x must be decimal"):
            kind(MONEY).read_data(data, "x")


def test_what_a_model_wrote_keeps_its_digits_inside_a_list() -> None:
    plan = make_plan(ListType(item=DecimalType(minimum=Decimal("0.000"), places=3)))
    read = plan.kind.read_plain("[123456789012345.678, 1.100]")
    assert read == [Decimal("123456789012345.678"), Decimal("1.1")]
