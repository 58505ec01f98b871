"""BAML's published examples, written anew: they compile, and give the answers of their tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from microprompt import PromptFunction
from microprompt.testing import scripted
from mpc import project, render

FOLDER = Path(__file__).parent / "baml"
PAGE = Path(__file__).parents[2] / "compiler" / "docs" / "baml.md"
PROGRAMS = sorted(path.stem for path in FOLDER.glob("*.mp"))
CALLED_BY_OTHERS = {"summary": "It is about the weather."}


def functions(name: str) -> list[PromptFunction[..., object]]:
    module = project.load(FOLDER / f"{name}.mp")
    return [value for value in vars(module).values() if isinstance(value, PromptFunction)]


def test_the_programs_compile_without_a_warning() -> None:
    found = project.check([FOLDER])

    assert found == (), render.as_text(found)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_gives_the_answers_of_its_tests(name: str) -> None:
    for function in functions(name):
        program = function.program
        assert program.tests or program.name in CALLED_BY_OTHERS
        for case in program.tests:
            with scripted({**CALLED_BY_OTHERS, program.name: case.answer}):
                assert function(*case.arguments) == case.answer


def test_the_page_names_every_program() -> None:
    named = re.findall(r"`([a-z_]+)\.mp`", PAGE.read_text(encoding="utf-8"))
    assert sorted(set(named)) == PROGRAMS
    assert len(PROGRAMS) >= 20
