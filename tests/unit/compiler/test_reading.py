"""Our parser reads as Lark does: the same trees, and the same places where it stops.

`REFRESH=1 pytest tests/unit/compiler/test_reading.py` works the tables of the grammar out again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from lark import Lark, TextSlice, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from mpc.source import Source, Span
from mpc.syntax.chunks import chunks
from mpc.syntax.grammar import FLOW_STARTS, STARTS, parser, text_of
from mpc.syntax.keywords import KEYWORDS
from mpc.syntax.problems import Stop
from mpc.syntax.tables import kept, work_out, written

ROOT = Path(__file__).parents[3]
SYNTAX = ROOT / "compiler" / "mpc" / "syntax"
GRAMMAR = text_of("grammar")
FENCE = re.compile(r"^```mp.*?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("name", "starts"), [("grammar", STARTS), ("flow", FLOW_STARTS)])
def test_the_tables_are_those_of_the_grammar(name: str, starts: Sequence[str]) -> None:
    grammar, file = text_of(name), SYNTAX / f"{name}.json"
    found = written(work_out(grammar, starts), grammar)
    if os.environ.get("REFRESH"):
        file.write_text(found, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == found


def test_tables_of_another_grammar_are_not_taken() -> None:
    tables = written(work_out(GRAMMAR, STARTS), GRAMMAR)
    assert kept(tables, GRAMMAR) is not None
    assert kept(tables, GRAMMAR + "\n") is None


def test_every_rule_is_read_as_lark_does() -> None:
    seen: set[str] = set()
    for text, span in items():
        theirs = lark_tree(text, span)
        if not isinstance(theirs, Stop):
            seen.update(rules_of(theirs))
            assert our_tree(text, span) == theirs
    assert seen == {rule.origin.name for rule in lark().rules if not rule.origin.name.startswith("_")} - {
        *("type", "simple_type", "constraint", "bound", "value", "expression")  # none of them is a node
    }


@pytest.mark.parametrize("seed", range(4))
def test_reading_stops_where_lark_does(seed: int) -> None:
    random = Random(seed)
    stopped = 0
    for text, span in random.sample(items(), 150):
        broken = spoiled(text, span, random)
        theirs = lark_tree(*broken)
        if isinstance(theirs, Stop):
            stopped += 1
            assert parser().read(*broken, "item").stop == theirs
        else:
            assert our_tree(*broken) == theirs
    assert stopped > 50


@cache
def items() -> list[tuple[str, Span]]:
    """The items of all programs in the repository, broken ones too."""
    return list(_items())


def _items() -> Iterator[tuple[str, Span]]:
    pages = [*ROOT.glob("tests/**/*.md"), *ROOT.glob("compiler/**/*.md")]
    texts = [text for page in sorted(pages) for text in FENCE.findall(page.read_text(encoding="utf-8"))]
    for text in (*texts, *(path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("*/**/*.mp")))):
        for chunk in chunks(Source("program.mp", text)):
            if chunk.word in KEYWORDS or chunk.is_docstring:
                yield text, chunk.span


def spoiled(text: str, span: Span, random: Random) -> tuple[str, Span]:
    """The item without a stretch of it, with other text there instead, or cut off."""
    start, end = sorted(random.choices(range(span.start, span.end + 1), k=2))
    end = min(end, start + random.choice((1, 3, 8)))
    instead = random.choice(("", "", ":", " ->", '"', "§", "(", "\n    ", "not ", "1..2", "}"))
    if random.random() < 0.2:
        return text, Span(span.start, max(start, span.start + 1))
    return text[:start] + instead + text[end:], Span(span.start, span.end + len(instead) - (end - start))


# --------------------------------------------------------------------------------------------- as Lark reads


@cache
def lark() -> Lark:
    return Lark(GRAMMAR, parser="lalr", start=list(STARTS), propagate_positions=True, maybe_placeholders=True)


def lark_tree(text: str, span: Span) -> object:
    """What Lark's own parser makes of an item, or where it stops."""
    reading: Any = lark().parse_interactive(TextSlice(text, span.start, span.end), "item")
    taken: list[Token] = []
    try:
        for token in reading.iter_parse():
            taken.append(token)
        return as_data(reading.feed_eof(taken[-1] if taken else None))
    except (UnexpectedToken, UnexpectedCharacters) as error:
        is_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
        if taken and isinstance(error, UnexpectedToken) and taken[-1] is error.token:
            taken.pop()  # it was read but not taken
        at = span.end if is_end else error.pos_in_stream
        assert at is not None
        found = error.token if isinstance(error, UnexpectedToken) else text[at]
        return Stop(
            at=at,
            found="" if is_end else str(found),
            last_end=taken[-1].end_pos or 0 if taken else span.start,
            accepts={name: fixed_text(name) for name in reading.accepts()},
        )


def fixed_text(terminal: str) -> str | None:
    if terminal == "$END":
        return None
    pattern = lark().get_terminal(terminal).pattern
    return pattern.value if pattern.type == "str" else None


def as_data(node: object) -> object:
    if isinstance(node, Tree):
        children = tuple(map(as_data, node.children))
        return str(node.data), (node.meta.start_pos, node.meta.end_pos), children
    return None if node is None else str(node)


def rules_of(tree: object) -> Iterator[str]:
    if isinstance(tree, tuple):
        yield tree[0]
        for child in tree[2]:
            yield from rules_of(child)


def our_tree(text: str, span: Span) -> object:
    reading = parser().read(text, span, "item")
    assert reading.stop is None
    return parser().build(reading, text, Trees())


class Trees:
    """Builds what `as_data` gives."""


def _method(name: str) -> Any:
    return lambda self, span, *children: (name, (span.start, span.end), children)


for _rule in work_out(GRAMMAR, STARTS).rules:
    setattr(Trees, _rule.origin, _method(_rule.origin))
