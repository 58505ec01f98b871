"""The JSON Schema of what a model writes, for servers that take one."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from microprompt.types import (
    DateType,
    DecimalType,
    DeclaredType,
    IntType,
    ListType,
    OptionalType,
    SetType,
    StrType,
    kind,
)

from .programs import ACT, OUTER, Act, Inner, Outer


@pytest.mark.parametrize(
    ("returns", "value", "wrong"),
    [
        (ACT, Act.other, "other"),
        (IntType(minimum=1, maximum=5), 3, 6),
        (DecimalType(minimum=Decimal(0), places=2), Decimal("1.50"), "1.50"),
        (DateType(), date(2026, 1, 31), "soon"),
        (OptionalType(item=ACT), None, "none"),
        (OptionalType(item=ACT), Act.other, "other"),
        (ListType(item=ACT, max_count=2), [Act.other], ["other"]),
        (SetType(item=ACT, min_count=0, max_count=None), frozenset({Act.other}), ["something else"]),
        (OUTER, Outer(Inner(Act.other, 2), "n", None, ["a"]), {"inner": {}}),
        (StrType(max_length=3), "abc", "abcd"),
    ],
    ids=str,
)
def test_a_schema_is_of_what_a_model_writes(returns: DeclaredType, value: object, wrong: Any) -> None:
    declared = kind(returns)
    schema = Draft202012Validator(declared.json_schema())
    assert schema.is_valid(json.loads(declared.json(value)))
    assert not schema.is_valid(wrong)
