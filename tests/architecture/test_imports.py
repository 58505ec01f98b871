"""The imports of the three packages run one way."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MPC = ROOT / "compiler" / "mpc"
RUNTIME = ROOT / "runtime" / "microprompt"

# Lower layers first; a module imports from its own layer and from those below.
LAYERS = (
    ("source",),
    ("codes",),
    ("diagnostics",),
    ("render",),
    ("syntax",),
    ("sema",),
    ("spec",),
    ("lower",),
    ("codegen",),
    ("pipeline",),
    ("project",),
    ("cli", "lsp", "importer"),
)
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}


def modules(package: Path) -> list[Path]:
    return sorted(package.rglob("*.py"))


def imported(path: Path, package: Path) -> Iterator[str]:
    """The full names of the modules that a file imports, wherever it does."""
    here = (package.name, *path.relative_to(package).with_suffix("").parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(here[: len(here) - node.level]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def layer_of(path: Path) -> str:
    return path.relative_to(MPC).with_suffix("").parts[0]


@pytest.mark.parametrize(
    "path",
    [path for path in modules(MPC) if layer_of(path) != "__init__"],
    ids=lambda path: path.relative_to(MPC).as_posix(),
)
def test_the_compiler_imports_downwards(path: Path) -> None:
    used = {name.split(".")[1] for name in imported(path, MPC) if name.startswith("mpc.")}
    above = {name for name in used & RANK.keys() if RANK[name] > RANK[layer_of(path)]}
    assert not above


def test_the_compiler_knows_only_the_contract_of_the_runtime() -> None:
    found = {
        name
        for path in modules(MPC)
        if layer_of(path) != "cli"
        for name in imported(path, MPC)
        if name.split(".")[0] == "microprompt"
    }
    assert found <= {
        *("microprompt.abi", "microprompt.abi.ABI_VERSION"),
        *("microprompt.locations", "microprompt.locations.is_path"),
    }


def test_the_runtime_does_not_know_the_compiler() -> None:
    found = {name for path in modules(RUNTIME) for name in imported(path, RUNTIME)}
    assert not [name for name in found if name.split(".")[0] == "mpc"]


def test_the_contract_needs_only_the_standard_library() -> None:
    found = set(imported(RUNTIME / "abi.py", RUNTIME)) | set(imported(RUNTIME / "errors.py", RUNTIME))
    tops = {name.split(".")[0] for name in found}
    assert tops <= {"__future__", "collections", "dataclasses", "enum", "typing", "microprompt"}
    assert {name for name in found if name.startswith("microprompt.")} <= {
        *("microprompt.errors", "microprompt.errors.AbiError"),
    }


@pytest.mark.parametrize("path", sorted((ROOT / "stdlib" / "mpstd").glob("*.mp")), ids=lambda path: path.stem)
def test_generated_modules_import_only_the_runtime_and_each_other(path: Path) -> None:
    found = set(imported(path.with_suffix(".py"), ROOT / "stdlib" / "mpstd"))
    assert {name.split(".")[0] for name in found} <= {"__future__", "enum", "typing", "microprompt", "mpstd"}
    assert {name for name in found if name.startswith("microprompt")} <= {
        *("microprompt", "microprompt.abi", "microprompt.prompt"),
        *("microprompt.records", "microprompt.records.Field", "microprompt.records.Record"),
    }
