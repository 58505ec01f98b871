"""How diagnostics look where the line is not plain."""

from __future__ import annotations

import json

from mpc import render
from mpc.diagnostics import Diagnostic, Label
from mpc.source import Source, Span


def at(text: str, marked: str, *, help: str | None = "try this") -> Diagnostic:
    """A diagnostic about the first place of `marked` in `text`."""
    start = text.index(marked)
    source = Source("a.mp", text)
    label = Label(source=source, span=Span(start, start + len(marked)), text="here")
    return Diagnostic(code="MP0101", message="found `it`", primary=label, help=help)


def lines(diagnostic: Diagnostic) -> list[str]:
    return render.as_text([diagnostic]).splitlines()


def test_the_place_is_shown_with_its_line_label_and_help() -> None:
    assert render.as_text([at("enum Act:\n    x\n", "Act")]) == (
        "error[MP0101]: found `it`\n"
        " --> a.mp:1:6\n"
        "  |\n"
        "1 | enum Act:\n"
        "  |      ^^^ here\n"
        "  |\n"
        "  = help: try this\n"
    )


def test_nothing_is_rendered_for_nothing() -> None:
    assert render.as_text([]) == ""
    assert render.as_github([]) == ""
    assert json.loads(render.as_json([])) == []


def test_carets_stand_below_wide_and_combining_characters() -> None:
    shown = lines(at('"語語e\u0301" x', "x"))
    assert shown[3] == '1 | "語語e\u0301" x'
    assert shown[4] == "  |         ^ here"


def test_a_tab_is_four_columns_wide() -> None:
    shown = lines(at("\tx", "x"))
    assert shown[3] == "1 |     x"
    assert shown[4] == "  |     ^ here"


def test_a_long_line_is_cut_around_the_place() -> None:
    shown = lines(at("a" * 5000 + " here " + "b" * 5000, "here"))
    assert len(shown[3]) <= len("1 | ") + 102
    assert shown[3].startswith("1 | …")
    assert shown[3].endswith("…")
    column = shown[4].index("^")
    assert shown[3][column : column + 4] == "here"
    assert shown[4].count("^") == 4


def test_a_long_place_is_cut_too() -> None:
    shown = lines(at("x" * 9000, "x" * 9000))
    assert all(len(line) <= 120 for line in shown)


def test_a_place_of_several_lines_is_marked_on_its_first() -> None:
    shown = lines(at("enum Act:\n    x\n", "Act:\n    x"))
    assert shown[4] == "  |      ^^^^ here"


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in render.as_text([at("x \x1b[31m y", "y")])


def test_colours_are_asked_for() -> None:
    diagnostic = at("enum Act:\n", "Act")
    assert "\x1b[" not in render.as_text([diagnostic])
    assert "\x1b[1;31merror[MP0101]\x1b[0m" in render.as_text([diagnostic], colour=True)


def test_json_counts_lines_and_columns_from_one() -> None:
    (found,) = json.loads(render.as_json([at("\nenum Act:\n", "Act", help=None)]))
    assert found["primary"] == {
        "file": "a.mp", "line": 2, "column": 6, "end_line": 2, "end_column": 9, "text": "here",
    }  # fmt: skip
    assert (found["code"], found["severity"], found["help"]) == ("MP0101", "error", None)


def test_github_gets_one_escaped_line() -> None:
    assert render.as_github([at("50%\nAct", "Act", help="a\nb %")]) == (
        "::error file=a.mp,line=2,endLine=2,col=1,endColumn=4,title=MP0101::found `it`%0Ahelp: a%0Ab %25\n"
    )
