"""The language reference says what the compiler does: its programs compile, and its grammar is the parser's.

`REFRESH=1 pytest tests/unit/compiler/test_docs.py` writes the grammar into the reference again.
"""

from __future__ import annotations

import os
import re
from importlib.resources import files
from pathlib import Path

import pytest

from mpc import project, render

REFERENCE = Path(__file__).parents[3] / "compiler" / "docs" / "language.md"
FLOWS = REFERENCE.with_name("flows.md")
TUTORIAL = REFERENCE.with_name("tutorial.md")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
APPENDIX = "## Appendix: the grammar"


def blocks(language: str, page: Path) -> list[str]:
    """The fenced blocks of a page of the reference in a language."""
    return [text for each, text in FENCE.findall(page.read_text(encoding="utf-8")) if each == language]


def appendix() -> str:
    """The section on the grammar, as it follows from the files that the parser reads."""
    folder = files("mpc.syntax")
    names = ("grammar", "flow", "expressions")
    parts = [folder.joinpath(f"{name}.lark").read_text(encoding="utf-8") for name in names]
    link = "https://lark-parser.readthedocs.io/en/stable/grammar.html"
    head = (
        f"{APPENDIX}\n\nIn the notation of [Lark]({link}), as the parser reads it: that of files, that of "
        "flows, and what both are made of."
    )
    return "\n\n".join((head, *(f"```lark\n{part}```" for part in parts))) + "\n"


@pytest.mark.parametrize("page", [REFERENCE, FLOWS, TUTORIAL], ids=lambda page: page.stem)
def test_the_reference_shows_programs_that_compile(page: Path, tmp_path: Path) -> None:
    programs = blocks("mp", page)
    for number, program in enumerate(programs):
        (tmp_path / f"program{number}.mp").write_text(program, encoding="utf-8")

    found = project.check([tmp_path])

    assert programs
    assert found == (), render.as_text(found)


@pytest.mark.parametrize("page", [REFERENCE, FLOWS, TUTORIAL], ids=lambda page: page.stem)
def test_no_code_in_the_reference_is_left_unchecked(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert {language for language, _ in FENCE.findall(text)} <= {"mp", "lark"}
    assert text.count("```") == 2 * (len(blocks("mp", page)) + len(blocks("lark", page)))


def test_the_grammar_in_the_reference_is_what_the_parser_reads() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    before = text[: text.index(APPENDIX)]
    if os.environ.get("REFRESH"):
        REFERENCE.write_text(before + appendix(), encoding="utf-8")
    assert REFERENCE.read_text(encoding="utf-8") == before + appendix()
