"""Which module of a package imports which, read from the source: late imports and those for types too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
MPC = ROOT / "compiler" / "mpc"
RUNTIME = ROOT / "runtime" / "microprompt"


def modules(package: Path) -> list[Path]:
    """The files of a package."""
    return sorted(package.rglob("*.py"))


def name_of(path: Path, package: Path) -> str:
    """A file's module: `microprompt.types`, `mpc.syntax.parser`."""
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path, package: Path) -> Iterator[str]:
    """The full names of all that a file imports, wherever it does: modules, and names in them."""
    here = path.relative_to(package.parent).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(here[: len(here) - node.level]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def graph(package: Path) -> dict[str, set[str]]:
    """Every module of a package with those of the same package that it imports.

    `from . import x` is an import of `x` if that is a module, else of the package.
    """
    known = {name_of(path, package) for path in modules(package)}
    found: dict[str, set[str]] = {}
    for path in modules(package):
        name = name_of(path, package)
        used = {other for other in imported(path, package) if other in known}
        # A name that is imported from a package comes with the package's own module, unless it is a module.
        packages = {other for other in used if any(deeper.startswith(f"{other}.") for deeper in used)}
        from_packages = {
            full.rpartition(".")[0] for full in imported(path, package) if full not in known
        }
        found[name] = ((used - packages) | (packages & from_packages)) - {name}
    return found
