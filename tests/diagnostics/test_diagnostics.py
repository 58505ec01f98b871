"""One program for every diagnostic code, with the text that people see.

A case is what the code's page calls wrong: programs, each in a file of its own if its first line is
`# file: name.mp`. Files that are no programs are in the folder `cases/CODE`, and cases that no page can
hold are made below. `cases/CODE.txt` is the rendered report. `REFRESH=1 pytest tests/diagnostics` writes the
reports again; read the difference.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mpc import codes, project, render

CASES = Path(__file__).parent / "cases"
DOCS = Path(__file__).parents[2] / "compiler" / "docs" / "errors.md"
PROGRAM = b"prompt ask(text: str) -> bool:\n    Is this a question?\n\n    {text}\n"


def binary_file(folder: Path) -> None:
    (folder / "main.mp").write_bytes(b"\x7fELF\x02\x01\x01\0\0\0")


def long_line(folder: Path) -> None:
    (folder / "main.mp").write_bytes(b"# data\n# " + b"x" * 1_000_000)


def byte_order_mark(folder: Path) -> None:
    (folder / "main.mp").write_bytes(b"\xef\xbb\xbf" + PROGRAM)


def carriage_returns(folder: Path) -> None:
    (folder / "main.mp").write_bytes(PROGRAM.replace(b"\n", b"\r\n"))


def link_out_of_the_project(folder: Path) -> None:
    outside = folder.parent / "outside.mp"
    outside.write_bytes(PROGRAM)
    (folder / "other.mp").symlink_to(outside)
    (folder / "main.mp").write_text("from other import ask\n")


def foreign_output(folder: Path) -> None:
    (folder / "main.mp").write_bytes(PROGRAM)
    (folder / "main.py").write_text("print('my own')\n")


def one_output_for_two(folder: Path) -> None:
    for name in ("left", "right"):
        (folder / name).mkdir()
        (folder / name / "main.mp").write_bytes(PROGRAM)


MADE: dict[str, Callable[[Path], None]] = {
    "MP0001": binary_file,
    "MP0002": long_line,
    "MP0003": byte_order_mark,
    "MP0004": carriage_returns,
    "MP0704": link_out_of_the_project,
    "MP0901": foreign_output,
    "MP0903": one_output_for_two,
}


FENCE = re.compile(r"^```(?:mp|python)\n(?:# file: (\S+)\n)?(.*?)^```$", re.MULTILINE | re.DOTALL)


def written(text: str, folder: Path) -> None:
    """Write the programs of a piece of a page into a folder, and the Python modules beside them."""
    for name, program in FENCE.findall(text):
        (folder / (name or "main.mp")).write_text(program, encoding="utf-8")


def report_of(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[set[str], str]:
    """Build the case in an empty folder: the codes reported, and the report."""
    folder = tmp_path / "case"
    folder.mkdir()
    if code in MADE:
        MADE[code](folder)
    elif (CASES / code).is_dir():
        shutil.copytree(CASES / code, folder, dirs_exist_ok=True)
    else:
        written(codes.REGISTRY[code].page.partition("\nRight:")[0], folder)
    monkeypatch.chdir(folder)
    out = Path("out") if code == "MP0903" else None
    paths = sorted(Path().glob("*/main.mp")) if code == "MP0903" else [Path()]
    report = project.build(paths, out=out)
    return {diagnostic.code for diagnostic in report.diagnostics}, render.as_text(report.diagnostics)


@pytest.mark.parametrize("code", sorted(codes.REGISTRY))
def test_every_code_has_a_case_that_reports_it_and_nothing_else(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, text = report_of(code, tmp_path, monkeypatch)
    expected = CASES / f"{code}.txt"
    if os.environ.get("REFRESH"):
        expected.write_text(text, encoding="utf-8")
    assert found == {code}
    assert text == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("code", sorted(codes.REGISTRY))
def test_every_diagnostic_has_help(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, text = report_of(code, tmp_path, monkeypatch)
    assert text.count("= help: ") == text.count(f"[{code}]: ")


@pytest.mark.parametrize("code", sorted(codes.REGISTRY))
def test_what_a_page_calls_right_has_nothing_wrong(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, mark, right = codes.REGISTRY[code].page.partition("\nRight:")
    assert mark, "a page shows what is wrong and what is right"
    written(right, tmp_path)
    monkeypatch.chdir(tmp_path)
    assert project.check([Path()]) == ()


def test_no_case_is_left_of_a_code_that_is_gone() -> None:
    pages = Path(codes.__file__).with_name("explanations")
    assert {path.stem for path in CASES.iterdir()} == set(codes.REGISTRY)
    assert {path.stem for path in pages.iterdir()} == set(codes.REGISTRY)


def test_the_error_index_is_up_to_date() -> None:
    if os.environ.get("REFRESH"):
        DOCS.write_text(codes.index(), encoding="utf-8")
    assert DOCS.read_text(encoding="utf-8") == codes.index()


def test_explain_knows_every_code_in_any_case() -> None:
    assert all(codes.explain(code.lower()) for code in codes.REGISTRY)
    assert codes.explain("MP9999") is None
