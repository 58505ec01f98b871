"""Dicts: what is a value, what a grammar allows, and that no key is written twice."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pytest
from numpy.typing import NDArray

from microprompt.abi import KEY_LENGTH
from microprompt.engines.engine import Call, Engine
from microprompt.engines.scripted import VOCABULARY, ByteBackend
from microprompt.errors import ArgumentError
from microprompt.types import DecimalType, DictType, IntType, ListType, OptionalType, StrType, kind
from microprompt.types.base import DeclaredType
from microprompt.types.dicts import distinct_keys

from .programs import program

COUNTS = DictType(value=IntType(minimum=0, maximum=9), max_count=3)


@pytest.mark.parametrize(
    ("written", "fits"),
    [
        ('{"a": 1, "b": 2}', True),
        ('{"a": 1, "a', True),
        ('{"a": 1, "a"', False),
        ('{"a": {"a": 1}, "b": {"a": 2}}', True),
        ('[{"a": 1}, {"a": 1}]', True),
        ('{"a": ["a", "a"], "b": "a"}', True),
        ('{"a": ["a"], "a"', False),
        (r'{"a\"b": 1, "a\"', True),
        (r'{"a\"b": 1, "a\"b"', False),
        ('{"a": "{", "b": "}, ", "a"', False),
        (f'{{"{"x" * KEY_LENGTH}": 1, "{"x" * (KEY_LENGTH - 1)}', True),
        (f'{{"{"x" * KEY_LENGTH}": 1, "{"x" * KEY_LENGTH}', False),
        (' none', True),
        ("", True),
    ],
)
def test_what_is_written_may_go_on_while_all_keys_can_differ(written: str, fits: bool) -> None:
    assert distinct_keys(written.encode()) is fits


def test_a_character_that_is_not_complete_is_no_part_of_a_key_yet() -> None:
    assert distinct_keys('{"a": 1, "aé'.encode()[:-1])


def repeating(wanted: str) -> ByteBackend:
    """A model that would rather write a text than anything else, letter by letter of its end."""

    def voice(text: bytes) -> NDArray[np.float32]:
        logits = np.zeros(VOCABULARY, dtype=np.float32)
        logits[ord("z")] = 1
        said = text.rpartition(b"Answer:")[2].decode(errors="ignore")
        if wanted.startswith(said) and said != wanted:
            logits[ord(wanted[len(said)])] = 9
        else:
            logits[ord('"')] = logits[ord("}")] = 2
        return logits

    return ByteBackend(voice, context=10**5)


@pytest.mark.parametrize("wrap", [lambda declared: declared, lambda declared: OptionalType(item=declared)])
def test_a_model_that_repeats_a_key_is_led_to_another(wrap: object) -> None:
    declared: DeclaredType = wrap(COUNTS)  # type: ignore[operator]  # one of the above
    engine = Engine(repeating(' {"ab": 1, "ab": 2}'))
    try:
        answer = engine.answer(Call(program(declared), {"text": "Hm."}))
    finally:
        engine.close()
    assert isinstance(answer.value, dict)
    assert answer.value["ab"] == 1
    assert len(answer.value) == 2


def test_a_value_is_checked_in_depth() -> None:
    own = kind(DictType(value=ListType(item=StrType(max_length=2)), max_count=2))
    value = {"a": ["x"]}
    assert own.check(value, "x") is value
    wrong: list[object] = [[], {"a": ["xyz"]}, {"": []}, {"a\n": []}, {"x" * 65: []}, {1: []}]
    for each in (*wrong, {key: [] for key in "abc"}):
        with pytest.raises(ArgumentError, match="x"):
            own.check(each, "x")


def test_it_is_written_and_read_as_json() -> None:
    own = kind(DictType(value=DecimalType(minimum=Decimal("0.00"), places=2)))
    value = {'a "b"': Decimal("1.5")}
    assert own.json(value) == own.plain(value) == r'{"a \"b\"": 1.50}'
    assert own.read_plain(own.json(value)) == value
    assert own.to_data(value) == {'a "b"': "1.50"}
    assert own.read_data(own.to_data(value), "x") == own.read_word(json.dumps({'a "b"': 1.5}), "x") == value
    with pytest.raises(ArgumentError, match=r"x must be dict\[str, decimal"):
        own.read_data([], "x")
