"""Tables of words: what is reserved for later, and what starts an item of a file."""

from __future__ import annotations

import re

import pytest
from lark import Lark

from mpc.source import Source
from mpc.syntax import parse
from mpc.syntax.grammar import text_of
from mpc.syntax.keywords import CLAUSES, DECLARATIONS, KEYWORDS


def test_the_keywords_are_those_of_the_grammar() -> None:
    lark = Lark(text_of("grammar"), parser="lalr", start="item")
    rules = {rule.origin.name: rule for rule in lark.rules if rule.origin.name != "item"}
    items = [rule.expansion[0].name for rule in lark.rules if rule.origin.name == "item"]
    first = {rules[name].expansion[0].name for name in items if name != "docstring"}
    assert {str(lark.get_terminal(name).pattern.value) for name in first} == set(KEYWORDS)


@pytest.mark.parametrize("word", sorted(KEYWORDS))
def test_the_form_in_a_message_can_be_read(word: str) -> None:
    """Each declaration or entry that a keyword's form shows is one."""
    shown = re.findall(r"`([^`]*)`", KEYWORDS[word].form)
    owner = "prompt ask(text: str) -> bool:\n    {text}\n" if word in CLAUSES else ""
    for form in shown:
        block = KEYWORDS[word].block
        text = form if block is None else f"{word} x:\n    {form}" if word in DECLARATIONS else ""
        if word == "record":
            text = text.replace("type", "int").replace("default", "3")
        if word in ("prompt", "flow"):
            text = f"{form}\n    {'{text}' if word == 'prompt' else 'return true'}"
        if word in CLAUSES:
            text = f"{word}:\n    {form}"
        _, found = parse(Source("a.mp", f"{owner}{text}\n"))
        assert not found, text


@pytest.mark.parametrize("word", sorted(word for word, row in KEYWORDS.items() if row.names))
def test_the_name_of_a_declaration_that_cannot_be_read_is_known(word: str) -> None:
    tree, found = parse(Source("a.mp", f"{word} Thing (((\n"))
    assert found
    assert tree.broken == {"Thing"}
