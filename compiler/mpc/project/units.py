"""All files of a build, compiled: each after those that it imports, whose checked trees it needs."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..diagnostics import Diagnostic, Reporter, has_errors, in_order
from ..pipeline import Compiled, Imported, compile_module
from ..sema.checked import CheckedModule
from .files import File, read_all
from .looks import real
from .python import python_imports, python_module, read_python


class CompileError(Exception):
    """A program has errors, so it cannot be used; `diagnostics` holds them and the warnings."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__("\n".join(f"{d.code}: {d.message}" for d in diagnostics))
        self.diagnostics = diagnostics


@dataclass(frozen=True, slots=True)
class Unit:
    """A file and what came of it; `compiled` is `None` when there was no text."""

    file: File
    compiled: Compiled | None

    @property
    def is_whole(self) -> bool:
        """Whether there is no error in the file and in what it imports."""
        return self.compiled is not None and self.compiled.is_whole

    @property
    def text(self) -> str | None:
        """The Python module; `None` if the file is not whole."""
        with _no_collector():
            return self.compiled.text if self.compiled else None

    @property
    def has_tuning(self) -> bool:
        """Whether the tuning beside the file holds for one of its prompts."""
        return self.compiled is not None and any(
            prompt.tuning is not None for prompt in self.compiled.checked.prompts
        )

    @property
    def asks_python(self) -> bool:
        """Whether it depends on what Python modules say of their classes."""
        return any(True for _ in python_imports(self.file))

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        return self.compiled.diagnostics if self.compiled else tuple(self.file.diagnostics)


def compile_all(paths: Sequence[Path]) -> list[Unit]:
    """The named files and all that they import. Raises `ToolError` for a file that cannot be read."""
    with _no_collector():
        return _compiled(paths)


def compile_whole(path: Path) -> tuple[list[Unit], tuple[Diagnostic, ...]]:
    """A file and all that it imports, and what there is to say about them.

    Raises `CompileError`, and `ToolError` for a file that cannot be read.
    """
    units = compile_all([path])
    diagnostics = all_diagnostics(units)
    if has_errors(diagnostics):
        raise CompileError(diagnostics)
    return units, diagnostics


@contextmanager
def _no_collector() -> Iterator[None]:
    """Let Python not look for garbage: what a compiler makes are trees, which it keeps to its end. To search
    them over and over takes a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _compiled(paths: Sequence[Path]) -> list[Unit]:
    units: dict[Path, Unit] = {}
    files = read_all(paths)
    python = read_python(files)
    for file in files:
        compiled: Compiled | None = None
        if file.tree is not None:
            imported: dict[str, Imported | None] = {}
            for link in file.links:
                target = units[real(link.target)].compiled if link.target else None
                imported[link.node.key] = Imported(target, link.python) if target else None
            reporter = Reporter(file.source)
            for key, name in {node.key: node.path.text for node in python_imports(file)}.items():
                module = python_module(file, name, python, reporter)
                imported[key] = Imported(_python(module), tuple(name.split("."))) if module else None
            file.diagnostics.extend(reporter.found)
            compiled = compile_module(
                file.source, file.tree, file.diagnostics, imported, file.tuning
            )
        units[real(file.path)] = Unit(file, compiled)
    return list(units.values())


def _python(module: CheckedModule) -> Compiled:
    """A module that is Python as it is."""
    return Compiled(module, (), is_whole=True)


def all_diagnostics(units: Sequence[Unit]) -> tuple[Diagnostic, ...]:
    return in_order(diagnostic for unit in units for diagnostic in unit.diagnostics)
