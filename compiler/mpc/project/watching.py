"""Whether a build would see anything else than it did: `mpc build --watch` asks twice a second."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..diagnostics import ToolError
from .files import read_all
from .looks import Looks, are_the_same, joined
from .named import named
from .python import python_sources


@dataclass(frozen=True, slots=True)
class Watched:
    """What a build of some paths depends on, as it was at a time: which files there are, what the file system
    said of them, and when Python modules that they import from were written.

    There is no `named` where that could not be read, as while an editor moves a file away.
    """

    paths: tuple[Path, ...]
    named: Mapping[Path, Path] | None
    looks: Looks
    python: Mapping[Path, float | None]

    def has_changed(self) -> bool:
        """Whether that is another now. No file is compiled for it, nor parsed."""
        if self.named is None:
            return watch(self.paths).named is not None
        try:
            return (
                named(self.paths) != self.named
                or not are_the_same(self.looks)
                or _times(self.python) != self.python
            )
        except ToolError:
            return True


def watch(paths: Sequence[Path]) -> Watched:
    """What a build of `paths` depends on now."""
    try:
        found = named(paths)
        files = read_all(list(found))
    except (OSError, ToolError):
        return Watched(tuple(paths), None, {}, {})
    python = _times(path for file in files for path in python_sources(file))
    return Watched(tuple(paths), found, joined(file.looks for file in files), python)


def _times(paths: Iterable[Path]) -> dict[Path, float | None]:
    times: dict[Path, float | None] = {}
    for path in paths:
        times[path] = None
        with suppress(OSError):
            times[path] = path.stat().st_mtime
    return times
