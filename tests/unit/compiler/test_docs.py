"""The programs in the language reference compile."""

from __future__ import annotations

import re
from pathlib import Path

from mpc import project

REFERENCE = Path(__file__).parents[3] / "compiler" / "docs" / "language.md"


def test_the_reference_shows_programs_that_compile(tmp_path: Path) -> None:
    programs = re.findall(
        r"^```mp\n(.*?)^```$", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert programs
    for number, program in enumerate(programs):
        (tmp_path / f"program{number}.mp").write_text(program, encoding="utf-8")
    assert project.check([tmp_path]) == ()
