"""`mpc build`, `check`, `new` and `explain CODE`: the compiler's side of the command line."""

from __future__ import annotations

import json
import time
import tomllib
from pathlib import Path

import pytest

from .conftest import Mpc

BROKEN = "prompt broken(text: str) -> Nothing:\n    Say {text}.\n"


def test_build_writes_beside_the_source_and_then_has_nothing_to_do(mpc: Mpc, folder: Path) -> None:
    first = mpc("build")
    assert (first.exit_code, (folder / "intake.py").exists()) == (0, True)
    assert "wrote" in first.stdout
    second = mpc("build")
    assert (second.exit_code, second.stdout) == (0, "1 unchanged\n")


def test_build_out_writes_elsewhere(mpc: Mpc, folder: Path) -> None:
    assert mpc("build", "intake.mp", "--out", "made").exit_code == 0
    assert (folder / "made" / "intake.py").exists()
    assert not (folder / "intake.py").exists()


def test_build_check_fails_on_what_is_stale_and_writes_nothing(mpc: Mpc, folder: Path) -> None:
    result = mpc("build", "--check")
    assert result.exit_code == 1
    assert "is not up to date" in result.stderr
    assert not (folder / "intake.py").exists()
    mpc("build")
    assert mpc("build", "--check").exit_code == 0


def test_build_of_a_wrong_program_fails(mpc: Mpc, folder: Path) -> None:
    (folder / "broken.mp").write_text(BROKEN)
    result = mpc("build")
    assert result.exit_code == 1
    assert "error[MP" in result.stderr
    assert (folder / "intake.py").exists()


def test_watch_builds_again_after_a_change_and_ends_with_ctrl_c(
    mpc: Mpc, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = folder / "intake.mp"
    edits = iter([lambda: program.write_text(program.read_text().replace("Rate the", "Now rate the"))])

    def sleep(seconds: float) -> None:
        edit = next(edits, None)
        if edit is None:
            raise KeyboardInterrupt
        edit()

    monkeypatch.setattr(time, "sleep", sleep)
    result = mpc("build", "--watch")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (130, "stopped")
    assert result.stdout.count("wrote") == 2
    assert "Now rate the" in (folder / "intake.py").read_text()


def test_watch_and_check_exclude_each_other(mpc: Mpc) -> None:
    assert mpc("build", "--watch", "--check").exit_code == 2


def test_check_of_a_good_program_says_so(mpc: Mpc, folder: Path) -> None:
    result = mpc("check")
    assert (result.exit_code, result.stdout) == (0, "no problems found\n")
    assert not (folder / "intake.py").exists()


@pytest.mark.parametrize("arguments", [("--json",), ("--format", "json")])
def test_check_as_json_prints_one_value(mpc: Mpc, folder: Path, arguments: tuple[str, ...]) -> None:
    (folder / "broken.mp").write_text(BROKEN)
    result = mpc("check", *arguments)
    assert (result.exit_code, result.stderr) == (1, "")
    (found,) = json.loads(result.stdout)
    assert found["code"].startswith("MP")


def test_check_for_github_prints_annotations(mpc: Mpc, folder: Path) -> None:
    (folder / "broken.mp").write_text(BROKEN)
    result = mpc("check", "--format", "github")
    assert result.exit_code == 1
    assert result.stdout.startswith("::error file=")


def test_new_makes_a_project_that_builds(mpc: Mpc, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert mpc("new", "My Project").exit_code == 0
    monkeypatch.chdir(folder / "My Project")
    assert mpc("check").stdout == "no problems found\n"
    assert mpc("build").exit_code == 0
    assert 'name = "my-project"' in Path("pyproject.toml").read_text()
    compile(Path("main.py").read_text(), "main.py", "exec")


@pytest.mark.parametrize(
    ("folder_name", "name"),
    [
        ('a"b', "a-b"),
        ("back\\slash", "back-slash"),
        ("Caf\u00e9 2", "cafe-2"),
        ("\u8bed", "prompts"),
        ("--.", "prompts"),
        ("[x]\n= 1", "x-1"),
    ],
)
def test_new_names_the_project_in_plain_letters(mpc: Mpc, folder: Path, folder_name: str, name: str) -> None:
    assert mpc("new", "--", folder_name).exit_code == 0
    found = tomllib.loads((folder / folder_name / "pyproject.toml").read_text())
    assert found["project"]["name"] == name


def test_new_does_not_touch_a_folder_with_files(mpc: Mpc, folder: Path) -> None:
    result = mpc("new", ".")
    assert result.exit_code == 1
    assert "is not empty" in result.stderr


def test_explain_tells_what_a_code_means(mpc: Mpc, folder: Path) -> None:
    (folder / "broken.mp").write_text(BROKEN)
    (found,) = json.loads(mpc("check", "--json").stdout)
    result = mpc("explain", found["code"].lower())
    assert result.exit_code == 0
    assert result.stdout.startswith(f"error[{found['code']}]")


def test_explain_of_an_unknown_code_fails(mpc: Mpc) -> None:
    result = mpc("explain", "MP9999")
    assert result.exit_code == 1
    assert "there is no diagnostic `MP9999`" in result.stderr
