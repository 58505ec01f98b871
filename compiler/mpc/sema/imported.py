"""What a file leads to: its imports, and those of the files that it imports."""

from __future__ import annotations

from collections.abc import Iterator

from .checked import CheckedImport, CheckedModule


def imports_of(module: CheckedModule) -> Iterator[tuple[CheckedImport, CheckedModule]]:
    """The imports of a file and of all that it imports, each with its module; one of each file, nearest
    first."""
    seen = {module.source.path}
    queue = list(module.imports)
    for item in queue:
        if item.module is not None and item.module.source.path not in seen:
            seen.add(item.module.source.path)
            queue += item.module.imports
            yield item, item.module


def modules_of(module: CheckedModule) -> Iterator[CheckedModule]:
    """A file and all that it imports, each once, nearest first."""
    yield module
    yield from (imported for _, imported in imports_of(module))
