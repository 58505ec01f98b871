"""Return types as Outlines types."""

from __future__ import annotations

import json
from typing import Literal

import pytest
from outlines.types import JsonSchema
from outlines.types.dsl import python_types_to_terms

from microprompt.types import (
    BoolType,
    DeclaredType,
    FloatType,
    IntType,
    LiteralType,
    PatternType,
    StrType,
    outlines_type,
)

from .programs import ACT, OUTER


@pytest.mark.parametrize(
    ("returns", "right", "wrong"),
    [
        (ACT, ["question", "other"], ["something else", "Question"]),
        (LiteralType(values=("a.b", 'c "d"')), ["a.b", 'c "d"'], ["axb"]),
        (BoolType(), ["True", "False"], ["yes"]),
        (IntType(minimum=-3, maximum=12), ["-3", "0", "12"], ["13", "-4", "01"]),
        (FloatType(minimum=0, maximum=1), ["0.5", "1", "0.0"], ["1.1", "-0.1"]),
        (StrType(min_length=2, max_length=3), ["ab", "é🙂x"], ["a", "abcd", "a\nb"]),
        (PatternType(pattern=r"[A-Z]\d?"), ["A", "B7"], ["a", "A77"]),
        (StrType(), ["", "x" * 200], ["x" * 201]),
    ],
)
def test_scalars_match_their_texts_and_no_others(
    returns: DeclaredType, right: list[str], wrong: list[str]
) -> None:
    term = python_types_to_terms(outlines_type(returns))
    assert [text for text in right + wrong if term.matches(text)] == right


def test_an_enum_is_a_literal_of_its_names() -> None:
    assert outlines_type(ACT) == Literal["question", "command", "other"]


def test_a_record_is_a_closed_schema() -> None:
    found = outlines_type(OUTER)
    assert isinstance(found, JsonSchema)
    schema = json.loads(found.schema)
    assert schema["required"] == ["inner", "note", "paid", "tags"]
    assert schema["additionalProperties"] is schema["properties"]["inner"]["additionalProperties"] is False
    assert schema["properties"]["paid"] == {"anyOf": [{"type": "boolean"}, {"type": "null"}]}
    assert schema["properties"]["tags"] == {
        "type": "array",
        "items": {"type": "string", "minLength": 1, "maxLength": 8},
        "minItems": 0,
        "maxItems": 3,
    }
    assert schema["properties"]["inner"]["properties"]["act"] == {"enum": ["question", "command", "other"]}
