"""Programs with the modules they become, compared and executed.

`REFRESH=1 pytest tests/golden` writes the modules of the pages again; read the difference.
"""

from __future__ import annotations

import ast
import asyncio
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from microprompt import FlowFunction, PromptFunction, abi
from microprompt.given import given
from microprompt.program import Program
from microprompt.testing import scripted
from mpc import project, render

from . import pages

STDLIB = Path(__file__).parents[2] / "stdlib"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs and modules of all pages."""
    folder = pages.unpack(tmp_path_factory.mktemp("golden"))
    if os.environ.get("REFRESH"):
        project.build([folder])
        for name in pages.NAMES:
            pages.rewrite(name, (folder / f"{name}.py").read_text(encoding="utf-8"))
    pages.unpack_modules(folder)
    return folder


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """Let no golden module stay imported: other programs have modules of the same names."""
    yield
    for name in pages.NAMES:
        sys.modules.pop(name.replace("/", "."), None)
    sys.modules.pop("notebook", None)


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> ModuleType:
    """The golden module, imported from its file."""
    monkeypatch.syspath_prepend(folder)
    name: str = request.param
    return importlib.import_module(name.replace("/", "."))


def functions(module: ModuleType) -> list[PromptFunction[..., object]]:
    own = [value for value in vars(module).values() if isinstance(value, PromptFunction)]
    return [function for function in own if function.program.source.endswith(f"{module.__name__}.mp")]


def flows(module: ModuleType) -> list[FlowFunction[..., object]]:
    return [value for value in vars(module).values() if isinstance(value, FlowFunction)]


def test_the_modules_are_what_the_compiler_writes(folder: Path) -> None:
    report = project.build([folder], check=True)
    assert {file.output.relative_to(folder).as_posix(): file.status for file in report.files} == {
        f"{name}.py": "unchanged" for name in pages.NAMES
    }, render.as_text(report.diagnostics)


def test_what_else_is_built_changes_no_module(folder: Path) -> None:
    report = project.build([STDLIB, folder], check=True)
    assert report.ok, render.as_text(report.diagnostics)


def test_another_checkout_gets_the_same_bytes(tmp_path: Path) -> None:
    copy = pages.unpack(tmp_path / "elsewhere")
    project.build([copy])
    for name in pages.NAMES:
        assert (copy / f"{name}.py").read_bytes() == pages.module(name).encode()


@pytest.mark.parametrize("run", pages.NAMES, indirect=True)
def test_a_module_exports_its_declarations(run: ModuleType) -> None:
    assert all(hasattr(run, name) for name in run.__all__)
    assert {found.program.name for found in (*functions(run), *flows(run))} <= set(run.__all__)


@pytest.mark.parametrize("run", pages.NAMES, indirect=True)
def test_its_functions_take_and_give_the_values_of_their_cases(run: ModuleType) -> None:
    for function in functions(run):
        for case in (*function.program.examples, *function.program.tests):
            with scripted({function.program.name: case.answer}):
                assert function(*case.arguments) == case.answer


@pytest.mark.parametrize("run", pages.NAMES, indirect=True)
def test_both_forms_of_its_flows_give_the_values_of_their_tests(run: ModuleType) -> None:
    for flow in flows(run):
        for case in flow.program.tests:
            with given(case.given):
                assert flow(*case.arguments) == case.answer
            with given(case.given):
                assert asyncio.run(flow.acall(*case.arguments)) == case.answer


@pytest.mark.parametrize("name", pages.NAMES)
def test_only_the_runtime_the_standard_library_and_generated_modules_are_imported(name: str) -> None:
    tree = ast.parse(pages.module(name))
    imported = {
        module
        for node in ast.walk(tree)
        for module in (
            [node.module]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    others = {"mpstd.request", "notebook", "shop.stock"}
    assert imported - others <= {
        *("__future__", "typing"),
        *("microprompt", "microprompt.enums", "microprompt.records"),
    }


def test_loading_in_memory_gives_the_same_programs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = project.load(folder / "reviews.mp")
    monkeypatch.syspath_prepend(folder)
    written = importlib.import_module("reviews")
    assert [_shape(f.program) for f in functions(loaded)] == [_shape(f.program) for f in functions(written)]


def _shape(program: Program) -> tuple[str, int, str, tuple[abi.Part, ...], str]:
    return program.name, program.line, program.instruction, program.input, program.cue
