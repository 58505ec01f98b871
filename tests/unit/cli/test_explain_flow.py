"""`mpc explain FILE FLOW`: the waves of a flow and its diagram, without running it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Mpc

TOOLS = '''\
def search(words: str) -> list[str]:
    return [words]
'''

PROGRAM = '''\
from python finding import search

prompt is_fresh(text: str) -> bool:
    {text}
    Is it new?

prompt act(text: str) -> str(..20):
    {text}
    What is it?

prompt fits(note: str(..80)) -> bool:
    Does "{note}" fit?

flow reply(text: str) -> str:
    fresh = is_fresh(text)
    kind = act(text)
    if fresh and kind != "x":
        for note in search(kind):
            good = fits(note)
            if good:
                kind = kind + note
    tries = 0
    while tries < 2 up to 3:
        tries = tries + 1
    return kind

flow simple(text: str) -> str:
    return act(act(text))

flow each(texts: list[str(..80)]) -> str:
    found: list[str] = []
    for text in texts:
        found.append(reply(text))
    for text in texts:
        if fits(text):
            return text
    return act(min(found))
'''


@pytest.fixture(autouse=True)
def program(folder: Path) -> None:
    (folder / "finding.py").write_text(TOOLS, encoding="utf-8")
    (folder / "flows.mp").write_text(PROGRAM, encoding="utf-8")
    (folder / "other.mp").write_text("from flows import reply as answer\n", encoding="utf-8")


def test_calls_of_a_wave_stand_together_with_their_lines(mpc: Mpc) -> None:
    shown = mpc("explain", "flows.mp", "reply").stdout
    assert shown.startswith(
        """\
reply (flows.mp:14), a flow

       wave 1
   15  | fresh = is_fresh(text)
   16  | kind = act(text)
   17  if fresh and kind != "x"
         wave 2 for each note
   19    | good = fits(note)
   18    for note in search(kind)
   20      if good
   21        kind = kind + note
   22  tries = 0
   23  while tries < 2 up to 3
   24    tries = tries + 1
   25  return kind

what stands below a wave is asked at the same time
wave 1: 2 questions about text, up to 800 characters: evaluated once"""
    )
    assert "wave 2: what each prompt begins with comes first, and is kept" in shown


def test_a_flow_is_drawn(mpc: Mpc) -> None:
    diagram = mpc("explain", "flows.mp", "reply").stdout.partition("```mermaid\n")[2].partition("\n```")[0]
    assert diagram.splitlines()[:6] == [
        "flowchart TD",
        '    n0(["reply(text)"])',
        '    n1[/"fresh = is_fresh(text)<br/>kind = act(text)"/]',
        "    n0 --> n1",
        '    n2{"fresh and kind != #quot;x#quot;"}',
        "    n1 --> n2",
    ]
    assert '{{"while tries #lt; 2 up to 3"}}' in diagram
    assert diagram.endswith("|then| n10")


def test_a_flow_without_waves_says_why(mpc: Mpc) -> None:
    shown = mpc("explain", "flows.mp", "simple").stdout
    assert "no waves: each call needs what the one before it gives, or might not be needed" in shown


def test_a_loop_that_is_no_wave_says_why(mpc: Mpc) -> None:
    shown = mpc("explain", "flows.mp", "each").stdout
    assert "line 32 goes round by round: reply calls functions of Python, which are called in order" in shown
    assert "line 34 goes round by round: a round may return, so the next might not be needed" in shown
    assert "no waves" not in shown
    found = json.loads(mpc("explain", "flows.mp", "each", "--json").stdout)
    assert [each["line"] for each in found["round_by_round"]] == [32, 34]


def test_a_flow_is_explained_as_data(mpc: Mpc) -> None:
    found = json.loads(mpc("explain", "flows.mp", "reply", "--json").stdout)
    assert (found["flow"], found["source"], found["line"]) == ("reply", "flows.mp", 14)
    first, second = found["waves"]
    assert [call["line"] for call in first["calls"]] == [15, 16]
    assert "evaluated once" in first["state_first"]
    assert (second["over"], second["state_first"]) == ("note", None)


def test_an_imported_flow_is_explained_where_it_is(mpc: Mpc) -> None:
    assert mpc("explain", "other.mp", "answer").stdout.startswith("reply (flows.mp:14), a flow")


def test_a_flow_of_a_wrong_program_is_not_explained(mpc: Mpc, folder: Path) -> None:
    (folder / "flows.mp").write_text(PROGRAM.replace("act(act(text))", "acts(text)"), encoding="utf-8")
    result = mpc("explain", "flows.mp", "simple")
    assert result.exit_code == 1
    assert "`acts`" in result.stderr
