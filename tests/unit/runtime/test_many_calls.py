"""Several calls at once, as a caller sees them: `gather` and `map`, on the scripted engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from microprompt import abi, gather
from microprompt.engines.engine import Engine
from microprompt.engines.loaded import override
from microprompt.errors import AnswerTooLong, ArgumentError, ScriptError
from microprompt.running import IN_FLIGHT
from microprompt.testing import scripted
from microprompt.types import StrType

from .programs import (
    PLACE,
    Act,
    WatchedBackend,
    classify,
    compare,
    function,
    notes,
    program,
    random_voice,
    wait_until_idle,
)

# ------------------------------------------------------------------------------------------- gather


def test_gather_gives_the_values_in_order() -> None:
    script = {"classify": Act.command, "compare": lambda first, second, flag: second > 3}
    with scripted(script):
        act, same, different = gather(
            classify.later("a"), compare.later("a", 5), compare.later("a", second=1)
        )
    assert (act, same, different) == (Act.command, True, False)


def test_gathered_calls_share_batches() -> None:
    backend = WatchedBackend(random_voice(0))
    with override(Engine(backend)):
        classify("a")
        compare("a", 1)
        before = len(backend.steps)
        gather(classify.later("b"), compare.later("b", 2), classify.later("c"))
    assert len(backend.steps) - before == 1


def test_gather_raises_what_ended_a_call_and_names_its_line() -> None:
    with scripted({"classify": Act.command}) as engine:
        with pytest.raises(ScriptError) as caught:
            gather(classify.later("a"), compare.later("a", 1))
        assert notes(caught.value) == ["in prompt compare, tests/compare.mp:3"]
        assert classify("a") is Act.command
        wait_until_idle(engine)


def test_later_checks_its_arguments_at_once() -> None:
    with pytest.raises(ArgumentError, match="argument `second` of compare"):
        compare.later("a", 11)


def test_gathering_nothing_gives_nothing() -> None:
    assert gather() == ()


# ---------------------------------------------------------------------------------------------- map


def test_map_answers_in_order() -> None:
    with scripted({"classify": lambda text: Act.command if int(text) % 3 else Act.other}):
        found = classify.map(str(n) for n in range(40))
    assert found == [Act.command if n % 3 else Act.other for n in range(40)]


def test_map_takes_single_arguments_tuples_and_mappings() -> None:
    with scripted({"compare": True, "classify": Act.other}) as engine:
        compare.map([("a", 1), {"second": 2, "first": "b"}])
        classify.map(["c", {"text": "d"}, ("e",)])
    assert [next(iter(arguments.values())) for _, arguments in engine.calls] == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize("in_flight", [1, 2, 200])
def test_map_answers_in_order_however_many_rows_are_in_flight(in_flight: int) -> None:
    with scripted({"classify": lambda text: Act.command if int(text) % 3 else Act.other}):
        found = classify.map((str(n) for n in range(40)), in_flight=in_flight)
    assert found == [Act.command if n % 3 else Act.other for n in range(40)]


def test_map_needs_at_least_one_row_in_flight() -> None:
    with scripted({}), pytest.raises(ArgumentError, match="in_flight = 0"):
        classify.map(["a"], in_flight=0)


def test_what_is_before_a_bad_row_is_answered() -> None:
    with scripted({"classify": Act.other}):
        answers = classify.map_detail(["a", "b", 7, "c"])
        assert [next(answers).value for _ in range(2)] == [Act.other, Act.other]
        with pytest.raises(ArgumentError):
            next(answers)


def test_leaving_a_map_early_leaves_the_engine_idle() -> None:
    with scripted({"classify": Act.other}) as engine:
        answers = classify.map_detail(str(n) for n in range(100))
        next(answers)
        answers.close()  # type: ignore[attr-defined]  # a generator
        assert classify("Hm.") is Act.other
        wait_until_idle(engine)


def test_map_of_nothing_is_nothing() -> None:
    with scripted({}):
        assert classify.map([]) == []


def test_map_detail_streams() -> None:
    read: list[int] = []

    def rows() -> Iterator[str]:
        for n in range(100):
            read.append(n)
            yield str(n)

    with scripted({"classify": Act.other}):
        answers = classify.map_detail(rows())
        assert not read
        next(answers)
        assert len(read) <= IN_FLIGHT


def test_a_bad_row_raises_and_says_which_argument() -> None:
    with scripted({"classify": Act.other}), pytest.raises(ArgumentError, match="argument `text` of classify"):
        classify.map(["fine", 7])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("Is it raining?", "not one str"),
        (b"Is it raining?", "not one bytes"),
        (bytearray(b"Hm."), "not one bytearray"),
        ({"text": "Is it raining?"}, "not one dict"),
        ({"Hm.", "Is it?"}, "a set has no order"),
        (frozenset({"Hm."}), "a frozenset has no order"),
        (7, "an iterable, not int"),
        (None, "an iterable, not NoneType"),
    ],
)
def test_what_is_not_rows_is_refused_at_once(rows: Any, message: str) -> None:
    with scripted({"classify": Act.other}) as engine:
        for method in (classify.map, classify.map_detail):
            with pytest.raises(ArgumentError, match=message) as caught:
                method(rows)
            assert notes(caught.value) == [PLACE.format("classify")]
    assert engine.calls == []


@pytest.mark.parametrize("in_flight", [1, 2, 64])
def test_what_a_row_raises_names_its_index(in_flight: int) -> None:
    def answer(text: str) -> object:
        return "no act" if text == "bad" else Act.other

    with scripted({"classify": answer}):
        for rows, error in ((["a", "b", 7, "c"], ArgumentError), (["a", "b", "bad", "c"], ScriptError)):
            with pytest.raises(error) as caught:
                classify.map(rows, in_flight=in_flight)
            assert notes(caught.value) == ["in rows[2]", PLACE.format("classify")]


def test_an_answer_that_fails_names_the_index_of_its_row() -> None:
    ask = function(program(StrType(), name="ask", using=abi.Using(max_tokens=5)))
    with scripted({"ask": lambda text: text}), pytest.raises(AnswerTooLong) as caught:
        ask.map(["a", "b", "c", "far too long"])
    assert "in rows[3]" in notes(caught.value)


def test_what_is_before_rows_that_end_with_an_error_is_answered() -> None:
    def rows() -> Iterator[str]:
        yield from "ab"
        raise OSError("the disk is gone")

    with scripted({"classify": Act.other}):
        answers = classify.map_detail(rows())
        assert [next(answers).value for _ in range(2)] == [Act.other, Act.other]
        with pytest.raises(OSError, match="the disk is gone"):
            next(answers)
