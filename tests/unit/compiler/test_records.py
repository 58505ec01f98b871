"""Builds that are told from a record: what makes a file count as changed, and what is said again."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mpc import project
from mpc.project import modules, records

PROGRAM = "prompt ask(text: str) -> bool:\n    Is {text} so?\n"
SHARED = "enum Mood:\n    calm\n    angry\n"
USER = "from shared import Mood\n\nprompt mood(text: str) -> Mood:\n    What is the mood of {text}?\n"
WARNED = "prompt ask(text: str, more: str) -> bool:\n    Is {text} so?\n"
ALL = ["user.mp", "ask.mp", "shared.mp"]
ROOM = Path(records.__file__).parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    folder = tmp_path / "project"
    write(folder, {"pyproject.toml": "", "app/user.mp": USER, "ask.mp": PROGRAM, "shared.mp": SHARED})
    return folder


def write(folder: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def build(*paths: Path, out: Path | None = None) -> project.BuildReport:
    report, damaged = project.build_changed(paths, out=out, records=kept(paths[0]))
    assert not damaged
    return report


def kept(folder: Path) -> Path:
    """The folder of records."""
    return folder.parent / "builds"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are compiled, in order, without those that they import."""
    found: list[str] = []

    def noted(bases: Mapping[Path, Path], out: Path | None, *, check: bool = False) -> object:
        found.extend(path.name for path in bases)
        return build_units(bases, out, check=check)

    build_units = modules.build_units
    monkeypatch.setattr(modules, "build_units", noted)
    return found


def test_what_has_not_changed_is_not_compiled(folder: Path, compiled: list[str]) -> None:
    first = build(folder)
    assert compiled == ALL
    compiled.clear()
    second = build(folder)
    assert compiled == []
    assert [(file.source, file.output) for file in second.files] == [
        (file.source, file.output) for file in first.files
    ]
    assert {file.status for file in second.files} == {"unchanged"}


def test_a_module_below_another_folder_is_told_from_a_record_too(folder: Path, compiled: list[str]) -> None:
    build(folder, out=folder / "made")
    compiled.clear()
    assert {file.status for file in build(folder, out=folder / "made").files} == {"unchanged"}
    assert compiled == []
    build(folder, out=folder / "other")
    assert compiled


CHANGES: Mapping[str, tuple[Callable[[Path], object], list[str]]] = {
    "a source": (lambda folder: write(folder, {"ask.mp": PROGRAM.replace("so", "true")}), ["ask.mp"]),
    "an import": (
        lambda folder: write(folder, {"shared.mp": SHARED + "    glad\n"}),
        ["user.mp", "shared.mp"],
    ),
    "a file found earlier": (
        lambda folder: write(folder, {"app/shared.mp": SHARED}),
        ["shared.mp", "user.mp"],
    ),
    "a package": (lambda folder: write(folder, {"app/__init__.py": ""}), ["user.mp"]),
    "a root": (lambda folder: (folder / "pyproject.toml").unlink(), ALL),
    "a tuning": (lambda folder: write(folder, {"ask.tuning.json": "{}"}), ["ask.mp"]),
    "an edited output": (
        lambda folder: write(folder, {"ask.py": (folder / "ask.py").read_text() + "#"}),
        ["ask.mp"],
    ),
    "no output": (lambda folder: (folder / "ask.py").unlink(), ["ask.mp"]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_depends_on_a_change_is_compiled(folder: Path, compiled: list[str], change: str) -> None:
    build(folder)
    compiled.clear()
    make, affected = CHANGES[change]
    make(folder)
    report = build(folder)
    assert compiled == affected
    wanted = project.build([folder], check=True)
    assert report.diagnostics == wanted.diagnostics
    assert {file.status for file in wanted.files} <= {"unchanged", "failed"}


def test_another_compiler_compiles(
    folder: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    build(folder)
    compiled.clear()
    monkeypatch.setattr(records, "compiler", lambda: "another")
    build(folder)
    assert compiled == ALL


def test_the_files_of_the_compiler_tell_when_it_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"madeup/__init__.py": ""})
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(records, "_COMPILER", ("madeup",))
    found = [records.compiler.__wrapped__()]
    write(tmp_path, {"madeup/rule.py": ""})
    found.append(records.compiler.__wrapped__())
    os.utime(tmp_path / "madeup" / "rule.py", (1, 1))
    found.append(records.compiler.__wrapped__())
    assert len(set(found)) == 3


def test_warnings_are_said_again(folder: Path, compiled: list[str]) -> None:
    write(folder, {"ask.mp": WARNED})
    first = build(folder)
    compiled.clear()
    second = build(folder)
    assert [found.code for found in second.diagnostics] == ["MP0404"]
    assert second.diagnostics == first.diagnostics
    assert compiled == []


def test_what_two_files_have_to_say_of_a_third_is_said_once(folder: Path) -> None:
    write(folder, {"shared.mp": SHARED + WARNED})
    build(folder)
    write(folder, {"app/user.mp": USER.replace("What", "Which")})
    report = build(folder)
    assert [found.code for found in report.diagnostics] == ["MP0404"]
    assert sorted(file.source.name for file in report.files) == ["ask.mp", "shared.mp", "user.mp"]


def test_errors_leave_no_record(folder: Path, compiled: list[str]) -> None:
    write(folder, {"ask.mp": "prompt ask() -> Nothing:\n    Say it.\n"})
    first = build(folder)
    compiled.clear()
    assert build(folder).diagnostics == first.diagnostics
    assert compiled == ["ask.mp"]


def test_what_asks_python_leaves_no_record(folder: Path, compiled: list[str]) -> None:
    write(
        folder,
        {
            "shop.py": "import enum\nclass Colour(enum.Enum):\n    red = 'red'\n    blue = 'blue'\n",
            "ask.mp": "from python shop import Colour\n\n" + PROGRAM.replace("bool", "Colour"),
        },
    )
    build(folder)
    compiled.clear()
    build(folder)
    assert compiled == ["ask.mp"]


def test_a_damaged_record_is_told_and_made_again(folder: Path, compiled: list[str]) -> None:
    build(folder / "ask.mp")
    (record,) = kept(folder / "ask.mp").iterdir()
    whole = record.read_bytes()
    record.write_bytes(whole[:-2] + b"1}")
    compiled.clear()
    report, damaged = project.build_changed([folder / "ask.mp"], out=None, records=record.parent)
    assert (compiled, damaged, report.ok) == (["ask.mp"], (record,), True)
    assert record.read_bytes() == whole


def test_records_that_cannot_be_kept_are_not_missed(folder: Path, compiled: list[str]) -> None:
    kept(folder).touch()  # no folder
    assert build(folder).ok
    compiled.clear()
    assert build(folder).ok
    assert compiled == ALL


def test_old_records_make_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MOST", 2)
    build(folder)
    assert len(list(kept(folder).iterdir())) == 2


def test_builds_at_once_leave_what_one_does(folder: Path) -> None:
    """Each in a process of its own, on the same files and records."""
    code = (
        "import sys; from pathlib import Path; from mpc import project; folder = Path(sys.argv[1]);"
        "report, damaged = project.build_changed([folder], out=None, records=folder.parent / 'builds');"
        "print(report.ok, damaged)"
    )

    def run(_: int) -> str:
        command = [sys.executable, "-c", code, str(folder)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(run, range(4))) == {"True ()\n"}
    assert {file.status for file in project.build([folder], check=True).files} == {"unchanged"}
    assert len(list(kept(folder).iterdir())) == 3


def test_the_command_line_says_what_was_damaged(folder: Path, tmp_path: Path) -> None:
    def run() -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "MICROPROMPT_HOME": str(tmp_path / "home")}
        return subprocess.run(
            [sys.executable, "-m", "mpc", "build", "ask.mp"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )

    run()
    (record,) = (tmp_path / "home" / "builds").iterdir()
    record.write_bytes(json.dumps("nonsense").encode())
    said = run()
    assert said.stdout == "1 unchanged\n"
    assert said.stderr == f"note: {record} was damaged and is made again; its program was compiled\n"
    assert run().stderr == ""


def test_an_unchanged_build_needs_no_compiler(folder: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from mpc import project;"
        "project.build_changed([Path(sys.argv[1])], out=None, records=Path(sys.argv[2]));"
        "print(*sorted({'mpc.pipeline', 'mpc.syntax.nodes', 'microprompt.function'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(folder), str(tmp_path / "builds")]
    said = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert said == ["mpc.pipeline mpc.syntax.nodes\n", "\n"]


def test_files_are_asked_of_in_one_place() -> None:
    """What the room asks of the file system by itself, no record knows of."""
    asking = re.compile(r"os\.path\.(isfile|l?exists|get|realpath)|read_regular|\.read_\w+\(|\.is_file\(")
    known = {
        "looks.py",
        "named.py",  # which files there are is asked by every build
        "modules.py",  # outputs, and tunings that are copied
        "records.py",
        "python.py",  # leaves no record
    }
    assert {path.name for path in ROOM.glob("*.py") if asking.search(path.read_text("utf-8"))} <= known
