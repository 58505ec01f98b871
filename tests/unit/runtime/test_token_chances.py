"""How sure a model on a server was, from the tokens that it tells."""

from __future__ import annotations

import math

import pytest

from microprompt.engines.token_chances import Token, chances, confidence_in, value_span


def token(text: str, chance: float, **others: float) -> Token:
    best = tuple((other.encode(), math.log(p)) for other, p in {text: chance, **others}.items())
    return Token(text.encode(), math.log(chance), best)


LEAD = [token('{"', 1.0), token("answer", 1.0), token('":', 1.0)]
START = len('{"answer": ')


def test_options_share_what_leads_to_any_of_them() -> None:
    tokens = [*LEAD, token(' "', 1.0), token("yes", 0.6, no=0.2, perhaps=0.2), token('"}', 1.0)]
    found = chances(tokens, START, [b'"yes"', b'"no"'])
    assert found is not None
    assert found.options == pytest.approx((0.75, 0.25))
    assert found.written == pytest.approx(0.75)
    assert found.seen == 2


def test_an_option_that_the_server_does_not_tell_of_did_not_come_into_question() -> None:
    tokens = [*LEAD, token(' "', 1.0), token("yes", 0.6, no=0.2)]
    found = chances(tokens, START, [b'"yes"', b'"no"', b'"maybe"'])
    assert found is not None
    assert found.options == pytest.approx((0.75, 0.25, 0.0))
    assert found.seen == 2


def test_options_that_begin_alike_are_told_apart_where_one_of_them_was_written() -> None:
    tokens = [*LEAD, token(' "', 1.0), token("card", 0.9, cash=0.1), token(" lost", 0.5, **{" new": 0.5})]
    found = chances(tokens, START, [b'"card lost"', b'"card new"', b'"cash"'])
    assert found is not None
    assert found.options == pytest.approx((0.45, 0.45, 0.1))


def test_of_options_that_begin_alike_and_were_not_gone_after_no_distribution_is_made_up() -> None:
    tokens = [*LEAD, token(' "', 1.0), token("cash", 0.6, card=0.4)]
    found = chances(tokens, START, [b'"card lost"', b'"card new"', b'"cash"'])
    assert found is not None
    assert found.options is None
    assert found.written == pytest.approx(0.6)


def test_another_cut_of_the_same_text_says_nothing_about_other_options() -> None:
    tokens = [*LEAD, token(' "yes', 0.5, **{' "y': 0.1, ' "': 0.3, ' "no': 0.1})]
    found = chances(tokens, START, [b'"yes"', b'"no"'])
    assert found is not None
    assert found.options == pytest.approx((6 / 7, 1 / 7))


def test_a_token_may_begin_before_the_option() -> None:
    tokens = [*LEAD, token(" true", 0.7, **{" false": 0.1, "false": 0.2})]
    found = chances(tokens, START, [b"true", b"false"])
    assert found is not None
    assert found.options == pytest.approx((0.7, 0.3))


def test_a_number_is_complete_where_no_digit_follows() -> None:
    tokens = [*LEAD, token(" ", 1.0), token("1", 1.0), token("}", 0.8, **{"0": 0.2})]
    found = chances(tokens, START, [b"1", b"10"])
    assert found is not None
    assert found.options == pytest.approx((0.8, 0.2))


def test_tokens_that_lead_to_no_option_tell_nothing() -> None:
    assert chances([*LEAD, token(' "hm"', 1.0)], START, [b'"yes"', b'"no"']) is None
    assert chances(LEAD, START, [b'"yes"', b'"no"']) is None


def test_a_value_is_as_sure_as_the_least_sure_in_it() -> None:
    text = '{"n": 12, "é": "so so"}'
    tokens = [
        token('{"n":', 0.1),
        token(" 1", 0.9),
        token("2", 0.5),
        token(', "é":', 0.1),
        token(' "so', 0.5),
        token(' so"', 0.5),
        token("}", 0.1),
    ]
    assert confidence_in(tokens, text, 0, len(text)) == pytest.approx(0.45)
    start = text.index('"so')
    assert confidence_in(tokens, text, start, len(text) - 1) == pytest.approx(0.5)


def test_a_value_is_found_whatever_blanks_there_are() -> None:
    text = ' {\n "answer" : [1, "}"] }'
    start, end = value_span(text, "answer")
    assert text[start:end] == '[1, "}"]'
    with pytest.raises(ValueError, match="does not begin"):
        value_span('{"other": 1}', "answer")
