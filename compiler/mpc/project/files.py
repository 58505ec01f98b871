"""The files of a build: what is named and what that imports, read, parsed and put in order."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal, TypeAlias

from ..diagnostics import Diagnostic, Label, Reporter, ToolError, suggestion
from ..source import Source
from ..syntax import parse
from ..syntax.nodes import Import, Module
from ..syntax.nodes import Path as DottedPath
from .read import decode

SUFFIX: Final = ".mp"

_MARKER: Final = "pyproject.toml"

# Where an import was found: beside the importing file, in the project's root, or in the standard library.
Via: TypeAlias = Literal["folder", "root", "std"]


@dataclass(frozen=True, slots=True)
class Link:
    """An import of a file and where it leads; `target` is `None` when that has been reported."""

    node: Import
    target: Path | None
    via: Via


@dataclass(slots=True)
class File:
    """A source file as it was read. `tree` is `None` when it is not text."""

    path: Path
    root: Path
    is_std: bool
    source: Source | None
    tree: Module | None
    diagnostics: list[Diagnostic]
    links: list[Link] = field(default_factory=list)


def read_all(paths: Sequence[Path]) -> list[File]:
    """The named files and all they import, each after what it imports.

    Raises `ToolError` for a file that cannot be read.
    """
    found: dict[Path, File] = {}
    pending = [_read(path, project_root(path), is_std=False) for path in paths]
    while pending:
        file = pending.pop(0)
        if file.path.resolve() in found:
            continue
        found[file.path.resolve()] = file
        if file.tree is None or file.source is None:
            continue
        reporter = Reporter(file.source)
        for node in file.tree.imports:
            link = _resolve(node, file, reporter)
            file.links.append(link)
            if link.target is not None and link.target.resolve() not in found:
                root = link.target.parent if link.via == "std" else file.root
                pending.append(_read(link.target, root, is_std=link.via == "std"))
        file.diagnostics.extend(reporter.found)
    return _in_order(found)


def project_root(path: Path) -> Path:
    """The nearest folder upward with a `pyproject.toml`; without one, the file's own folder."""
    folder = Path(os.path.abspath(path)).parent
    return next((up for up in (folder, *folder.parents) if (up / _MARKER).is_file()), folder)


def _read(path: Path, root: Path, *, is_std: bool) -> File:
    path = Path(os.path.abspath(path))
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ToolError(
            f"{path} cannot be read: {error.strerror or error}", help="check the path and its permissions"
        ) from error
    name = f"mpstd/{path.name}" if is_std else path.relative_to(root).as_posix()
    source, diagnostics = decode(data, name, name if is_std else _shown(path))
    tree: Module | None = None
    if source is not None:
        tree, parse_diagnostics = parse(source)
        diagnostics = [*diagnostics, *parse_diagnostics]
    return File(path=path, root=root, is_std=is_std, source=source, tree=tree, diagnostics=diagnostics)


def _shown(path: Path) -> str:
    """The path as people write it: relative to where they are, if it lies below."""
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else path.as_posix()


# ------------------------------------------------------------------------------------------ resolution


def _resolve(node: Import, file: File, reporter: Reporter) -> Link:
    names = [name.text for name in node.path.names]
    if names[0] == "std":
        return _resolve_std(node, names[1:], reporter)
    relative = Path(*names[:-1], names[-1] + SUFFIX)
    places: tuple[tuple[Via, Path], ...] = (("folder", file.path.parent), ("root", file.root))
    for via, folder in places:
        target = folder / relative
        if not target.is_file():
            continue
        if not target.resolve().is_relative_to(file.root.resolve()):
            reporter.report(
                "MP0704",
                node.path.span,
                f"`{node.path.text}` is outside the project",
                label=f"{relative.as_posix()} leads out of the project's root",
                help="copy the file into the project",
            )
            return Link(node, None, via)
        return Link(node, target, via)
    _report_missing(node.path, relative, file, reporter)
    return Link(node, None, "root")


def _report_missing(path: DottedPath, relative: Path, file: File, reporter: Reporter) -> None:
    folder = file.path.parent / relative.parent
    beside = [found.stem for found in folder.glob(f"*{SUFFIX}")] if folder.is_dir() else []
    reporter.report(
        "MP0701",
        path.span,
        f"`{path.text}` was not found",
        label=f"there is no {relative.as_posix()} beside this file or in the project's root",
        help=suggestion(relative.stem, beside) or "an import names a file by its path without `.mp`",
    )


def _resolve_std(node: Import, names: Sequence[str], reporter: Reporter) -> Link:
    # Editable and wheel installs both unpack the library: its modules are plain files.
    library = Path(str(files("mpstd")))
    target = library.joinpath(*names).with_suffix(SUFFIX) if names else library
    if target.is_file():
        return Link(node, target, "std")
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
    return Link(node, None, "std")


# ----------------------------------------------------------------------------------------------- order


def _in_order(found: dict[Path, File]) -> list[File]:
    """Each file after those it imports; an import that closes a circle is reported and cut."""
    while True:
        graph = TopologicalSorter(
            {
                key: [link.target.resolve() for link in file.links if link.target]
                for key, file in found.items()
            }
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
    for file, next_file in zip(circle, (*circle[1:], circle[0]), strict=True):
        assert file.source is not None
        link = next(link for link in file.links if _leads_to(link, next_file))
        text = f"{file.source.display} imports {os.path.basename(next_file.path)} here"
        labels.append(Label(source=file.source, span=link.node.path.span, text=text))
    first = circle[0]
    itself = len(circle) == 1
    first.diagnostics.append(
        Diagnostic(
            code="MP0702",
            message="the file imports itself" if itself else "these files import one another in a circle",
            primary=labels[0],
            secondary=tuple(labels[1:]),
            help="remove the import" if itself else "move what both need into a third file",
        )
    )
    after = circle[1 % len(circle)]
    first.links = [
        Link(link.node, None, link.via) if _leads_to(link, after) else link for link in first.links
    ]


def _leads_to(link: Link, file: File) -> bool:
    return link.target is not None and link.target.resolve() == file.path.resolve()
