"""Which calls of a flow are asked together."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import get_overloads

import pytest

from microprompt import agather, agather_lists, gather, gather_lists
from mpc.flows.waves import WIDEST, WIDEST_LISTS

from .plans import assert_planned, planned


def test_calls_that_need_nothing_of_one_another_are_one_wave() -> None:
    assert_planned(
        """
        a = ask(text)
        b = yes(text)
        c = sort("x")
        return two(a, "b")
        """,
        """
        wave 1
        | a = ask(text)
        | b = yes(text)
        | c = sort("x")
        return two(a, "b")
        """,
    )


def test_a_call_that_needs_an_answer_comes_behind_it() -> None:
    assert_planned(
        """
        a = ask(text)
        b = ask(a)
        c = ask(b)
        return c
        """,
        """
        a = ask(text)
        b = ask(a)
        c = ask(b)
        return c
        """,
    )


def test_calls_join_the_first_wave_that_they_can_reach() -> None:
    assert_planned(
        """
        a = ask(text)
        b = ask(a)
        c = yes(text)
        d = ask(b)
        e = sort(a)
        return d
        """,
        """
        wave 1
        | a = ask(text)
        | c = yes(text)
        wave 2
        | b = ask(a)
        | e = sort(a)
        d = ask(b)
        return d
        """,
    )


def test_what_moved_is_known_from_where_it_is_asked() -> None:
    assert_planned(
        """
        a = ask(text)
        b = ask(a)
        c = ask("c")
        d = ask(c)
        return two(b, d)
        """,
        """
        wave 1
        | a = ask(text)
        | c = ask("c")
        wave 2
        | b = ask(a)
        | d = ask(c)
        return two(b, d)
        """,
    )


def test_calls_move_past_what_does_not_concern_them() -> None:
    assert_planned(
        """
        a = ask(text)
        b = a + "!"
        found: list[str] = []
        found.append(b)
        if a == b:
            found.append(a)
        c = ask(text)
        return two(b, c)
        """,
        """
        wave 1
        | a = ask(text)
        | c = ask(text)
        b = a + "!"
        found: list[str] = []
        found.append(b)
        if a == b
          found.append(a)
        return two(b, c)
        """,
    )


def test_no_call_moves_past_what_assigns_what_it_reads() -> None:
    assert_planned(
        """
        a = ask(text)
        b = a + "!"
        c = ask(b)
        return c
        """,
        """
        a = ask(text)
        b = a + "!"
        c = ask(b)
        return c
        """,
    )


@pytest.mark.parametrize("between", ["b = b + a", 'if a == "x":\n    b = "y"'])
def test_no_call_moves_past_what_assigns_it_somewhere(between: str) -> None:
    plan = planned(f'b = "x"\na = ask(text)\n{between}\nc = ask(b)\nreturn two(a, c)')
    assert "wave" not in plan


def test_no_call_moves_past_what_its_list_gets() -> None:
    assert_planned(
        """
        found: list[str] = []
        a = ask(text)
        found.append(a)
        b = ask(min(found))
        return b
        """,
        """
        found: list[str] = []
        a = ask(text)
        found.append(a)
        b = ask(min(found))
        return b
        """,
    )


def test_no_call_moves_past_a_return() -> None:
    assert_planned(
        """
        a = yes(text)
        if a:
            return "a"
        b = ask(text)
        return b
        """,
        """
        a = yes(text)
        if a
          return "a"
        b = ask(text)
        return b
        """,
    )


def test_no_call_moves_past_a_loop_that_may_return() -> None:
    loop = "for each in texts:\n    if each == text:\n        return each"
    plan = planned(f"a = yes(text)\n{loop}\nb = ask(text)\nreturn b")
    assert "wave" not in plan


def test_a_name_keeps_its_value_where_it_is_read_before_it_is_assigned_again() -> None:
    assert_planned(
        """
        a = ask(text)
        b = a + "!"
        a = ask("again")
        return two(a, b)
        """,
        """
        a = ask(text)
        b = a + "!"
        a = ask("again")
        return two(a, b)
        """,
    )


def test_a_name_is_assigned_once_in_a_wave() -> None:
    assert_planned(
        """
        a = ask(text)
        a = ask("again")
        b = ask("b")
        return two(a, b)
        """,
        """
        wave 1
        | a = ask(text)
        | b = ask("b")
        a = ask("again")
        return two(a, b)
        """,
    )


def test_no_call_moves_out_of_a_branch() -> None:
    assert_planned(
        """
        a = yes(text)
        b = "b"
        if a:
            b = ask(text)
            c = yes(b)
            d = ask("d")
        elif yes("x"):
            b = ask("y")
        return b
        """,
        """
        a = yes(text)
        b = "b"
        if a
          wave 1
          | b = ask(text)
          | d = ask("d")
          c = yes(b)
        elif yes("x")
          b = ask("y")
        return b
        """,
    )


def test_the_first_condition_is_asked_in_any_case() -> None:
    assert_planned(
        """
        a = ask(text)
        if yes(text):
            return a
        elif yes(a):
            return "x"
        return "y"
        """,
        """
        wave 1
        | a = ask(text)
        | yes(text)
        if yes(text)
          return a
        elif yes(a)
          return "x"
        return "y"
        """,
    )


@pytest.mark.parametrize(
    ("condition", "before"),
    [
        ('yes("x") and yes("y")', ['yes("x")']),
        ('a == "x" or yes("y")', []),
        ('not yes("x")', ['yes("x")']),
        ('not (yes("x") or yes("y"))', ['yes("x")']),
        ('ask("x") < ask("y") < ask("z")', ['ask("x")', 'ask("y")']),
        ('yes(a) and yes("y")', []),
    ],
)
def test_what_may_not_be_looked_at_is_not_asked_before(condition: str, before: list[str]) -> None:
    plan = planned(f"a = ask(text)\nif {condition}:\n    return a\nreturn text")
    asked = [line.removeprefix("| ") for line in plan.split("\n") if line.startswith("|")]
    assert asked == (["a = ask(text)", *before] if before else [])


def test_the_condition_of_a_while_is_asked_in_every_round() -> None:
    assert_planned(
        """
        a = ask(text)
        while yes(text) up to 3:
            a = ask(a)
            b = yes("b")
        return a
        """,
        """
        a = ask(text)
        while yes(text) up to 3
          wave 1
          | a = ask(a)
          | b = yes("b")
        return a
        """,
    )


def test_calls_inside_of_others_join_waves_under_a_name_of_their_own() -> None:
    assert_planned(
        """
        a = ask(text)
        return Said(text=two(ask("x"), a), kind=sort(text)).text
        """,
        """
        wave 1
        | a = ask(text)
        | ask("x")
        | sort(text)
        return Said(text=two(ask("x"), a), kind=sort(text)).text
        """,
    )


def test_a_confidence_is_asked_for_as_the_value_is() -> None:
    assert_planned(
        """
        a = sort(text)
        b = ask(text)
        if a.confidence > 0.5 and yes(text).confidence < 0.5:
            return b
        return two(b, "x")
        """,
        """
        wave 1
        | a = sort(text)
        | b = ask(text)
        if a.confidence > 0.5 and yes(text).confidence < 0.5
          return b
        return two(b, "x")
        """,
    )


def test_a_value_that_is_known_to_be_there_is_asked_about_where_it_is() -> None:
    assert_planned(
        """
        a = maybe(text)
        b = ask(text)
        if a is not none:
            c = ask(a)
            d = ask(b)
            return two(c, d)
        return b
        """,
        """
        wave 1
        | a = maybe(text)
        | b = ask(text)
        if a is not none
          wave 2
          | c = ask(a)
          | d = ask(b)
          return two(c, d)
        return b
        """,
    )


def test_flows_without_effects_are_asked_as_prompts_are() -> None:
    assert_planned(
        """
        a = inner(text)
        b = ask(text)
        return two(a, b)
        """,
        """
        wave 1
        | a = inner(text)
        | b = ask(text)
        return two(a, b)
        """,
    )


def test_a_wave_has_at_most_twelve_calls() -> None:
    body = "\n".join([*(f"a{number} = ask(text)" for number in range(14)), "return two(a0, a13)"])
    assert [line for line in planned(body).split("\n") if "|" not in line] == [
        "wave 1", "wave 2", "return two(a0, a13)"
    ]


@pytest.mark.parametrize(
    ("function", "widest"),
    [(gather, WIDEST), (agather, WIDEST), (gather_lists, WIDEST_LISTS), (agather_lists, WIDEST_LISTS)],
)
def test_the_runtime_has_types_for_the_widest_wave(function: Callable[..., object], widest: int) -> None:
    calls = [
        [each for each in inspect.signature(form).parameters.values() if each.kind is each.POSITIONAL_ONLY]
        for form in get_overloads(function)
    ]
    assert max(map(len, calls)) == widest
