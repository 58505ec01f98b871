"""Values as the model sees them, and back."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microprompt import abi
from microprompt.errors import ArgumentError
from microprompt.records import Record
from microprompt.types import (
    BoolType,
    DeclaredType,
    EnumType,
    FloatType,
    IntType,
    ListType,
    LiteralType,
    OptionalType,
    PatternType,
    StrType,
    kind,
    type_of,
)
from microprompt.types.numbers import decimal_text

from .programs import ACT, INNER, OUTER, Act, Inner, Outer

TEXT = StrType()
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


class Word(StrEnum):
    none = "none"
    null = "null"


abi.words(Word, none=abi.Words(label="nothing"), null=abi.Words(label="zero"))

NONE = EnumType(python=Word)
TICKET = Outer(inner=Inner(act=Act.other, urgency=5), note='a "b" \\ 🙂', paid=None, tags=["x", 'y"', "z\\"])
BOTH_WAYS: Sequence[tuple[object, DeclaredType]] = [
    *((text, TEXT) for text in TEXTS),
    *((text, OptionalType(item=TEXT)) for text in TEXTS),
    (None, OptionalType(item=TEXT)),
    (Act.question, ACT),
    (Act.other, ACT),
    (None, OptionalType(item=ACT)),
    ("no idea", LiteralType(values=("sure", "no idea"))),
    (True, BoolType()),
    (False, OptionalType(item=BoolType())),
    (-12, IntType()),
    (0.25, FloatType()),
    (1e15, FloatType()),
    (-3.0, OptionalType(item=FloatType())),
    ([], ListType(item=TEXT)),
    ([TEXTS, []], ListType(item=ListType(item=TEXT))),
    ([True, None], ListType(item=OptionalType(item=BoolType()))),
    (TICKET, OUTER),
    (None, OptionalType(item=OUTER)),
    ([TICKET, TICKET], ListType(item=OUTER)),
]


@pytest.mark.parametrize(("value", "declared"), BOTH_WAYS)
def test_plain_text_reads_back_as_the_value(value: object, declared: DeclaredType) -> None:
    assert kind(declared).read_plain(kind(declared).plain(value)) == value


@pytest.mark.parametrize(("value", "declared"), BOTH_WAYS)
def test_json_reads_back_as_the_value(value: object, declared: DeclaredType) -> None:
    assert kind(declared).read_json(json.loads(kind(declared).json(value))) == value


@given(st.text())
def test_any_text_goes_both_ways(text: str) -> None:
    assert kind(TEXT).read_plain(kind(TEXT).plain(text)) == text
    assert kind(TEXT).read_json(json.loads(kind(TEXT).json(text))) == text


@pytest.mark.parametrize(
    ("value", "declared", "text"),
    [
        ('say "hi"', TEXT, 'say "hi"'),
        (True, BoolType(), "yes"),
        (None, OptionalType(item=TEXT), "none"),
        (Act.other, ACT, "something else"),
        (2.50, FloatType(), "2.5"),
        (3, FloatType(), "3.0"),
        (["a", "ü"], ListType(item=TEXT), '["a", "ü"]'),
        (Inner(act=Act.other, urgency=2), INNER, '{"act": "something else", "how urgent": 2}'),
    ],
)
def test_plain_notation(value: object, declared: DeclaredType, text: str) -> None:
    assert kind(declared).plain(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1 + 0.2, "0.30000000000000004"),
        (1e-9, "0.000000001"),
        (-1.5e-7, "-0.00000015"),
        (5e-324, "5e-324"),
        (1e300, "1e+300"),
        (-0.0, "0.0"),
        (1e20, "100000000000000000000.0"),
        (-2.0, "-2.0"),
    ],
)
def test_numbers_have_all_their_digits_and_an_exponent_only_if_they_are_long(value: float, text: str) -> None:
    assert decimal_text(value) == text


def test_json_data_uses_the_programs_names() -> None:
    assert kind(OUTER).to_data(TICKET) == {
        "inner": {"act": "other", "urgency": 5},
        "note": 'a "b" \\ 🙂',
        "paid": None,
        "tags": ["x", 'y"', "z\\"],
    }


@pytest.mark.parametrize(("value", "declared"), BOTH_WAYS)
def test_check_accepts_a_value_of_its_type(value: object, declared: DeclaredType) -> None:
    assert kind(declared).check(value, "it") == value


@pytest.mark.parametrize(
    ("value", "declared", "message"),
    [
        (1, TEXT, "it must be str, not int 1"),
        (True, IntType(), "it must be int, not bool True"),
        (1.0, IntType(), "it must be int, not float 1.0"),
        (True, FloatType(), "it must be float, not bool True"),
        (1, BoolType(), "it must be bool, not int 1"),
        ("question", ACT, "it must be Act, not str 'question'"),
        ("maybe", LiteralType(values=("yes", "no")), 'it must be "yes" | "no", not str \'maybe\''),
        (["a"], LiteralType(values=("yes", "no")), 'it must be "yes" | "no", not list [\'a\']'),
        ({}, INNER, "it must be Inner, not dict {}"),
        ("ab", ListType(item=TEXT), "it must be list[str], not str 'ab'"),
        (["a", 2], ListType(item=TEXT), "it[1] must be str, not int 2"),
        (None, TEXT, "it must be str, not NoneType None"),
        (2, OptionalType(item=TEXT), "it must be str, not int 2"),
        (6, IntType(minimum=1, maximum=5), "it is 6; 1..5 is allowed"),
        (0, IntType(minimum=1), "it is 0; 1.. is allowed"),
        (0.5, FloatType(maximum=0.25), "it is 0.5; ..0.25 is allowed"),
        (math.nan, FloatType(), "it is nan; .. is allowed"),
        (math.inf, FloatType(minimum=0), "it is inf; 0.. is allowed"),
        ("abc", StrType(max_length=2), "it has 3 characters; ..2 are allowed"),
        ("", StrType(min_length=1), "it has 0 characters; 1.. are allowed"),
        ("a1", PatternType(pattern="[a-z]+"), "it does not match /[a-z]+/: str 'a1'"),
        ("٣\n", PatternType(pattern=r"\d."), r"it does not match /\d./: str '٣\n'"),
        (10**400, FloatType(), "it is larger than any float"),
        ([], ListType(item=TEXT, min_count=1, max_count=3), "it has 0 items; 1..3 are allowed"),
        ("half \ud83d", TEXT, "it has half of a surrogate pair at character 5, which is no text"),
    ],
)
def test_check_refuses_and_says_what_it_wants(value: object, declared: DeclaredType, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        kind(declared).check(value, "it")
    assert caught.value.message == message


def test_long_values_are_cut_in_messages() -> None:
    with pytest.raises(ArgumentError) as caught:
        kind(IntType()).check("x" * 1000, "it")
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        (StrType(min_length=1, max_length=80), "str(1..80)"),
        (PatternType(pattern=r"\d+"), r"str(/\d+/)"),
        (OptionalType(item=LiteralType(values=("a", "b"))), '("a" | "b")?'),
        (ListType(item=IntType(minimum=0), max_count=3), "list[int(0..)](..3)"),
        (OptionalType(item=OUTER), "Outer?"),
    ],
)
def test_types_are_described_in_the_languages_notation(declared: DeclaredType, text: str) -> None:
    assert kind(declared).describe() == text


class Markup(str):
    """What template engines give: text whose `str` is another text."""

    def __str__(self) -> str:
        return f"<b>{super().__str__()}</b>"


class Grams(float):
    pass


@pytest.mark.parametrize(
    ("value", "declared", "taken"),
    [
        (Markup("tea"), TEXT, "tea"),
        (np.str_("tea"), TEXT, "tea"),
        (Markup("a"), LiteralType(values=("a", "b")), "a"),
        (np.int64(3), IntType(minimum=0, maximum=5), 3),
        (np.float64(0.1), FloatType(), 0.1),
        (Grams(2), FloatType(), 2.0),
        (3, FloatType(), 3.0),
        (np.bool_(True), BoolType(), True),
        ((np.int64(1), 2), ListType(item=IntType()), [1, 2]),
        (
            Inner(act=Act.other, urgency=np.int64(2)),  # type: ignore[arg-type]  # as in untyped code
            INNER,
            Inner(act=Act.other, urgency=2),
        ),
    ],
)
def test_check_takes_subclasses_and_numpys_scalars_by_their_value(
    value: object, declared: DeclaredType, taken: object
) -> None:
    found = kind(declared).check(value, "it")
    assert found == taken
    assert type(found) is type(taken)


@pytest.mark.parametrize("value", [np.bool_(True), np.float64(1.0), "1", np.array([1])])
def test_what_is_no_integer_is_refused(value: object) -> None:
    with pytest.raises(ArgumentError, match="it must be int, not "):
        kind(IntType()).check(value, "it")


def test_a_value_that_is_right_already_is_not_copied() -> None:
    assert kind(OUTER).check(TICKET, "it") is TICKET


CHANGED: Sequence[tuple[dict[str, object], str]] = [
    ({"inner": Inner(act=Act.other, urgency=9)}, "it.inner.urgency is 9; 1..5 is allowed"),
    ({"inner": Inner(act="other", urgency=1)}, "it.inner.act must be Act, not str 'other'"),  # type: ignore[arg-type]
    ({"tags": None}, "it.tags must be list[str(1..8)](..3), not NoneType None"),
    ({"tags": ["a", 1]}, "it.tags[1] must be str(1..8), not int 1"),
    ({"note": "x" * 21}, "it.note has 21 characters; ..20 are allowed"),
    ({"paid": "no"}, "it.paid must be bool, not str 'no'"),
]


@pytest.mark.parametrize(("change", "message"), CHANGED, ids=lambda case: "".join(case))
def test_records_are_checked_in_depth(change: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        kind(OUTER).check(replace(TICKET, **change), "it")  # type: ignore[arg-type]  # on purpose
    assert caught.value.message == message


def test_pydantic_records_are_checked_in_depth_too() -> None:
    class Note(Record):
        tags: list[str]

    declared = kind(type_of(Note))
    changed = Note(tags=["a"])
    changed.tags.append(1)  # type: ignore[arg-type]  # on purpose
    for wrong in (changed, Note(tags=[]).model_copy(update={"tags": "ab"}), Note.model_construct()):
        with pytest.raises(ArgumentError, match=r"it\.tags"):
            declared.check(wrong, "it")


@pytest.mark.parametrize(
    ("declared", "keys"),
    [
        (LiteralType(values=("null", "yes")), ["null", "yes", "none"]),
        (BoolType(), ["true", "false", "none"]),
        (IntType(minimum=1, maximum=2), ["1", "2", "none"]),
        (NONE, ["none", "null", "(none)"]),
    ],
)
def test_no_two_values_of_an_optional_choice_have_the_same_key(
    declared: DeclaredType, keys: list[str]
) -> None:
    found = kind(OptionalType(item=declared))
    assert [found.key(value) for value in found.options() or ()] == keys


@pytest.mark.parametrize(
    ("word", "declared", "value"),
    [
        ("none", OptionalType(item=TEXT), None),
        ("Yes", BoolType(), True),
        ("-3", IntType(), -3),
        ("1e3", FloatType(), 1000.0),
        ("other", ACT, Act.other),
        ('["a"]', ListType(item=TEXT), ["a"]),
        ('{"act": "other", "urgency": 1}', INNER, Inner(act=Act.other, urgency=1)),
    ],
)
def test_words_of_a_command_line_are_read_by_the_type(
    word: str, declared: DeclaredType, value: object
) -> None:
    assert kind(declared).read_word(word, "it") == value


@pytest.mark.parametrize(
    ("word", "declared", "message"),
    [
        ("maybe", BoolType(), 'it must be bool, not "maybe"'),
        ("x", IntType(), 'it must be int, not "x"'),
        ("something else", ACT, 'it is "something else": not in Act'),
        ("[1", ListType(item=TEXT), "it must be list[str], written as JSON: "),
        ("[1]", ListType(item=TEXT), "it[0] must be str, not 1"),
        ("[" * 100_000, ListType(item=TEXT), "it must be list[str], written as JSON: "),
        ('{"acts": 1}', INNER, "it has no field `acts`"),
        ('{"act": "other"}', INNER, "it: Inner.__init__() missing 1 required positional argument"),
    ],
)
def test_words_that_are_not_of_the_type_are_refused(word: str, declared: DeclaredType, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        kind(declared).read_word(word, "it")
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(("value", "declared"), BOTH_WAYS)
def test_data_reads_back_as_the_value(value: object, declared: DeclaredType) -> None:
    data = json.loads(json.dumps(kind(declared).to_data(value)))
    assert kind(declared).read_data(data, "it") == value
