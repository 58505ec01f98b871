"""The source files that a command's paths name."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from ..diagnostics import ToolError
from .paths import absolute, shown

SUFFIX: Final = ".mp"

_SKIPPED: Final = frozenset({"node_modules", "__pycache__", "build", "dist"})


def named(paths: Sequence[Path]) -> dict[Path, Path]:
    """Every `.mp` file that is named or lies below a named folder, sorted, with that folder or its own.

    Raises `ToolError` for a path that is neither.
    """
    found: dict[Path, Path] = {}
    for path in map(absolute, paths):
        if os.path.isdir(path):
            for file in _below(path):
                found.setdefault(file, path)
        elif not os.path.lexists(path):
            raise ToolError(f"{shown(path)} does not exist", help="name a .mp file or a folder")
        elif path.suffix != SUFFIX:
            raise ToolError(f"{shown(path)} is not a {SUFFIX} file", help="name a .mp file or a folder")
        else:
            found[path] = path.parent
    return dict(sorted(found.items()))


def collect(paths: Sequence[Path]) -> tuple[Path, ...]:
    """The `.mp` files that are named or lie below a named folder, sorted; `ToolError` for anything else."""
    return tuple(named(paths))


def _below(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in _SKIPPED and not name.startswith(".")]
        yield from (
            Path(parent, name) for name in names if name.endswith(SUFFIX) and not name.startswith(".")
        )
