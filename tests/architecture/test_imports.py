"""The imports of the three packages run one way, and in no circle."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import ModuleType

import pytest

import microprompt
import mpc.project

from .imports import MPC, ROOT, RUNTIME, graph, imported, modules

# Lower layers first; a module imports from its own layer and from those below. A layer holds files and rooms;
# a file that is named here with its room stands apart from the rest of the room.
COMPILER = (
    ("source",),
    ("codes",),
    ("diagnostics",),
    ("render", "syntax"),
    ("spec",),
    ("types",),
    ("expressions",),
    ("sema",),
    ("bodies", "flows"),
    ("lower",),
    ("key",),
    ("tuning",),
    ("codegen",),
    ("pipeline",),
    ("project",),
    ("functions",),
    ("trials",),
    ("studio",),
    ("cli",),
    ("__main__",),
)
RUNTIME_LAYERS = (
    ("errors", "grammars", "notation", "spans", "storage"),
    ("shapes",),
    ("abi", "locations"),
    ("patterns",),
    ("enums", "records"),
    ("children", "cpu"),
    ("settings",),
    ("types",),
    ("program",),
    ("answer", "journal", "rows"),
    ("given", "trace"),
    ("recording", "running", "telemetry"),
    ("heads",),
    ("prompts",),
    ("scheduling",),
    ("explain", "llamacpp"),
    ("models",),
    ("engines",),
    ("observed",),
    ("deciding",),
    ("gathering",),
    ("declared",),
    ("function",),
    ("flows",),
    ("interface",),
    ("evaluation",),
    ("recording.labels", "recording.replay"),
    ("tuning",),
    ("systemone",),
    ("serving",),
    ("mcp_server",),
    ("testing",),
)
LEAVES = ("abi", "children", "grammars", "locations", "notation", "patterns", "shapes", "spans", "storage")
"""What the compiler may know of the runtime."""
CALLERS = ("functions", "trials", "studio", "cli")
"""Rooms of the compiler that call programs, for which they know the runtime."""


HOUSE = ROOT / "compiler" / "docs" / "architecture.md"


def upward(links: Mapping[str, set[str]], layers: Sequence[Sequence[str]]) -> list[str]:
    """The imports that run from a lower layer to a higher one."""
    rank = {name: level for level, layer in enumerate(layers) for name in layer}

    def level(module: str) -> int | None:
        place = module.partition(".")[2]
        while place:
            if place in rank:
                return rank[place]
            place = place.rpartition(".")[0]
        return None  # the package itself, which gathers what is public

    found = []
    for module, used in links.items():
        mine = level(module)
        assert mine is not None or "." not in module, f"{module} is in no layer"
        for other in used:
            theirs = level(other)
            # What imports the package itself is in a circle with it, unless that is empty.
            if mine is not None and theirs is not None and theirs > mine:
                found.append(f"{module} -> {other}")
    return sorted(found)


@pytest.mark.parametrize(
    ("package", "layers"), [(MPC, COMPILER), (RUNTIME, RUNTIME_LAYERS)], ids=["compiler", "runtime"]
)
def test_imports_run_downwards(package: Path, layers: Sequence[Sequence[str]]) -> None:
    assert not upward(graph(package), layers)


@pytest.mark.parametrize("package", [MPC, RUNTIME], ids=lambda package: package.name)
def test_imports_run_in_no_circle(package: Path) -> None:
    try:
        TopologicalSorter(graph(package)).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_the_page_of_the_house_has_the_same_order() -> None:
    page = " ".join(HOUSE.read_text(encoding="utf-8").split())
    for layers in (COMPILER, RUNTIME_LAYERS):
        assert f"`{' <- '.join(map(', '.join, layers))}`" in page


def test_the_page_of_the_house_shows_every_room() -> None:
    rooms = re.split(r"^\w+/\w+/$", HOUSE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    for layers, shown in zip((COMPILER, RUNTIME_LAYERS), rooms, strict=True):
        names = re.findall(r"^  (\S.*?)(?:   .*)?$", shown.partition("```")[0], flags=re.MULTILINE)
        found = {name.removesuffix(".py").rstrip("/") for name in " ".join(names).split()}
        assert found == {name for layer in layers for name in layer} - {"__main__"}


def test_an_upward_import_is_found() -> None:
    layers = (("low",), ("room",), ("room.top",))
    links = {"p": {"p.room"}, "p.low": {"p.room"}, "p.room.top": {"p.room.other", "p.low"}}
    assert upward(links, layers) == ["p.low -> p.room"]


def test_a_file_outside_of_all_layers_is_found() -> None:
    with pytest.raises(AssertionError, match=r"p\.new is in no layer"):
        upward({"p.new": set()}, (("low",),))


def test_the_compiler_knows_only_the_leaves_of_the_runtime() -> None:
    used = {
        name.split(".")[1]
        for path in modules(MPC)
        if path.relative_to(MPC).with_suffix("").parts[0] not in CALLERS
        for name in imported(path, MPC)
        if name.startswith("microprompt.")
    }
    assert used <= set(LEAVES)


def test_the_runtime_does_not_know_the_compiler() -> None:
    found = {name for path in modules(RUNTIME) for name in imported(path, RUNTIME)}
    assert not [name for name in found if name.split(".")[0] == "mpc"]


@pytest.mark.parametrize("leaf", LEAVES)
def test_a_leaf_needs_only_the_standard_library(leaf: str) -> None:
    """At once: `patterns` reads llguidance, and makes schemas for Pydantic, when it is asked to."""
    late = {"grammars": {"llguidance"}, "patterns": {"llguidance", "pydantic", "pydantic_core"}}
    paths = [path for path in modules(RUNTIME) if path.relative_to(RUNTIME).with_suffix("").parts[0] == leaf]
    tops = {name.split(".")[0] for path in paths for name in imported(path, RUNTIME)}
    assert tops - late.get(leaf, set()) <= {*sys.stdlib_module_names, "microprompt"}


@pytest.mark.parametrize("path", sorted((ROOT / "stdlib" / "mpstd").glob("*.mp")), ids=lambda path: path.stem)
def test_generated_modules_import_only_the_runtime_and_each_other(path: Path) -> None:
    found = set(imported(path.with_suffix(".py"), ROOT / "stdlib" / "mpstd"))
    assert {name.split(".")[0] for name in found} <= {"__future__", "typing", "microprompt", "mpstd"}
    assert {name for name in found if name.startswith("microprompt")} <= {
        *("microprompt", "microprompt.abi", "microprompt.flow", "microprompt.prompt"),
        *("microprompt.enums", "microprompt.enums.LabelEnum"),
        *("microprompt.records", "microprompt.records.Field", "microprompt.records.Pattern"),
        "microprompt.records.Record",
    }


@pytest.mark.parametrize("package", [mpc.project, microprompt], ids=lambda package: package.__name__)
def test_what_a_package_imports_when_it_is_asked_for_is_there(package: ModuleType) -> None:
    assert [name for name in package.__all__ if not hasattr(package, name)] == []
    assert not hasattr(package, "nothing_of_the_kind")
