"""Runs the pages beside this file: each explains a feature of the language and asserts what it says.

A fenced block marked `mp` is a program. A comment such as `# error[MP0203]` or `# warning[MP0404]` says that
the line is reported so, and nothing else may be. A comment `# file: a/b.mp` at the head names the file, and
keeps it for the programs after it on the page; a program without a name stands alone with those. Of the
program above them, a block marked `generated` holds lines of the generated module, one marked `pycon` a
session inside it, and one marked `json` the tuning that lies beside it from there on. A block marked `python`
is a module of the user's, in the file that its first line names.
"""

from __future__ import annotations

import doctest
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mpc import project, render
from mpc.diagnostics import Diagnostic

PAGES = sorted(Path(__file__).parent.glob("*.md"))
FENCE = re.compile(r"^```(mp|generated|pycon|json|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXPECTED = re.compile(r"(error|warning)\[(MP\d{4})\]")
FILE = re.compile(r"# file: (\S+)\n")


@dataclass(frozen=True)
class Block:
    kind: str
    text: str
    line: int


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        yield Block(match.group(1), match.group(2), text.count("\n", 0, match.start(2)) + 1)


def expected(program: str) -> set[tuple[int, str]]:
    """The line and code of every diagnostic that the program's comments announce."""
    return {
        (number, code)
        for number, line in enumerate(program.splitlines(), 1)
        for _, code in EXPECTED.findall(line.partition("#")[2])
    }


def reported(diagnostics: tuple[Diagnostic, ...]) -> set[tuple[int, str]]:
    return {(d.primary.source.line_of(d.primary.span.start), d.code) for d in diagnostics}


def write(block: Block, folder: Path) -> Path:
    name = FILE.match(block.text)
    path = folder / (name.group(1) if name else "program.mp")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text, encoding="utf-8")
    return path


def run_session(block: Block, program: Path, page: Path) -> None:
    namespace = dict(vars(project.load(program)))
    case = doctest.DocTestParser().get_doctest(block.text, namespace, page.name, str(page), block.line)
    output: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(case, out=output.append)
    assert not output, "".join(output)


@pytest.fixture(autouse=True)
def _forget(tmp_path: Path) -> Iterator[None]:
    """Let no module of a page stay imported: other tests have some of the same names."""
    yield
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").touch()
    program = tmp_path
    for block in blocks(page):
        where = f"{page.name}, line {block.line}"
        match block.kind:
            case "mp":
                program = write(block, tmp_path)
                diagnostics = project.check([program])
                assert reported(diagnostics) == expected(block.text), (
                    f"{where}\n{render.as_text(diagnostics)}"
                )
            case "generated":
                project.build([program])
                generated = program.with_suffix(".py").read_text(encoding="utf-8")
                assert block.text in generated, f"{where}\n{generated}"
            case "python":
                write(block, tmp_path)
            case "json":
                program.with_suffix(".tuning.json").write_text(block.text, encoding="utf-8")
                program.with_suffix(".tuning.safetensors").touch()
            case _:
                run_session(block, program, page)
