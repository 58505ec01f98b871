"""Values as the model sees them, and back."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microprompt import abi
from microprompt.errors import ArgumentError
from microprompt.types.values import as_json, check, describe, from_json, from_plain, number, plain, to_json

from .programs import ACT, INNER, OUTER, Act, Inner, Outer

TEXT = abi.StrType()
TEXTS = [
    "",
    "plain",
    'a "quote"',
    "back\\slash",
    "new\nline\ttab",
    "naïve café",
    "日本語",
    "🙂👩‍👩‍👧",
    "\u2028\x7f",
    "null",
]
TICKET = Outer(inner=Inner(act=Act.other, urgency=5), note='a "b" \\ 🙂', paid=None, tags=["x", 'y"', "z\\"])
BOTH_WAYS: Sequence[tuple[object, abi.Type]] = [
    *((text, TEXT) for text in TEXTS),
    *((text, abi.OptionalType(item=TEXT)) for text in TEXTS),
    (None, abi.OptionalType(item=TEXT)),
    (Act.question, ACT),
    (Act.other, ACT),
    (None, abi.OptionalType(item=ACT)),
    ("no idea", abi.LiteralType(values=("sure", "no idea"))),
    (True, abi.BoolType()),
    (False, abi.OptionalType(item=abi.BoolType())),
    (-12, abi.IntType()),
    (0.25, abi.FloatType()),
    (1e15, abi.FloatType()),
    (-3.0, abi.OptionalType(item=abi.FloatType())),
    ([], abi.ListType(item=TEXT)),
    ([TEXTS, []], abi.ListType(item=abi.ListType(item=TEXT))),
    ([True, None], abi.ListType(item=abi.OptionalType(item=abi.BoolType()))),
    (TICKET, OUTER),
    (None, abi.OptionalType(item=OUTER)),
    ([TICKET, TICKET], abi.ListType(item=OUTER)),
]


@pytest.mark.parametrize(("value", "declared"), BOTH_WAYS)
def test_plain_text_reads_back_as_the_value(value: object, declared: abi.Type) -> None:
    assert from_plain(plain(value, declared), declared) == value


@pytest.mark.parametrize(("value", "declared"), BOTH_WAYS)
def test_json_reads_back_as_the_value(value: object, declared: abi.Type) -> None:
    assert from_json(json.loads(as_json(value, declared)), declared) == value


@given(st.text())
def test_any_text_goes_both_ways(text: str) -> None:
    assert from_plain(plain(text, TEXT), TEXT) == text
    assert from_json(json.loads(as_json(text, TEXT)), TEXT) == text


@pytest.mark.parametrize(
    ("value", "declared", "text"),
    [
        ('say "hi"', TEXT, 'say "hi"'),
        (True, abi.BoolType(), "yes"),
        (None, abi.OptionalType(item=TEXT), "none"),
        (Act.other, ACT, "something else"),
        (2.50, abi.FloatType(), "2.5"),
        (3, abi.FloatType(), "3.0"),
        (["a", "ü"], abi.ListType(item=TEXT), '["a", "ü"]'),
        (Inner(act=Act.other, urgency=2), INNER, '{"act": "something else", "how urgent": 2}'),
    ],
)
def test_plain_notation(value: object, declared: abi.Type, text: str) -> None:
    assert plain(value, declared) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1 + 0.2, "0.3"),
        (1e-9, "0.0"),
        (-1e-9, "0.0"),
        (-0.0, "0.0"),
        (1e20, "100000000000000000000.0"),
        (-2, "-2.0"),
    ],
)
def test_numbers_have_no_exponent_and_no_negative_zero(value: float, text: str) -> None:
    assert number(value) == text


def test_json_data_uses_the_programs_names() -> None:
    assert to_json(TICKET) == {
        "inner": {"act": "other", "urgency": 5},
        "note": 'a "b" \\ 🙂',
        "paid": None,
        "tags": ["x", 'y"', "z\\"],
    }


@pytest.mark.parametrize(("value", "declared"), BOTH_WAYS)
def test_check_accepts_a_value_of_its_type(value: object, declared: abi.Type) -> None:
    check(value, declared, "it")


@pytest.mark.parametrize(
    ("value", "declared", "message"),
    [
        (1, TEXT, "it must be str, not int 1"),
        (True, abi.IntType(), "it must be int, not bool True"),
        (1.0, abi.IntType(), "it must be int, not float 1.0"),
        (True, abi.FloatType(), "it must be float, not bool True"),
        (1, abi.BoolType(), "it must be bool, not int 1"),
        ("question", ACT, "it must be Act, not str 'question'"),
        ("maybe", abi.LiteralType(values=("yes", "no")), 'it must be "yes" | "no", not str \'maybe\''),
        (["a"], abi.LiteralType(values=("yes", "no")), 'it must be "yes" | "no", not list [\'a\']'),
        ({}, INNER, "it must be Inner, not dict {}"),
        ("ab", abi.ListType(item=TEXT), "it must be list[str], not str 'ab'"),
        (["a", 2], abi.ListType(item=TEXT), "it[1] must be str, not int 2"),
        (None, TEXT, "it must be str, not NoneType None"),
        (2, abi.OptionalType(item=TEXT), "it must be str, not int 2"),
        (6, abi.IntType(minimum=1, maximum=5), "it is 6; 1..5 is allowed"),
        (0, abi.IntType(minimum=1), "it is 0; 1.. is allowed"),
        (0.5, abi.FloatType(maximum=0.25), "it is 0.5; ..0.25 is allowed"),
        (math.nan, abi.FloatType(), "it is nan; .. is allowed"),
        (math.inf, abi.FloatType(minimum=0), "it is inf; 0.. is allowed"),
        ("abc", abi.StrType(max_length=2), "it has 3 characters; ..2 are allowed"),
        ("", abi.StrType(min_length=1), "it has 0 characters; 1.. are allowed"),
        ("a1", abi.StrType(pattern="[a-z]+"), "it does not match /[a-z]+/: str 'a1'"),
        ("٣", abi.StrType(pattern=r"\d"), r"it does not match /\d/: str '٣'"),
        ([], abi.ListType(item=TEXT, min_count=1, max_count=3), "it has 0 items; 1..3 are allowed"),
        ("half \ud83d", TEXT, "it has half of a surrogate pair at character 5, which is no text"),
    ],
)
def test_check_refuses_and_says_what_it_wants(value: object, declared: abi.Type, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        check(value, declared, "it")
    assert caught.value.message == message


def test_long_values_are_cut_in_messages() -> None:
    with pytest.raises(ArgumentError) as caught:
        check("x" * 1000, abi.IntType(), "it")
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        (abi.StrType(min_length=1, max_length=80), "str(1..80)"),
        (abi.StrType(pattern=r"\d+"), r"str(/\d+/)"),
        (abi.OptionalType(item=abi.LiteralType(values=("a", "b"))), '("a" | "b")?'),
        (abi.ListType(item=abi.IntType(minimum=0), max_count=3), "list[int(0..)](..3)"),
        (abi.OptionalType(item=OUTER), "Outer?"),
    ],
)
def test_types_are_described_in_the_languages_notation(declared: abi.Type, text: str) -> None:
    assert describe(declared) == text
