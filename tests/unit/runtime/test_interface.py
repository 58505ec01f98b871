"""What functions say of themselves to other programs."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated

import jsonschema
import pytest

from microprompt import PromptFunction, abi, flow, interface, prompt
from microprompt.records import Field, Record
from microprompt.types import (
    DateType,
    DecimalType,
    DeclaredType,
    DictType,
    IntType,
    ListType,
    OptionalType,
    PatternType,
    StrType,
    TimeType,
    UnionType,
    kind,
)

from .programs import ACT, OUTER, Act, classify
from .replies import lookup

LONG = "x" * 5_000
ANY = StrType()


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        (ANY, LONG),
        (ListType(item=ANY), [LONG] * 50),
        (DictType(value=ANY), {str(number): LONG for number in range(50)}),
        (OptionalType(item=ANY), LONG),
        (UnionType(items=(ACT, IntType(), OUTER)), 10**30),
        (TimeType(), dt.time(8, 30, 15, 123456)),
        (DecimalType(), Decimal("123456789012345.123456789")),
        (PatternType(pattern=r"\w+"), "Müller"),
    ],
)
def test_what_has_no_bound_for_arguments_has_none_in_the_schema(
    declared: DeclaredType, value: object
) -> None:
    found = kind(declared)
    jsonschema.validate(found.to_data(found.check(value, "it")), found.schema())


@pytest.mark.parametrize(
    ("declared", "data"),
    [
        (StrType(min_length=2, max_length=3), "abcd"),
        (ListType(item=IntType(maximum=5), max_count=2), [1, 2, 3]),
        (ListType(item=IntType(maximum=5)), [6]),
        (DateType(), "tomorrow"),
        (ACT, "something else"),
        (OUTER, {"inner": {"act": "other", "urgency": 1}, "note": "", "paid": None}),
        (OUTER, {"inner": {"act": "other", "urgency": 1}, "note": "", "paid": None, "tags": [], "more": 1}),
    ],
)
def test_what_is_not_of_the_type_is_not_as_the_schema_has_it(declared: DeclaredType, data: object) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, kind(declared).schema())


def test_the_meanings_of_names_and_fields_are_in_the_schema_under_the_names_of_the_program() -> None:
    assert kind(ACT).schema() == {
        "type": "string",
        "enum": ["question", "command", "other"],
        "description": "- question: asks for something",
    }
    assert kind(OUTER).schema()["properties"]["note"] == {  # type: ignore[index]  # an object
        "type": "string",
        "minLength": 0,
        "maxLength": 20,
        "description": "few words",
    }


def test_a_range_that_a_schema_cannot_say_is_described() -> None:
    assert kind(DateType(minimum=dt.date(2024, 1, 1))).schema()["description"] == "2024-01-01.."


class Ticket(Record):
    subject: Annotated[str, Field(max_length=80)]


@prompt
def route(ticket: Ticket, urgent: Act = Act.other, notes: list[str] = []) -> Act:  # noqa: B006 - as generated
    """Route it.

    Ticket: {ticket}
    """
    raise NotImplementedError


route.body = abi.Body(source="x.mp", line=1, instruction="Route it.", input=("?",), cue="Answer:")


@flow
def undescribed(text: str) -> Act:
    return classify(text)  # type: ignore[return-value]  # it is one


undescribed.body = abi.Flow(source="x.mp", line=1)


def test_arguments_are_an_object_with_defaults_as_data() -> None:
    found = interface.input_schema(route)
    assert found["required"] == ["ticket"]
    assert found["additionalProperties"] is False
    assert found["properties"]["urgent"]["default"] == "other"  # type: ignore[index]  # an object
    assert found["properties"]["notes"] == {  # type: ignore[index]  # an object
        "type": "array",
        "items": {"type": "string", "minLength": 0},
        "minItems": 0,
        "default": [],
    }
    jsonschema.Draft202012Validator.check_schema(found)


def test_a_function_is_described_by_its_english() -> None:
    assert interface.description(route) == "Route it."
    assert interface.title(route) == "Route"
    assert interface.description(undescribed) is None
    assert isinstance(route, PromptFunction)


def test_a_flow_has_effects_if_a_function_of_python_is_on_its_way() -> None:
    assert interface.has_effects(lookup)
    assert interface.has_effects(looks_up)
    assert not interface.has_effects(undescribed)
    assert not interface.has_effects(classify)


@flow
def looks_up(text: str) -> str:
    return lookup(text, "fine")


looks_up.body = abi.Flow(source="x.mp", line=1)
