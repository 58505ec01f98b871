"""The regular expression of a numeric range matches its numbers and no others."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from microprompt.abi import FLOAT_DIGITS, INT_DIGITS
from microprompt.types.numbers import decimal_text
from microprompt.types.numerals import float_regex, int_regex, numeral_width

FEW = settings(max_examples=300, deadline=None, derandomize=True)
INTS = st.one_of(st.integers(-120, 120), st.integers(-(10**7), 10**7), st.integers(-(10**15), 10**15))
MICROS = st.one_of(
    st.integers(-30, 30),
    st.integers(-3_000_000, 3_000_000),
    st.integers(-3000, 3000).map(lambda whole: whole * 1_000_000),
    st.integers(-(10**12), 10**12),
)
"""Decimals in units of the last digit that is written."""


def matches(regex: str, text: str) -> bool:
    return re.fullmatch(regex, text) is not None


def turning_points(span: int, *ends: int) -> st.SearchStrategy[int]:
    """Numbers where the ends of a range, and of what an open one is given, lie."""
    centres = {0, span, -span, *ends, *(end + sign * span for end in ends for sign in (1, -1))}
    return st.builds(int.__add__, st.sampled_from(sorted(centres)), st.integers(-12, 12))


def near(*centres: int) -> st.SearchStrategy[int]:
    """Numbers at and around those that decide."""
    return st.one_of(*(st.integers(centre - 12, centre + 12) for centre in centres))


@FEW
@given(st.data(), INTS, INTS)
def test_int_range_matches_exactly_its_integers(data: st.DataObject, one: int, two: int) -> None:
    least, most = sorted((one, two))
    found = data.draw(st.one_of(near(least, most, 0), INTS, st.integers(least, most)))
    assert matches(int_regex(least, most), str(found)) == (least <= found <= most)


@FEW
@given(INTS, INTS)
def test_open_int_ranges_match_one_side(limit: int, found: int) -> None:
    if abs(found) < 10**INT_DIGITS:
        assert matches(int_regex(limit, None), str(found)) == (limit <= found)
        assert matches(int_regex(None, limit), str(found)) == (found <= limit)


@pytest.mark.parametrize(
    "text", ["", "-", "-0", "00", "01", "-01", "+1", "1.0", "1e3", " 1", "٣", "1" * (INT_DIGITS + 1)]
)
def test_int_numerals_have_one_form(text: str) -> None:
    assert not matches(int_regex(None, None), text)


@pytest.mark.parametrize("found", [0, -1, 10**INT_DIGITS - 1, -(10**INT_DIGITS) + 1])
def test_open_int_range_goes_to_the_last_digit(found: int) -> None:
    assert matches(int_regex(None, None), str(found))


def micros(units: int) -> Decimal:
    return Decimal(units).scaleb(-FLOAT_DIGITS)


def writings(units: int) -> list[str]:
    """A number with as few and as many decimals as it can have."""
    full = f"{abs(units) // 10**FLOAT_DIGITS}.{abs(units) % 10**FLOAT_DIGITS:0{FLOAT_DIGITS}}"
    sign = "-" if units < 0 else ""
    found = [sign + full]
    while full.endswith("0"):
        full = full[:-1].removesuffix(".")
        found.append(sign + full)
        if "." not in full:
            break
    return found


@FEW
@given(st.data(), MICROS, MICROS)
@example(data=None, one=0, two=1)
def test_float_range_matches_exactly_its_numbers(data: st.DataObject | None, one: int, two: int) -> None:
    least, most = sorted((one, two))
    regex = float_regex(float(micros(least)), float(micros(most)))
    if data is None:
        candidates = range(-2, 4)
        for found in candidates:
            assert all(matches(regex, text) == (least <= found <= most) for text in writings(found))
        return
    found = data.draw(st.one_of(near(least, most, 0), MICROS, st.integers(least, most)))
    for text in writings(found):
        assert matches(regex, text) == (least <= found <= most), text


@FEW
@given(MICROS, MICROS)
def test_open_float_ranges_match_one_side(limit: int, found: int) -> None:
    for text in writings(found):
        assert matches(float_regex(float(micros(limit)), None), text) == (limit <= found)
        assert matches(float_regex(None, float(micros(limit))), text) == (found <= limit)


@pytest.mark.parametrize(
    "text", ["", ".", "1.", ".5", "-0", "-0.0", "-.5", "00.5", "01", "1e3", "0.1234567", "nan"]
)
def test_float_numerals_have_one_form_but_for_zeros_at_the_end(text: str) -> None:
    assert not matches(float_regex(None, None), text)


@FEW
@given(MICROS)
def test_what_is_shown_of_an_answer_is_a_numeral(units: int) -> None:
    assert matches(float_regex(None, None), decimal_text(float(micros(units))))


@FEW
@given(st.data(), st.none() | INTS, st.none() | INTS)
def test_no_int_is_wider_than_said(data: st.DataObject, least: int | None, most: int | None) -> None:
    if least is not None and most is not None and least > most:
        least, most = most, least
    ends = [end for end in (least, most) if end is not None]
    span = 10**INT_DIGITS
    found = data.draw(turning_points(span, *ends))
    if matches(int_regex(least, most), str(found)):
        assert len(str(found)) <= numeral_width(least, most, decimals=False)


@FEW
@given(st.data(), st.none() | MICROS, st.none() | MICROS)
def test_no_float_is_wider_than_said(data: st.DataObject, least: int | None, most: int | None) -> None:
    if least is not None and most is not None and least > most:
        least, most = most, least
    low = None if least is None else float(micros(least))
    high = None if most is None else float(micros(most))
    ends = [end for end in (least, most) if end is not None]
    span = 10 ** (INT_DIGITS + FLOAT_DIGITS)
    found = data.draw(turning_points(span, *ends))
    for text in writings(found):
        if matches(float_regex(low, high), text):
            assert len(text) <= numeral_width(low, high, decimals=True)


def test_limits_with_more_decimals_than_are_written_are_rounded_inwards() -> None:
    regex = float_regex(0.1234567, 0.1234581)
    assert [text for text in ("0.123456", "0.123457", "0.123458", "0.123459") if matches(regex, text)] == [
        "0.123457",
        "0.123458",
    ]
