"""Programs as modules in memory: compiled and executed, with nothing written."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TypeAlias

from ..diagnostics import Diagnostic
from .files import project_root
from .looks import real
from .names import python_name, search_path
from .paths import absolute
from .units import Unit, compile_whole

_Register: TypeAlias = Callable[[str, ModuleType], None]


def load(path: Path) -> ModuleType:
    """Compile a file and what it imports, and execute it as a module, without writing anything.

    `sys.modules` is left as it was. Raises `CompileError`, and `ToolError` for a file that cannot be read.
    """
    return load_with_warnings(path)[0]


def load_with_warnings(path: Path) -> tuple[ModuleType, tuple[Diagnostic, ...]]:
    """As `load`, with what the compiler warns of."""
    path = absolute(path)
    units, diagnostics = compile_whole(path)
    names = _names(units, path)
    modules: dict[Path, ModuleType] = {}
    folders = [str(folder) for unit in units for folder in search_path(unit.file.path, unit.file.root)]
    with _borrowed_modules() as register, _searched(folders):
        for unit in units:
            key = real(unit.file.path)
            if key not in names:
                continue  # the standard library's modules are imported as they are installed
            modules[key] = _new_module(unit, names[key][0])
            for name in names[key]:
                register(name, modules[key])
            _execute(unit, modules[key])
    return modules[real(path)], diagnostics


@contextmanager
def python_path(path: Path) -> Iterator[None]:
    """Let the functions of Python that a program calls find in the block what they import only then, in the
    folders where it would be found if the program were built."""
    path = absolute(path)
    with _searched([*map(str, search_path(path, project_root(path)))]):
        yield


def _names(units: list[Unit], path: Path) -> dict[Path, list[str]]:
    """The names by which generated code imports each module, its own first."""
    roots = {real(unit.file.path): unit.file.root for unit in units}
    found = {real(path): [".".join(python_name(path, roots[real(path)]))]}
    for unit in units:
        for link in unit.file.links:
            if link.target is not None and not link.is_std:
                found.setdefault(real(link.target), []).append(".".join(link.python))
    return found


def _new_module(unit: Unit, name: str) -> ModuleType:
    """An empty module that knows where it comes from."""
    module = ModuleType(name)
    module.__file__ = str(unit.file.path.with_suffix(".py"))
    return module


def _execute(unit: Unit, module: ModuleType) -> None:
    """Fill a module. Meanwhile its text can be read where its file would be, for Pydantic looks there for
    the docstrings of fields; afterwards the file counts, which may be another one by then."""
    assert unit.text is not None
    file = str(module.__file__)
    lines = unit.text.splitlines(keepends=True)
    linecache.cache[file] = (len(unit.text), None, lines, file)
    try:
        exec(compile(unit.text, file, "exec"), module.__dict__)
    finally:
        linecache.cache.pop(file, None)


@contextmanager
def _searched(folders: Sequence[str]) -> Iterator[None]:
    """Let Python modules be found in the folders where their program's would find them. They stay imported:
    what a user's own code imports must be the same classes."""
    before = list(sys.path)
    sys.path[:0] = dict.fromkeys(folders)
    try:
        yield
    finally:
        sys.path[:] = before


@contextmanager
def _borrowed_modules() -> Iterator[_Register]:
    """Let modules be imported by name for a while; packages on the way are made up."""
    before: dict[str, ModuleType | None] = {}

    def put(name: str, module: ModuleType) -> None:
        before.setdefault(name, sys.modules.get(name))
        sys.modules[name] = module

    def register(name: str, module: ModuleType) -> None:
        parent, _, child = name.rpartition(".")
        if parent:
            if parent not in before:
                register(parent, ModuleType(parent))
            setattr(sys.modules[parent], child, module)
        put(name, module)

    try:
        yield register
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
