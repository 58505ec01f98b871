"""Builds: compiling files in order, writing their modules, loading them without writing.

A build compiles what it is asked for and what that imports, the standard library aside, which is installed
with its modules. There is no cache: compiling a file takes milliseconds, and a module is written only when
its text changes.
"""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from keyword import iskeyword
from pathlib import Path
from types import ModuleType
from typing import Final, Literal, TypeAlias

from ..codegen import MARK
from ..diagnostics import Diagnostic, Reporter, ToolError, has_errors, in_order
from ..lower import python_module
from ..pipeline import Compiled, compile_module
from ..source import Source, Span
from .files import SUFFIX, File, read_all

_SKIPPED: Final = frozenset({"node_modules", "__pycache__", "build", "dist"})
# A generated module of this name would hide what it imports itself.
_NEEDED: Final = frozenset({"enum", "typing", "microprompt", "mpstd"})

_Register: TypeAlias = Callable[[str, ModuleType], None]
Status: TypeAlias = Literal["written", "unchanged", "stale", "failed"]


@dataclass(frozen=True, slots=True)
class BuiltFile:
    """A source, the module it becomes, and what a build did: `stale` is what `check` did not write."""

    source: Path
    output: Path
    status: Status


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did, file by file and in a fixed order, and what it has to say."""

    files: tuple[BuiltFile, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def ok(self) -> bool:
        """Whether there is no error and nothing is stale."""
        good = ("written", "unchanged")
        return not has_errors(self.diagnostics) and all(file.status in good for file in self.files)


class CompileError(Exception):
    """A program has errors, so it cannot be loaded; `diagnostics` holds them and the warnings."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__("\n".join(f"{d.code}: {d.message}" for d in diagnostics))
        self.diagnostics = diagnostics


def collect(paths: Sequence[Path]) -> tuple[Path, ...]:
    """The `.mp` files that are named or lie below a named folder, sorted; `ToolError` for anything else."""
    return tuple(_collect(paths))


def build(paths: Sequence[Path], *, out: Path | None = None, check: bool = False) -> BuildReport:
    """Compile files and write their modules, beside them or below `out`; with `check`, only compare.

    Below `out` a named file lies at the top, and a file of a named folder where it lies in that folder.
    """
    bases = _collect(paths)
    compiled = _compile(list(bases))
    outputs = _outputs(compiled, bases, out)
    diagnostics = [diagnostic for unit in compiled for diagnostic in unit.diagnostics]
    built: list[BuiltFile] = []
    for unit in sorted(compiled, key=lambda unit: unit.file.path):
        if unit.file.is_std:
            continue
        output = outputs[unit.file.path]
        taken = [other.source for other in built if other.output == output]
        problem = _name_problem(unit) if not taken else _collision(unit, output, taken[0])
        status: Status = "failed"
        if problem is None and unit.text is not None:
            status = _place(unit.text, output, check=check)
            if status == "failed":
                problem = _foreign(unit, output)
        if problem is not None:
            diagnostics.append(problem)
        built.append(BuiltFile(unit.file.path, output, status if problem is None else "failed"))
    return BuildReport(tuple(built), in_order(diagnostics))


def check(paths: Sequence[Path]) -> tuple[Diagnostic, ...]:
    """Everything there is to say about files and what they import."""
    compiled = _compile(list(_collect(paths)))
    diagnostics = [diagnostic for unit in compiled for diagnostic in unit.diagnostics]
    problems = (_name_problem(unit) for unit in compiled if not unit.file.is_std)
    return in_order([*diagnostics, *(problem for problem in problems if problem)])


def watched(paths: Sequence[Path]) -> tuple[Path, ...]:
    """The files that a build of `paths` depends on."""
    return tuple(sorted(file.path for file in read_all(list(_collect(paths)))))


def load(path: Path) -> ModuleType:
    """Compile a file and what it imports, and execute it as a module, without writing anything.

    `sys.modules` is left as it was. Raises `CompileError`, and `ToolError` for a file that cannot be read.
    """
    compiled = _compile([path])
    diagnostics = in_order(diagnostic for unit in compiled for diagnostic in unit.diagnostics)
    if has_errors(diagnostics):
        raise CompileError(diagnostics)
    names: dict[Path, list[str]] = {path.resolve(): [path.stem]}
    for unit in compiled:
        for link in unit.file.links:
            if link.target is not None and link.via != "std":
                dotted = ".".join(python_module(link.node.path.text))
                names.setdefault(link.target.resolve(), []).append(dotted)
    modules: dict[Path, ModuleType] = {}
    with _borrowed_modules() as register:
        for unit in compiled:
            key = unit.file.path.resolve()
            if key not in names:
                continue  # the standard library's modules are imported as they are installed
            modules[key] = _new_module(unit, names[key][0])
            for name in names[key]:
                register(name, modules[key])
            assert unit.text is not None
            exec(compile(unit.text, str(modules[key].__file__), "exec"), modules[key].__dict__)
    return modules[path.resolve()]


# ------------------------------------------------------------------------------------------- compiling


@dataclass(frozen=True, slots=True)
class _Unit:
    """A file and what came of it."""

    file: File
    compiled: Compiled | None

    @property
    def text(self) -> str | None:
        return self.compiled.text if self.compiled else None

    @property
    def source(self) -> Source:
        return self.file.source or Source(self.file.path.name, "", self.file.path.name)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        own = tuple(self.file.diagnostics)
        return own if self.compiled is None else self.compiled.diagnostics


def _compile(paths: Sequence[Path]) -> list[_Unit]:
    """Every file of a build, each after those it imports."""
    units: dict[Path, _Unit] = {}
    for file in read_all(paths):
        compiled: Compiled | None = None
        if file.source is not None and file.tree is not None:
            imported: dict[str, Compiled | None] = {}
            for link in file.links:
                target = units[link.target.resolve()].compiled if link.target else None
                imported[link.node.path.text] = target
            compiled = compile_module(file.source, file.tree, file.diagnostics, imported)
        units[file.path.resolve()] = _Unit(file, compiled)
    return list(units.values())


# --------------------------------------------------------------------------------------------- sources


def _collect(paths: Sequence[Path]) -> dict[Path, Path]:
    """Every source file with the folder that its output's place is counted from."""
    found: dict[Path, Path] = {}
    for path in paths:
        path = Path(os.path.abspath(path))
        if path.is_dir():
            for file in _below(path):
                found.setdefault(file, path)
        elif path.suffix == SUFFIX and path.exists():
            found[path] = path.parent
        elif path.exists():
            raise ToolError(f"{path} is not a {SUFFIX} file", help="name a .mp file or a folder")
        else:
            raise ToolError(f"{path} does not exist", help="name a .mp file or a folder")
    return dict(sorted(found.items()))


def _below(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _SKIPPED and not name.startswith(".")]
        yield from (
            Path(parent, name) for name in files if name.endswith(SUFFIX) and not name.startswith(".")
        )


# --------------------------------------------------------------------------------------------- outputs


def _outputs(units: Sequence[_Unit], bases: dict[Path, Path], out: Path | None) -> dict[Path, Path]:
    """The place of every module. Below `out`, imports lie so that Python finds them from there."""
    if out is None:
        return {unit.file.path: unit.file.path.with_suffix(".py") for unit in units}
    out = Path(os.path.abspath(out))
    placed = {path: (out / path.relative_to(base)).with_suffix(".py") for path, base in bases.items()}
    # Importers first: where a module lies depends on the module that imports it.
    by_key = {unit.file.path.resolve(): unit.file.path for unit in units}
    for unit in reversed(units):
        for link in unit.file.links:
            if link.target is None or link.via == "std":
                continue
            target = by_key[link.target.resolve()]
            folder = out if link.via == "root" else placed[unit.file.path].parent
            relative = Path(*(name.text for name in link.node.path.names))
            placed.setdefault(target, (folder / relative).with_suffix(".py"))
    return placed


def _place(text: str, output: Path, *, check: bool) -> Status:
    """Write a module unless it is there already; `failed` when another's file is in the way."""
    data = text.encode()
    try:
        existing = output.read_bytes() if output.exists() else None
        if existing == data:
            return "unchanged"
        if existing is not None and not existing.startswith(MARK.encode()):
            return "failed"
        if check:
            return "stale"
        output.parent.mkdir(parents=True, exist_ok=True)
        _write(data, output)
    except IsADirectoryError:
        return "failed"
    except OSError as error:
        raise ToolError(
            f"{output} cannot be written: {error.strerror or error}", help="check the folder's permissions"
        ) from error
    return "written"


def _write(data: bytes, output: Path) -> None:
    """Replace a file in one step: a reader sees the old module or the new one, never a part."""
    temporary = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(output)
    finally:
        temporary.unlink(missing_ok=True)


def _foreign(unit: _Unit, output: Path) -> Diagnostic:
    return _about_file(
        unit,
        "MP0901",
        f"{output.name} was not generated by mpc",
        f"the module would replace {output.name}",
        f"rename {unit.file.path.name}, or move {output.name} away",
    )


def _collision(unit: _Unit, output: Path, other: Path) -> Diagnostic:
    return _about_file(
        unit,
        "MP0903",
        f"two files would be written to {output.name}",
        f"{other.name} in {other.parent.name} is the other",
        "build them into two folders",
    )


def _name_problem(unit: _Unit) -> Diagnostic | None:
    stem = unit.file.path.stem
    is_top_level = not (unit.file.path.parent / "__init__.py").exists()
    if stem.isidentifier() and not iskeyword(stem) and not (stem in _NEEDED and is_top_level):
        return None
    return _about_file(
        unit,
        "MP0902",
        f"`{stem}` cannot be the name of a Python module",
        "this file's module could not be imported"
        if stem not in _NEEDED
        else "generated modules import this name",
        "rename the file: letters, digits and `_`, as in `intake.mp`",
    )


def _about_file(unit: _Unit, code: str, message: str, label: str, help: str) -> Diagnostic:
    reporter = Reporter(unit.source)
    reporter.report(code, Span(0, 0), message, label=label, help=help)
    return reporter.found[0]


# --------------------------------------------------------------------------------------------- loading


def _new_module(unit: _Unit, name: str) -> ModuleType:
    """An empty module that knows where it comes from, and whose text tools such as Pydantic can read."""
    assert unit.text is not None
    module = ModuleType(name)
    module.__file__ = str(unit.file.path.with_suffix(".py"))
    lines = unit.text.splitlines(keepends=True)
    linecache.cache[module.__file__] = (len(unit.text), None, lines, module.__file__)
    return module


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
