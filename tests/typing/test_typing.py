"""What mypy and pyright see in generated modules: exact types, and no error of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ..golden import pages

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
CASES = Path(__file__).parent / "cases"
SEARCHED = [str(ROOT / "runtime"), str(ROOT / "stdlib")]


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A folder with the cases and the generated modules that they import."""
    pages.unpack_modules(tmp_path)
    for case in CASES.glob("*.py"):
        shutil.copy(case, tmp_path)
    return tmp_path


def run(command: list[str], folder: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.stdout


def mypy(folder: Path) -> set[tuple[str, int]]:
    """The file and line of every error that `mypy --strict` reports."""
    # With a cache of its own in every folder, a run takes half a minute.
    cache = str(ROOT / ".mypy_cache" / "typing")
    options = ["--strict", "--config-file", os.devnull, "--explicit-package-bases", "--output", "json"]
    options += ["--cache-dir", cache]
    output = run(["mypy", *options, "."], folder, MYPYPATH=os.pathsep.join(SEARCHED))
    found = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return {(Path(item["file"]).name, item["line"]) for item in found if item["severity"] == "error"}


def pyright(folder: Path) -> set[tuple[str, int]]:
    """The file and line of every error that pyright reports with its standard rules."""
    settings = {
        "extraPaths": SEARCHED,
        "venvPath": str(Path(sys.prefix).parent),
        "venv": Path(sys.prefix).name,
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    report = json.loads(run(["pyright", "--outputjson"], folder))
    assert report["summary"]["filesAnalyzed"] == len(list(folder.rglob("*.py")))
    return {
        (Path(item["file"]).name, item["range"]["start"]["line"] + 1)
        for item in report["generalDiagnostics"]
        if item["severity"] == "error"
    }


def marked(path: Path) -> set[tuple[str, int]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return {(path.name, number) for number, line in enumerate(lines, 1) if line.endswith("# error")}


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_types_are_exact_and_misuses_are_errors(
    checker: Callable[[Path], set[tuple[str, int]]], program: Path
) -> None:
    assert checker(program) == marked(program / "misuses.py")
