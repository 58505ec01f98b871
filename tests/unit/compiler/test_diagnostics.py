"""Sources, places and suggestions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpc.diagnostics import MAX_COMPARISONS, similar, suggestion
from mpc.pipeline import Compiled, compile_module
from mpc.project.read import decode
from mpc.source import Position, Source
from mpc.syntax import parse


@given(st.text("ab\n", max_size=40), st.integers(0, 40))
def test_a_position_leads_back_to_its_offset(text: str, offset: int) -> None:
    source = Source("a.mp", text)
    offset = min(offset, len(text))
    place = source.position(offset)
    assert source.line_span(place.line).start + place.column - 1 == offset
    assert source.line_text(place.line) == text.split("\n")[place.line - 1]


def test_positions_count_characters() -> None:
    assert Source("a.mp", "é𝒳\nx").position(3) == Position(2, 1)


@pytest.mark.parametrize(
    ("name", "known", "found"),
    [
        ("Sentimnt", ["Sentiment", "Ticket"], ["Sentiment"]),
        ("act", ["Act"], ["Act"]),
        ("color", ["colour", "colors", "dolor", "colon", "valor"], ["colon", "colors", "colour"]),
        ("x", ["abc"], []),
    ],
)
def test_at_most_three_near_names_are_suggested(name: str, known: list[str], found: list[str]) -> None:
    assert similar(name, known) == found


def test_a_suggestion_reads_as_a_question() -> None:
    assert suggestion("Acts", ["Act", "Acta"]) == "did you mean `Act` or `Acta`?"
    assert suggestion("Acts", ["Mood"]) is None


def misspelling(misspelt: int, members: int) -> Compiled:
    source = Source(
        "a.mp",
        "enum A:\n"
        + "".join(f"    member_{number}_x\n" for number in range(members))
        + "prompt f(x: str) -> A:\n    {x}\nexamples:\n"
        + "".join(f'    "a" -> membr_{number}_x\n' for number in range(misspelt)),
    )
    tree, found = parse(source)
    return compile_module(source, tree, found, {})


def test_a_slip_keeps_its_suggestion_in_a_long_file() -> None:
    found = misspelling(misspelt=10, members=1000).diagnostics
    assert all((diagnostic.help or "").startswith("did you mean `member_") for diagnostic in found)


def test_suggestions_stop_where_every_name_is_wrong() -> None:
    found = misspelling(misspelt=500, members=500).diagnostics
    suggested = [diagnostic for diagnostic in found if "did you mean" in (diagnostic.help or "")]
    assert len(found) == 500
    assert len(suggested) == MAX_COMPARISONS // 500


def test_line_ends_and_marks_are_normalised() -> None:
    source, found = decode(b"\xef\xbb\xbfa\r\nb\rc\n", "a.mp")
    assert source is not None
    assert source.text == "a\nb\nc\n"
    assert [diagnostic.code for diagnostic in found] == ["MP0003", "MP0004"]
