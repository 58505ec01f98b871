"""Sources, places and suggestions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpc.diagnostics import similar, suggestion
from mpc.project.read import decode
from mpc.source import Position, Source


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


def test_line_ends_and_marks_are_normalised() -> None:
    source, found = decode(b"\xef\xbb\xbfa\r\nb\rc\n", "a.mp")
    assert source is not None
    assert source.text == "a\nb\nc\n"
    assert [diagnostic.code for diagnostic in found] == ["MP0003", "MP0004"]
