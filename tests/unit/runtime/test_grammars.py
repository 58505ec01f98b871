"""Grammars of programs: what they match, inside JSON too, and that an answer under one ends. No model."""

from __future__ import annotations

import json

import pytest

from microprompt.engines.base import Call
from microprompt.engines.engine import Engine
from microprompt.errors import AnswerTooLong, ArgumentError
from microprompt.grammars import make_matcher
from microprompt.patterns import (
    lark_bytes,
    lark_fits_json,
    lark_has_line_ends,
    lark_in_json,
    lark_matches,
    lark_problem,
)
from microprompt.types import DeclaredType, GrammarType, ListType, OptionalType, kind

from .programs import WatchedBackend, program, random_voice, wait_until_idle

SUM = 'start: term (("+" | "-") term)*  // a sum\nterm: N | "(" start ")"\nN: /[0-9]{1,3}/\n'
QUOTED = 'start: "\\"" W "\\"" | "\\\\" W\nW: /[a-zü\\n]+/\n'
SAID = 'start: "\\"" W "\\""\nW: /[a-zü ]+/\n'
ENDLESS = 'start: "a" start | "b"'


@pytest.mark.parametrize(
    ("grammar", "text", "matches"),
    [
        (SUM, "1+(2-345)", True),
        (SUM, "1+", False),
        (SUM, "", False),
        (SAID, '"ab ü"', True),
        (SAID, "ab", False),
    ],
)
def test_a_grammar_matches_whole_texts_and_the_same_inside_json(
    grammar: str, text: str, matches: bool
) -> None:
    assert lark_problem(grammar) is None
    assert lark_matches(grammar, text) is matches
    inside = list(json.dumps(text, ensure_ascii=False)[1:-1].encode())
    matcher = make_matcher(lark_in_json(grammar))
    assert (matcher.try_consume_tokens(inside) == len(inside) and matcher.is_accepting()) is matches


def test_a_grammar_by_itself_may_hold_any_characters() -> None:
    assert lark_matches(QUOTED, "\\ü\n")
    assert lark_fits_json(SAID)
    assert not lark_fits_json(QUOTED)


def test_the_size_of_characters_is_known() -> None:
    assert [lark_bytes(SUM, is_json=is_json) for is_json in (False, True)] == [1, 1]
    assert [lark_bytes(QUOTED, is_json=is_json) for is_json in (False, True)] == [2, 2]
    assert not lark_has_line_ends(SUM)
    assert lark_has_line_ends(QUOTED)


@pytest.mark.parametrize(
    ("grammar", "line", "column"),
    [
        ("start: A\nA: /a/ b\n", 2, 4),
        ('start: "a"\n\n\nstart: "b"\n', 4, 8),
        ("start: /a(?=b)/", 1, 8),
        ('start: "a"\n%import common.WS', 2, 9),
        ("start: %json {}", 1, 8),
        ("start: <|end|>", 1, 8),
        ("start: A\nA: ~/a/", 2, 4),
        ('start: "\\x41"', 1, 8),
    ],
)
def test_what_is_wrong_is_found_where_it_is(grammar: str, line: int, column: int) -> None:
    problem = lark_problem(grammar)
    assert problem is not None
    assert (problem.line, problem.column) == (line, column)


@pytest.mark.parametrize("grammar", [SUM, SAID, QUOTED, ENDLESS])
@pytest.mark.parametrize("seed", range(6))
def test_any_logits_give_a_text_of_the_grammar_or_one_that_is_too_long(grammar: str, seed: int) -> None:
    text = GrammarType(grammar=grammar, max_length=12)
    kinds: list[DeclaredType] = [text, OptionalType(item=text)]
    if lark_fits_json(grammar):
        kinds.append(ListType(item=text, max_count=2))
    for returns in kinds:
        engine = Engine(WatchedBackend(random_voice(seed)))
        try:
            answer = engine.answer(Call(program(returns), {"text": "Hm."}))
        except AnswerTooLong as error:
            assert error.help  # noqa: PT017  # the other outcome is as good
        else:
            assert kind(returns).check(answer.value, "it") == answer.value
        wait_until_idle(engine)
        engine.close()


def test_an_argument_is_held_to_its_grammar() -> None:
    found = kind(GrammarType(grammar=SUM, max_length=5))
    assert found.check("1+2", "it") == "1+2"
    with pytest.raises(ArgumentError, match="grammar"):
        found.check("1+", "it")
    with pytest.raises(ArgumentError, match="7 characters"):
        found.check("1+2+3+4", "it")
