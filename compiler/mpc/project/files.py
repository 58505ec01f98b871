"""The graph of a build: what is named and what that imports, read, parsed and put in order."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from importlib.resources import files
from pathlib import Path
from typing import Final

from ..diagnostics import Diagnostic, Label, Reporter, suggestion
from ..source import Source, Span
from ..syntax import parse
from ..syntax.items import Module
from ..syntax.nodes import Import, ImportNames
from ..syntax.nodes import Path as DottedPath
from ..tuning import TuningFile
from .looks import Looks, is_file, noting, real
from .named import SUFFIX
from .names import SOURCES, is_package, name_problem, python_name
from .paths import absolute, shown
from .read import decode, read
from .tuning import read_tuning

_MARKER: Final = "pyproject.toml"


@dataclass(frozen=True, slots=True)
class Link:
    """An import of a file and where it leads; `target` is `None` when that has been reported.

    `python` is the module that it becomes. Python finds it from the importing file's own folder if it
    `is_beside`, and else from a folder that is on its path for the whole project.
    """

    node: Import
    target: Path | None
    python: tuple[str, ...] = ()
    is_beside: bool = False
    is_std: bool = False


@dataclass(slots=True)
class File:
    """A source file as it was read, with the tuning beside it. `tree` is `None` when there is no text.

    `looks` is what was asked of the file system for it.
    """

    path: Path
    root: Path
    is_std: bool
    source: Source
    tree: Module | None
    diagnostics: list[Diagnostic]
    tuning: TuningFile | None = None
    links: list[Link] = field(default_factory=list)
    looks: Looks = field(default_factory=dict)


def read_all(paths: Sequence[Path]) -> list[File]:
    """The named files and all they import, each after what it imports.

    Raises `ToolError` for a file that cannot be read.
    """
    found: dict[Path, File] = {}
    pending: list[tuple[Path, Path | None, bool]] = [(absolute(path), None, False) for path in paths]
    while pending:
        path, root, is_std = pending.pop(0)
        if real(path) in found:
            continue
        looks: Looks = {}
        with noting(looks):
            root = root or project_root(path)
            file = found[real(path)] = _read(path, root, is_std=is_std)
            _link(file)
        file.looks = looks
        for link in file.links:
            if link.target is not None:
                pending.append((link.target, link.target.parent if link.is_std else root, link.is_std))
    return _in_order(found)


def _link(file: File) -> None:
    """Find what a file imports."""
    reporter = Reporter(file.source)
    for node in file.tree.imports if file.tree else ():
        if not isinstance(node, ImportNames) or not node.is_python:
            file.links.append(_resolve(node, file, reporter))
    file.diagnostics.extend(reporter.found)


def project_root(path: Path) -> Path:
    """The nearest folder upward with a `pyproject.toml`; without one, that of the file or its package."""
    folder = absolute(path).parent
    for up in (folder, *folder.parents):
        if is_file(up / _MARKER):
            return up
    return next(up for up in (folder, *folder.parents) if not is_package(up) or up == up.parent)


def _read(path: Path, root: Path, *, is_std: bool) -> File:
    name = f"mpstd/{path.name}" if is_std else path.relative_to(root).as_posix()
    display = name if is_std else shown(path)
    if not is_std and not real(path).is_relative_to(real(root)):
        return _outside(path, root, Source(name, "", display))
    source, diagnostics = decode(read(path), name, display)
    tree: Module | None = None
    if source is not None:
        tree, parse_diagnostics = parse(source)
        diagnostics += parse_diagnostics
    source = source or Source(name, "", display)
    problem = None if is_std else name_problem(path, root, source)
    if problem is not None:
        diagnostics.append(problem)
    tuning, tuning_diagnostics = read_tuning(path, root, source)
    return File(
        path=path,
        root=root,
        is_std=is_std,
        source=source,
        tree=tree,
        diagnostics=[*diagnostics, *tuning_diagnostics],
        tuning=tuning,
    )


def _outside(path: Path, root: Path, source: Source) -> File:
    """Stands for a file that is not read: nothing of what it holds may be shown."""
    reporter = Reporter(source)
    reporter.report(
        "MP0704",
        Span(0, 0),
        f"`{path.name}` is a link to a file outside the project",
        help="copy the file into the project",
    )
    return File(path=path, root=root, is_std=False, source=source, tree=None, diagnostics=reporter.found)


# ------------------------------------------------------------------------------------------ resolution


def _resolve(node: Import, file: File, reporter: Reporter) -> Link:
    names = tuple(name.text for name in node.path.names)
    if names[0] == "std":
        return _resolve_std(node, names[1:], reporter)
    relative = Path(*names[:-1], names[-1] + SUFFIX)
    for folder in (file.path.parent, file.root, file.root / SOURCES):
        target = folder / relative
        if not is_file(target):
            continue
        if not real(target).is_relative_to(real(file.root)):
            reporter.report(
                "MP0704",
                node.path.span,
                f"`{node.path.text}` is outside the project",
                label=f"{relative.as_posix()} leads out of the project's root",
                help="copy the file into the project",
            )
            return Link(node, None)
        python = python_name(target, file.root)
        if len(python) > 1:
            return Link(node, target, python)
        return Link(node, target, names, is_beside=folder == file.path.parent)
    _report_missing(node.path, relative, file, reporter)
    return Link(node, None)


def _report_missing(path: DottedPath, relative: Path, file: File, reporter: Reporter) -> None:
    folder = file.path.parent / relative.parent
    beside = [found.stem for found in folder.glob(f"*{SUFFIX}")] if os.path.isdir(folder) else []
    reporter.report(
        "MP0701",
        path.span,
        f"`{path.text}` was not found",
        label=f"there is no {relative.as_posix()} beside this file, in the project's root or in its src",
        help=suggestion(relative.stem, beside) or "an import names a file by its path without `.mp`",
    )


def _resolve_std(node: Import, names: Sequence[str], reporter: Reporter) -> Link:
    # Editable and wheel installs both unpack the library: its modules are plain files.
    library = Path(str(files("mpstd")))
    target = library.joinpath(*names).with_suffix(SUFFIX) if names else library
    if is_file(target):
        return Link(node, target, ("mpstd", *names), is_std=True)
    known = sorted(found.stem for found in library.glob(f"*{SUFFIX}"))
    near = suggestion(names[-1], known) if names else None
    listed = ", ".join(f"`std.{name}`" for name in known)
    reporter.report(
        "MP0701",
        node.path.span,
        f"`{node.path.text}` was not found",
        label="the standard library has no such module",
        help=near or (f"there is {listed}" if known else "the standard library is empty"),
    )
    return Link(node, None)


# ----------------------------------------------------------------------------------------------- order


def _in_order(found: dict[Path, File]) -> list[File]:
    """Each file after those it imports; an import that closes a circle is reported and cut."""
    while True:
        graph = TopologicalSorter(
            {key: [real(link.target) for link in file.links if link.target] for key, file in found.items()}
        )
        try:
            return [found[key] for key in graph.static_order()]
        except CycleError as error:
            # `graphlib` lists every file before the one that imports it.
            circle: list[Path] = error.args[1][-1:0:-1]
            start = circle.index(min(circle))
            _cut_circle([found[key] for key in (*circle[start:], *circle[:start])])


def _cut_circle(circle: list[File]) -> None:
    labels = []
    chain = []
    for file, next_file in zip(circle, (*circle[1:], circle[0]), strict=True):
        link = next(link for link in file.links if _leads_to(link, next_file))
        text = f"{file.source.display} imports {os.path.basename(next_file.path)} here"
        labels.append(Label(source=file.source, span=link.node.path.span, text=text))
        chain.append(f"{file.source.display}:{file.source.line_of(link.node.path.span.start)}")
    first = circle[0]
    way = " -> ".join((*chain, first.source.display))
    itself = len(circle) == 1
    first.diagnostics.append(
        Diagnostic(
            code="MP0702",
            message="the file imports itself" if itself else f"files import one another in a circle: {way}",
            primary=labels[0],
            secondary=tuple(labels[1:]),
            help="remove the import" if itself else "move what both need into a third file",
        )
    )
    after = circle[1 % len(circle)]
    first.links = [Link(link.node, None) if _leads_to(link, after) else link for link in first.links]


def _leads_to(link: Link, file: File) -> bool:
    return link.target is not None and real(link.target) == real(file.path)
