"""Records that contain themselves: as deep as is declared, and no deeper."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from llguidance import LLMatcher, LLTokenizer

from microprompt import abi
from microprompt.errors import ArgumentError
from microprompt.prompts.plan import Guided, make_plan
from microprompt.records import Record
from microprompt.types import RecordType, kind, type_of


class Node(Record):
    name: str
    children: list[Node]
    next: Node | None


class Only(Record):
    """It ends where there is an `int`."""

    inner: Only | int


class Endless(Record):
    inner: list[Endless]


abi.circle(Node, depth=2)
abi.circle(Only, depth=3)
abi.circle(Endless, depth=3)

LEAF = Node(name="leaf", children=[], next=None)


def parent(*, children: Sequence[Node] = (), next: Node | None = None) -> Node:
    return Node(name="parent", children=list(children), next=next)


def test_each_depth_that_is_left_is_a_type_of_its_own() -> None:
    whole = type_of(Node)
    assert isinstance(whole, RecordType)
    inner = whole.fields[2].type
    assert type_of(Node) is whole
    assert [field.name for field in kind(whole).fields()] == ["name", "children", "next"]
    assert [kind(found).describe() for found in (whole, inner)] == ["Node", "Node?"]
    assert kind(whole).nested() == {"Node": 2}


def test_the_deepest_answer_has_an_empty_list_and_none() -> None:
    plan = make_plan(type_of(Node))
    value = Node(name="a", children=[LEAF], next=LEAF)
    (text,) = plan.texts(value)
    leaf = '{"name": "leaf", "children": [], "next": null}'
    assert text == f' {{"name": "a", "children": [{leaf}], "next": {leaf}}}'
    assert plan.value(dict(plan.kind.take_apart("", value))) == value


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (parent(children=[parent(children=[LEAF])]), "children[0].children[0]"),
        (parent(next=parent(next=LEAF)), "next.next"),
        (Only(inner=Only(inner=Only(inner=Only(inner=1)))), "inner.inner.inner"),
    ],
)
def test_an_argument_that_lies_deeper_is_refused_by_where_it_does(value: Record, where: str) -> None:
    with pytest.raises(ArgumentError) as raised:
        kind(type_of(type(value))).check(value, "it")
    assert f"it.{where} lies too deep" in raised.value.message


def test_of_a_union_what_is_not_too_deep_is_left() -> None:
    found = kind(type_of(Only))
    assert found.json(Only(inner=Only(inner=Only(inner=1)))) == (
        '{"inner": {"Only": {"inner": {"Only": {"inner": {"number": 1}}}}}}'
    )
    with pytest.raises(ArgumentError, match="lies too deep"):
        found.read_data({"inner": {"Only": {"inner": {"Only": {"inner": {"Only": {"inner": 1}}}}}}}, "it")


def test_a_grammar_has_each_depth_once() -> None:
    plan = make_plan(type_of(list[Endless]))
    assert isinstance(plan.root, Guided)
    assert plan.root.grammar().count("\nr") == 3
    matcher = LLMatcher(LLTokenizer("byte"), plan.root.grammar())
    deepest = b' [{"inner": [{"inner": [{"inner": []}]}]}]\n'
    assert matcher.consume_tokens(list(deepest))
    assert matcher.is_accepting()
