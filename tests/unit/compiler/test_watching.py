"""What `mpc build --watch` takes for a change."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mpc import project
from mpc.project import files

SHARED = "enum Mood:\n    calm\n    angry\n"
USER = """\
from shared import Mood
from later import Way
from python shop import Colour

prompt mood(text: str) -> Mood:
    What is the mood of {text}?
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "user.mp").write_text(USER)
    (tmp_path / "shared.mp").write_text(SHARED)
    (tmp_path / "shop.py").write_text("")
    os.utime(tmp_path / "shop.py", (1, 1))
    return tmp_path


CHANGES: Mapping[str, Callable[[Path], object]] = {
    "an import": lambda folder: (folder / "shared.mp").write_text(SHARED + "    glad\n"),
    "an import that was missing": lambda folder: (folder / "later.mp").write_text(SHARED),
    "another file": lambda folder: (folder / "more.mp").write_text(SHARED),
    "a file that is gone": lambda folder: (folder / "shared.mp").unlink(),
    "a tuning": lambda folder: (folder / "user.tuning.json").write_text("{}"),
    "a Python module": lambda folder: (folder / "shop.py").write_text("import enum\n"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen(folder: Path, change: str) -> None:
    seen = project.watch([folder])
    assert not seen.has_changed()
    CHANGES[change](folder)
    assert seen.has_changed()
    assert not project.watch([folder]).has_changed()


def test_looking_for_changes_reads_no_program(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = project.watch([folder])
    monkeypatch.setattr(files, "parse", None)
    assert not seen.has_changed()


def test_a_file_that_comes_back_is_a_change(folder: Path) -> None:
    (folder / "user.mp").unlink()
    seen = project.watch([folder / "user.mp"])
    assert not seen.has_changed()
    (folder / "user.mp").write_text(USER)
    assert seen.has_changed()


def test_a_draft_stands_in_a_files_place_where_it_is_named_and_where_it_is_imported(folder: Path) -> None:
    (folder / "user.mp").write_text("from shared import Mood\nprompt mood(text: str) -> Mood:\n    {text}\n")
    assert not project.check([folder])
    with project.drafted({folder / "shared.mp": "enum Mod:\n    calm\n    angry\n"}):
        assert "MP0703" in [found.code for found in project.check([folder / "user.mp"])]
        seen = project.watch([folder])
        assert not seen.has_changed()
    assert seen.has_changed()
    assert not project.check([folder])
