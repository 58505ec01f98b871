"""Structured text is laid out for reading, and what is no text is refused."""

from __future__ import annotations

import math

import pytest
from pydantic import TypeAdapter, ValidationError

from microprompt.systemone.structured import MAX_DEPTH, StructuredText, laid_out

READ: TypeAdapter[object] = TypeAdapter(StructuredText)


def test_a_string_stands_as_it_is() -> None:
    assert laid_out(" two\nlines <|im_end|> ") == " two\nlines <|im_end|> "


def test_objects_and_arrays_have_a_line_for_each_part() -> None:
    customer = {"plan": "pro", "tickets": [1, None]}
    found = laid_out({"subject": "Charged twice", "customer": customer, "new": True})
    assert found == "\n".join(
        (
            "subject: Charged twice",
            "customer:",
            "  plan: pro",
            "  tickets:",
            "    - 1",
            "    - none",
            "new: true",
        )
    )


def test_the_lines_of_a_part_are_indented() -> None:
    assert laid_out(["one\ntwo", []]) == "- one\n  two\n- none"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1, "text_type"),
        (None, "text_type"),
        ({"a": math.inf}, "finite_number"),
        ([10**2000], "number_size"),
        ("\ud800", "string_unicode"),
        ({"\udfff": 1}, "string_unicode"),
        ({1: 2}, "key_type"),
        ([object()], "json_type"),
    ],
)
def test_what_is_no_text_is_refused(value: object, kind: str) -> None:
    with pytest.raises(ValidationError) as found:
        READ.validate_python(value)
    assert [error["type"] for error in found.value.errors()] == [kind]


def test_nesting_has_a_limit() -> None:
    inside: object = "x"
    for _ in range(MAX_DEPTH):
        inside = [inside]
    READ.validate_python(inside)
    with pytest.raises(ValidationError, match="32 levels"):
        READ.validate_python([inside])
