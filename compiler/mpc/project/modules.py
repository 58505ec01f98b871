"""Builds: compiling files and writing their modules, each only when its text changes.

A build compiles what it is asked for and what that imports, the standard library aside, which is installed
with its modules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from microprompt import storage
from microprompt.abi import MAX_TENSORS

from ..codegen import MARKS
from ..diagnostics import Diagnostic, Reporter, ToolError, in_order
from ..source import Span
from .files import read_all
from .looks import real
from .named import collect, named
from .paths import absolute, shown
from .python import python_sources
from .report import BuildReport, BuiltFile, Status
from .tuning import tuning_path
from .units import Unit, all_diagnostics, compile_all


def build(paths: Sequence[Path], *, out: Path | None = None, check: bool = False) -> BuildReport:
    """Compile files and write their modules, beside them or below `out`; with `check`, only compare.

    Below `out` a named file lies at the top, and a file of a named folder where it lies in that folder. What
    was learnt of its prompts lies beside it again, in copies.
    """
    return build_units(named(paths), out, check=check)[0]


def build_units(
    bases: Mapping[Path, Path], out: Path | None, *, check: bool = False
) -> tuple[BuildReport, list[Unit]]:
    """As `build`, of files and the folders that are named for them; with what was compiled."""
    units = compile_all(list(bases))
    # All of them before any is written: to make one may show a defect of ours.
    modules = {unit.file.path: unit.text for unit in units if not unit.file.is_std}
    outputs = _outputs(units, bases, out)
    if not check:
        storage.sweep(*outputs.values())
    problems: list[Diagnostic] = []
    built: list[BuiltFile] = []
    for unit in sorted(units, key=lambda unit: unit.file.path):
        if unit.file.is_std:
            continue
        output = outputs[unit.file.path]
        taken = [other.source for other in built if other.output == output]
        status: Status = "failed"
        if taken:
            problems.append(_collision(unit, output, taken[0]))
        elif (module := modules[unit.file.path]) is not None:
            status = _place(module.encode(), output, check=check)
            if status == "failed":
                problems.append(_foreign(unit, output))
        built.append(BuiltFile(unit.file.path, output, status))
        if out is not None and status != "failed":
            for source, copy in _tunings(unit, output):
                status = _copy(source, copy, check=check)
                if status == "failed":
                    problems.append(_foreign(unit, copy))
                built.append(BuiltFile(source, copy, status))
    return BuildReport(tuple(built), in_order([*all_diagnostics(units), *problems])), units


def check(paths: Sequence[Path]) -> tuple[Diagnostic, ...]:
    """Everything there is to say about files and what they import."""
    return all_diagnostics(compile_all(collect(paths)))


def watched(paths: Sequence[Path]) -> tuple[Path, ...]:
    """The files that a build of `paths` depends on."""
    found = read_all(collect(paths))
    tunings = [tuning_path(file.path) for file in found if file.tuning is not None]
    python = {path for file in found for path in python_sources(file)}
    return tuple(sorted([*(file.path for file in found), *tunings, *python]))


# --------------------------------------------------------------------------------------------- outputs


def _outputs(units: Sequence[Unit], bases: Mapping[Path, Path], out: Path | None) -> dict[Path, Path]:
    """The place of every module. Below `out`, imports lie so that Python finds them from there."""
    mine = [unit for unit in units if not unit.file.is_std]
    if out is None:
        return {unit.file.path: unit.file.path.with_suffix(".py") for unit in mine}
    out = absolute(out)
    placed = {path: (out / path.relative_to(base)).with_suffix(".py") for path, base in bases.items()}
    # Importers first: where a module lies depends on the module that imports it.
    by_key = {real(unit.file.path): unit.file.path for unit in units}
    for unit in reversed(mine):
        for link in unit.file.links:
            if link.target is not None and not link.is_std:
                folder = placed[unit.file.path].parent if link.is_beside else out
                module = folder.joinpath(*link.python)
                placed.setdefault(by_key[real(link.target)], module.with_name(f"{module.name}.py"))
    return placed


def _place(module: bytes, output: Path, *, check: bool) -> Status:
    """Write a module unless it is there already; `failed` when another's file is in the way."""
    with _writing(output):
        try:
            existing = _existing(output)
        except storage.NotAFileError:
            return "failed"
        if existing is not None and not existing.startswith(MARKS):
            return "failed"
        # Git may check files out with the line ends of Windows, which mean the same to Python.
        if existing is not None and existing.replace(b"\r\n", b"\n") == module:
            return "unchanged"
        if check:
            return "stale"
        output.parent.mkdir(parents=True, exist_ok=True)
        storage.replace(output, module)
    return "written"


def _tunings(unit: Unit, output: Path) -> Iterator[tuple[Path, Path]]:
    """The files of the tuning that a module has taken up, and where they lie beside `output`.

    The numbers come first: the outline says what they must be, so what is between the two is found out.
    """
    tuning = unit.file.tuning
    if tuning is not None and unit.has_tuning:
        for name in (tuning.numbers, tuning.name):
            yield unit.file.path.with_name(name), output.with_name(name)


def _copy(source: Path, output: Path, *, check: bool) -> Status:
    """Copy a file unless the same is there already; `failed` when what is there is no file."""
    with _writing(output):
        data = storage.read_regular(source, MAX_TENSORS)
        try:
            if _existing(output, MAX_TENSORS) == data:
                return "unchanged"
        except storage.NotAFileError:
            return "failed"
        if check:
            return "stale"
        storage.replace(output, data)
    return "written"


@contextmanager
def _writing(output: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ToolError(
            f"{shown(output)} cannot be written: {error.strerror or error}",
            help="check the folder's permissions",
        ) from error


def _existing(output: Path, limit: int = storage.MAX_TEXT) -> bytes | None:
    try:
        return storage.read_regular(output, limit)
    except FileNotFoundError:
        return None


def _foreign(unit: Unit, output: Path) -> Diagnostic:
    return _about_file(
        unit,
        "MP0901",
        f"{output.name} was not generated by mpc",
        f"the module would replace {output.name}",
        f"rename {unit.file.path.name}, or move {output.name} away",
    )


def _collision(unit: Unit, output: Path, other: Path) -> Diagnostic:
    return _about_file(
        unit,
        "MP0903",
        f"two files would be written to {output.name}",
        f"{other.name} in {other.parent.name} is the other",
        "build them into two folders",
    )


def _about_file(unit: Unit, code: str, message: str, label: str, help: str) -> Diagnostic:
    reporter = Reporter(unit.file.source)
    reporter.report(code, Span(0, 0), message, label=label, help=help)
    return reporter.found[0]
