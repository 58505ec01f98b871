"""Imports of Python modules: what a child process finds, and what becomes of a class that changes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mpc import project, render
from mpc.project import python

PROGRAM = "from python {}.models import Colour\n\nprompt read(text: str) -> Colour:\n    Which is {{text}}?\n"
MODELS = 'from enum import Enum\n\n\nclass Colour(Enum):\n    RED = "red"\n    BLUE = "blue"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").touch()
    return tmp_path


def write(folder: Path, package: str, models: str = MODELS, *, place: str = ".") -> Path:
    home = folder / place / package
    home.mkdir(parents=True, exist_ok=True)
    (home / "models.py").write_text(models, encoding="utf-8")
    program = folder / "main.mp"
    program.write_text(PROGRAM.format(package), encoding="utf-8")
    return program


def loaded(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a Python that finds modules in the folder."""
    found = f"import sys; sys.path.insert(0, {str(folder)!r}); {code}"
    return subprocess.run([sys.executable, "-c", found], capture_output=True, text=True)


@pytest.mark.parametrize("place", [".", "src"])
def test_a_module_is_found_in_the_root_and_in_src(folder: Path, place: str) -> None:
    report = project.build([write(folder, "wares", place=place)])
    assert report.ok, render.as_text(report.diagnostics)


def test_a_class_that_changed_is_refused_until_it_is_built_again(folder: Path) -> None:
    program = write(folder, "goods")
    assert project.build([program]).ok
    assert project.build([program], check=True).ok
    assert loaded(folder, "import main").returncode == 0
    write(folder, "goods", MODELS.replace("blue", "navy blue"))
    refused = loaded(folder, "import main")
    assert refused.stderr.splitlines()[-2:] == [
        "microprompt.errors.AbiError: goods.models.Colour is not what it was when the program was compiled",
        "  help: run `mpc build` again",
    ]
    assert not project.build([program], check=True).ok
    assert project.build([program]).ok
    assert loaded(folder, "import main").returncode == 0


def test_a_package_that_imports_the_generated_module_can_be_built_again(folder: Path) -> None:
    program = write(folder, "stock")
    assert project.build([program]).ok
    (folder / "stock" / "__init__.py").write_text("import main\n")
    write(folder, "stock", MODELS.replace("blue", "navy blue"))
    report = project.build([program])
    assert report.ok, render.as_text(report.diagnostics)


@pytest.mark.parametrize(
    ("models", "told"),
    [
        ("import nothing_of_this_name\n", "No module named 'nothing_of_this_name' (models.py, line 1)"),
        ("x = 1\n1 / 0\n", "ZeroDivisionError: division by zero (models.py, line 2)"),
        ("import os\nos._exit(3)\n", "importing it ends Python: exit status 3"),
        ("import os\nos.abort()\n", "importing it ends Python: SIGABRT"),
        ("raise SystemExit(4)\n", "SystemExit: 4 (models.py, line 1)"),
        ("def f(:\n", "SyntaxError: "),
    ],
)
def test_what_importing_a_module_ends_with_is_told(folder: Path, models: str, told: str) -> None:
    (found,) = project.check([write(folder, "broken", models)])
    assert found.code == "MP0710"
    assert told in found.primary.text


def test_a_module_that_takes_too_long_is_given_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python, "SECONDS", 1.0)
    (found,) = project.check([write(folder, "slow", "import time\ntime.sleep(60)\n")])
    assert found.primary.text == "importing it takes more than 1 seconds"


def test_what_a_module_does_beside_its_classes_is_not_seen(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    noise = "import os, threading, time\nprint('noise')\nos.write(1, b'noise')\nos.write(2, b'noise')\n"
    endless = "threading.Thread(target=lambda: time.sleep(60)).start()\n"
    assert project.check([write(folder, "noisy", noise + endless + MODELS)]) == ()
    assert capfd.readouterr() == ("", "")


def test_one_module_that_ends_python_is_told_from_the_others(folder: Path) -> None:
    program = write(folder, "fine")
    write(folder, "deadly", "import os\nos._exit(1)\n")
    text = PROGRAM.format("fine").replace("\n", "\nfrom python deadly.models import Other\n", 1)
    program.write_text(text, encoding="utf-8")
    assert [(found.code, found.primary.span.start) for found in project.check([program])] == [
        ("MP0710", text.index("deadly"))
    ]


def test_watching_looks_at_python_too(folder: Path) -> None:
    program = write(folder, "watched")
    assert project.watched([program]) == (program, folder / "watched" / "models.py")


THING = """

@dataclass
class Thing:
    class Kind(Enum):
        big = 1
        small = 2

    colour: Colour
    kind: Kind
"""


def test_a_class_that_is_part_of_an_imported_one_needs_no_import(folder: Path) -> None:
    program = write(folder, "nested", f"from dataclasses import dataclass\n{MODELS}{THING}")
    program.write_text(
        "from python nested.models import Thing\n\nprompt read(text: str) -> Thing:\n    What is {text}?\n"
        'examples:\n    "x" -> Thing(colour=RED, kind=big)\n'
    )
    report = project.build([program])
    assert report.ok, render.as_text(report.diagnostics)
    text = (folder / "main.py").read_text()
    assert "Thing(colour=_Colour.RED, kind=_Thing.Kind.big)" in text
    assert loaded(folder, "import main").returncode == 0


def test_two_classes_of_one_name_are_refused(folder: Path) -> None:
    kinds = f"from dataclasses import dataclass\nfrom . import other\n{MODELS}{CLASHING}"
    program = write(folder, "clash", kinds)
    (folder / "clash" / "other.py").write_text(MODELS.replace("BLUE", "GREEN"), encoding="utf-8")
    program.write_text(
        "from python clash.models import Here, There\n\nprompt read(text: str) -> Here | There:\n    {text}\n"
    )
    (found,) = project.check([program])
    assert found.code == "MP0713"
    assert "a class of clash.other, called as one of clash.models" in found.message
    assert found.help == "rename one of the two"


CLASHING = """

@dataclass
class Here:
    colour: Colour


@dataclass
class There:
    colour: other.Colour
"""
