"""Builds of which nothing has changed since: told from a record, without compiling.

A record is of one named file, or of all that go to another folder, for where a module lies there depends on
the others. It has what the build was told by the file system (`looks`), hashes of the modules that it left,
and what it had to say, which is said again. It counts as long as the compiler is the same, the file system
gives the same answers, and every module is there as it was left. Builds with errors leave none, nor do those
that asked a Python module for its classes, which may depend on anything.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from microprompt import storage

from ..diagnostics import Diagnostic, Label, in_order
from ..source import Source, Span
from .looks import answer, are_the_same, joined
from .named import named
from .read import decode, read
from .report import BuildReport, BuiltFile

if TYPE_CHECKING:
    from .units import Unit

MOST: Final = 1000
"""How many records are kept; older ones make room."""

_COMPILER: Final = ("mpc", "microprompt", "mpstd", "llguidance")
"""The packages that a module depends on."""


def build_changed(
    paths: Sequence[Path], *, out: Path | None, records: Path
) -> tuple[BuildReport, tuple[Path, ...]]:
    """As `build`, but files of which nothing has changed are not compiled; with the records found damaged.

    `records` is the folder that keeps them, which is made if need be.
    """
    bases = named(paths)
    groups: list[Mapping[Path, Path]] = [bases]
    if out is None:
        groups = [{path: base} for path, base in bases.items()]
    reports: list[BuildReport] = []
    damaged: list[Path] = []
    changed: list[Mapping[Path, Path]] = []
    ask = cache(answer)  # what several files import is looked at once
    for group in groups:
        place = _place(group, out, records)
        try:
            report = _recalled(place, ask)
        except _DamagedRecordError:
            report = None
            damaged.append(place)
        if report is None:
            changed.append(group)
        else:
            reports.append(report)
    if changed:
        from .modules import build_units  # not at the top: this is the compiler

        report, units = build_units({path: base for group in changed for path, base in group.items()}, out)
        reports.insert(0, report)  # it knows best of files that unchanged ones import too
        for group in changed:
            _record(_place(group, out, records), _told(list(_needed(group, units)), report, out))
        _make_room(records)
    return _together(reports), tuple(damaged)


def _together(reports: Sequence[BuildReport]) -> BuildReport:
    """The reports as one, in which a file is as the first of them says."""
    files: dict[tuple[Path, Path], BuiltFile] = {}
    for report in reports:
        for file in report.files:
            files.setdefault((file.source, file.output), file)
    return BuildReport(
        files=tuple(sorted(files.values(), key=lambda file: file.source)),
        diagnostics=in_order(found for report in reports for found in report.diagnostics),
    )


# ------------------------------------------------------------------------------------------- recalling


class _DamagedRecordError(Exception):
    """A record is not as it was written."""


def _recalled(place: Path, ask: Callable[[str, str], str]) -> BuildReport | None:
    """What the recorded build came to, if another one would come to the same."""
    try:
        sealed = storage.read_regular(place)
    except OSError:  # there is none, or it cannot be read
        return None
    data = storage.unseal(sealed)
    if data is None:
        raise _DamagedRecordError
    record: dict[str, Any] = json.loads(data)
    if record["compiler"] != compiler() or not are_the_same(record["looks"], ask):
        return None
    if not all(_holds(Path(output), content) for _, output, content in record["files"]):
        return None
    sources = [_source(*source) for source in record["sources"]] if record["diagnostics"] else []
    return BuildReport(
        files=tuple(
            BuiltFile(Path(source), Path(output), "unchanged") for source, output, _ in record["files"]
        ),
        diagnostics=tuple(_diagnostic(found, sources) for found in record["diagnostics"]),
    )


def _holds(output: Path, content: str) -> bool:
    try:
        # Git may check files out with the line ends of Windows, which mean the same to Python.
        return _hash(storage.read_regular(output).replace(b"\r\n", b"\n")) == content
    except OSError:
        return False


def _source(file: str, path: str, shown: str) -> Source:
    source, _ = decode(read(Path(file)), path, shown)
    assert source is not None
    return source


def _diagnostic(found: Mapping[str, Any], sources: Sequence[Source]) -> Diagnostic:
    first, *others = (
        Label(source=sources[number], span=Span(start, end), text=text)
        for number, start, end, text in found["labels"]
    )
    return Diagnostic(
        code=found["code"],
        message=found["message"],
        primary=first,
        secondary=tuple(others),
        help=found["help"],
    )


# ------------------------------------------------------------------------------------------- recording


def _record(place: Path, record: Mapping[str, object] | None) -> None:
    """Keep what is told of a build. Where there is no room on the disk, the next one compiles again."""
    if record is None:
        return
    with suppress(OSError):
        storage.make_private(place.parent)
        storage.replace(place, storage.seal(json.dumps(record).encode()), mode=storage.PRIVATE)


def _needed(group: Mapping[Path, Path], units: Sequence[Unit]) -> Iterator[Unit]:
    """What was compiled of a group, and all that it imports."""
    by_key = {os.path.realpath(unit.file.path): unit for unit in units}
    pending = [os.path.realpath(path) for path in group]
    seen: set[str] = set()
    for key in pending:
        if key not in seen:
            seen.add(key)
            yield by_key[key]
            pending += [
                os.path.realpath(link.target) for link in by_key[key].file.links if link.target is not None
            ]


def _told(units: Sequence[Unit], report: BuildReport, out: Path | None) -> Mapping[str, object] | None:
    """What is recorded of files; `None` if they are not whole, or depend on more than they were seen to."""
    modules = {unit.file.path: unit.text for unit in units if not unit.file.is_std}
    files = [file for file in report.files if file.source in modules]
    places = {unit.file.source: number for number, unit in enumerate(units)}
    found = in_order(each for unit in units for each in unit.diagnostics)
    labels = [label for each in found for label in (each.primary, *each.secondary)]
    is_known = (
        all(unit.is_whole and not unit.asks_python for unit in units)
        and all(file.is_good for file in files)
        and all(label.source in places for label in labels)
        # The files of a tuning are copied to another folder, and are large: their contents are not looked at.
        and not (out is not None and any(unit.has_tuning for unit in units))
    )
    if not is_known:
        return None
    return {
        "compiler": compiler(),
        "looks": joined(unit.file.looks for unit in units),
        "files": [
            (str(file.source), str(file.output), _hash((modules[file.source] or "").encode()))
            for file in files
        ],
        "sources": [(str(unit.file.path), unit.file.source.path, unit.file.source.shown) for unit in units],
        "diagnostics": [
            {
                "code": each.code,
                "message": each.message,
                "labels": [
                    (places[label.source], label.span.start, label.span.end, label.text)
                    for label in (each.primary, *each.secondary)
                ],
                "help": each.help,
            }
            for each in found
        ],
    }


def _make_room(records: Path) -> None:
    """Forget the oldest records. Where that cannot be, or another build does it too, they stay for now."""
    with suppress(OSError):
        found = sorted(records.iterdir(), key=lambda path: path.stat().st_mtime)
        for path in found[: max(0, len(found) - MOST)]:
            path.unlink(missing_ok=True)


# ---------------------------------------------------------------------------------------------- naming


def _place(group: Mapping[Path, Path], out: Path | None, records: Path) -> Path:
    """Where the record of a group lies. How files are shown depends on where the command runs."""
    try:
        here = str(Path.cwd())
    except FileNotFoundError:
        here = ""
    files = [(str(path), str(base)) for path, base in group.items()]
    asked = [here, str(out and os.path.abspath(out)), files]
    return records / _hash(json.dumps(asked).encode())[:32]


@cache
def compiler() -> str:
    """A hash that is another one when the compiler is: of the names, sizes and times of all its files."""
    found = [sys.version]
    for package in _COMPILER:
        spec = find_spec(package)
        for folder in spec.submodule_search_locations or () if spec else ():
            for parent, folders, names in os.walk(folder):
                folders[:] = sorted(name for name in folders if name != "__pycache__")
                for name in sorted(names):
                    file = os.stat(os.path.join(parent, name))
                    found.append(f"{parent}/{name} {file.st_size} {file.st_mtime_ns}")
    return _hash("\n".join(found).encode())


def _hash(data: bytes) -> str:
    return sha256(data).hexdigest()
