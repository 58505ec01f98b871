"""One mistake does not hide the next: in a block, in a header, in a body below a broken header."""

from __future__ import annotations

from textwrap import dedent

from mpc.source import Source
from mpc.syntax.parser import parse
from mpc.syntax.recovery import MAX_MISTAKES


def mistakes(text: str) -> list[tuple[str, int]]:
    """The code and the line of each finding."""
    source = Source("a.mp", dedent(text).lstrip())
    _, found = parse(source)
    return [(each.code, source.line_of(each.primary.span.start)) for each in found]


def test_every_broken_entry_of_a_block_is_reported() -> None:
    assert mistakes("""
        enum Act:
            question "asks
            command = 3
            declaration
            other: "x"
    """) == [("MP0102", 2), ("MP0101", 3), ("MP0101", 5)]


def test_an_entry_that_does_not_close_its_bracket_does_not_take_the_next_with_it() -> None:
    assert mistakes("""
        record Ticket:
            tags: list[str
            paid: bool
            size int
    """) == [("MP0101", 2), ("MP0101", 4)]


def test_entries_of_several_lines_are_left_out_whole() -> None:
    assert mistakes("""
        examples:
            "a" ->
                Ticket(size = = 1,
                    paid=true)
            "b" => true
            "c" -> true
    """)[:2] == [("MP0101", 3), ("MP0101", 5)]


def test_every_broken_parameter_of_a_header_is_reported() -> None:
    assert mistakes("""
        prompt f(a str, b: int, c: list[int](1.3), d: bool) -> bool:
            Say {a}.
    """) == [("MP0101", 1), ("MP0101", 1)]


def test_a_body_is_read_below_a_broken_header() -> None:
    assert mistakes("""
        prompt f(text: str, n int) -> bool:
            Say {text.

            {}
    """) == [("MP0101", 1), ("MP0406", 2), ("MP0405", 4)]


def test_what_is_missing_after_a_mistake_is_not_reported_on_top_of_it() -> None:
    assert mistakes("""
        prompt f(text: ) -> bool:
            Say {text}.
    """) == [("MP0101", 1)]


def test_the_same_mistake_in_every_line_is_reported_a_few_times() -> None:
    lines = "\n".join(f"    m{index} = {index}" for index in range(100))
    assert len(mistakes(f"enum Act:\n{lines}\n")) == MAX_MISTAKES
