"""What a pattern may hold, how long its texts are, and how Pydantic reads it."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import pytest
from pydantic import BaseModel, ValidationError

from microprompt.patterns import MAX_NESTED, MAX_PATTERN, MAX_TEXT, Pattern, PatternError

REFUSED = [
    ("(ab", "a `(` has no `)`"),
    ("ab)", "a `)` has no `(`"),
    ("[ab", "a `[` has no `]`"),
    ("[b-a]", "a range in a class ends before it begins"),
    (r"[\d-x]", r"a range cannot begin with `\d`"),
    ("[[:alpha:]]", r"in a class `[` is written `\[`"),
    ("[a&&b]", r"in a class `&&` is written `\&\&`"),
    ("*a", r"`*` has nothing to repeat; as text it is written `\*`"),
    ("a**", "a repetition is repeated; put the first into a group: `(?:a+)*`"),
    ("a*+", "a repetition is repeated; put the first into a group: `(?:a+)*`"),
    ("a{", r"a brace that is text is written `\{`"),
    ("a{3,2}", "nothing is from 3 to 2 times there"),
    ("a^b", "`^` stands inside; a pattern matches the whole text anyway"),
    ("(a$)b", "`$` stands inside; a pattern matches the whole text anyway"),
    ("(?=a)b", "look-around, including look-ahead and look-behind, is not supported"),
    ("(?<!a)b", "look-around, including look-ahead and look-behind, is not supported"),
    ("a(?i)b", "of the flags only `i` is supported, at the start or as `(?i:...)`"),
    ("(?x)a # b", "of the flags only `i` is supported, at the start or as `(?i:...)`"),
    ("(?>a)", "groups are `(...)` or `(?:...)`; others are not supported"),
    (r"(a)\1", "back-references are not supported"),
    (r"\bword", "word boundaries and other places without a character are not supported"),
    (r"\p{L}", r"`\p` means nothing here"),
    ("a\\", "`\\` means nothing here"),
    (r"\xg1", r"`\x` needs 2 hexadecimal digits of a character"),
    (r"\ud83d", r"`\ud83d` is half of a surrogate pair, which is no character"),
    ("(" * 51 + ")" * 51, "its groups are more than 50 deep"),
    ("a" * (MAX_PATTERN + 1), "it has 1,001 characters; 1,000 are allowed"),
    ("(.{1,100}){1,100}", "its counts inside one another make 10,000 characters of it; 500 are allowed"),
]


@pytest.mark.parametrize(("pattern", "reason"), REFUSED)
def test_what_a_pattern_may_not_hold_is_refused_with_a_reason(pattern: str, reason: str) -> None:
    with pytest.raises(PatternError) as caught:
        Pattern(pattern).require_use()
    assert caught.value.reason.startswith(reason)
    assert not caught.value.never


@pytest.mark.parametrize("pattern", [f"a{{{MAX_TEXT + 1}}}", r"[^\s\S]", r"a[^\w\W]b", "(a{150}){2}|b{300}"])
def test_a_pattern_that_nothing_matches_is_of_no_use(pattern: str) -> None:
    with pytest.raises(PatternError) as caught:
        Pattern(pattern).require_use()
    assert caught.value.never


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "",
            "a|",
            "^a|b$",
            "(?i)^a$",
            "(?P<name>a)",
            "a??",
            "x{2}?",
            "[]a]",
            "[^]a]",
            "[a-]",
            "}",
            "]",
            r"\U0001f600",
        ),
        *(
            "(" * 50 + ")" * 50,
            "a" * MAX_PATTERN,
            r"(\w{1,30} ){1,10}",
            "(a?){100}",
            f"(.{{1,{MAX_NESTED // 20}}}){{20}}",
        ),
    ],
)
def test_what_a_pattern_may_hold(pattern: str) -> None:
    if Pattern(pattern).shortest <= MAX_TEXT:
        Pattern(pattern).require_use()


@pytest.mark.parametrize(
    ("pattern", "shortest", "longest", "bytes_", "json_bytes"),
    [
        ("[0-9]{4}-[0-9]{2}", 7, 7, 7, 7),
        (r"\d{4}", 4, 4, 16, 16),
        ("yes|no|", 0, 3, 3, 3),
        ("[a-zé]{2,3}", 2, 3, 6, 6),
        ('"[a-z]"', 3, 3, 3, 5),
        (r"[\x00-\x04]", 1, 1, 1, 6),
        ("(?i)k", 1, 1, 1, 1),
        ("a+b?", 1, 200, 200, 200),
        (".*", 0, 200, 800, 1200),
        ("(a{0,999}){3,9999}", 0, 200, 200, 200),
    ],
)
def test_texts_are_as_long_as_what_they_are_made_of(
    pattern: str, shortest: int, longest: int, bytes_: int, json_bytes: int
) -> None:
    found = Pattern(pattern)
    assert (found.shortest, found.longest) == (shortest, longest)
    assert (found.longest_bytes, found.longest_json_bytes) == (bytes_, json_bytes)


class Tag(BaseModel):
    name: Annotated[str, Pattern(r"\w+")]


def test_a_field_of_pydantic_is_checked_by_the_same_meaning() -> None:
    assert Tag(name="Müller").name == "Müller"
    with pytest.raises(ValidationError, match="String should match pattern '\\\\w\\+'"):
        Tag(name="a b")
    assert Tag.model_json_schema()["properties"]["name"]["pattern"] == r"^(?:\w+)$"


def test_half_of_a_surrogate_pair_matches_nothing() -> None:
    assert not Pattern(".").matches("\ud83d")


def test_a_class_with_a_pattern_is_made_without_reading_it() -> None:
    text = (
        "import sys; from typing import Annotated; from microprompt.records import Record, Pattern\n"
        r"class Advert(Record): line: Annotated[str, Pattern(r'(\w{1,30} ){1,10}')]"
        "\nassert 'llguidance' not in sys.modules\nAdvert(line='one two ')"
    )
    subprocess.run([sys.executable, "-c", text], check=True)
