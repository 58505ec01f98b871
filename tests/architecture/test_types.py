"""What differs by type stands with the types: nobody else in the runtime asks which class a type is of."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from microprompt.prompts import plan
from microprompt.scheduling.slots import SLOTS
from microprompt.types import KINDS

RUNTIME = Path(__file__).parents[2] / "runtime" / "microprompt"
TYPES = {found.__name__ for found in KINDS}
ELSEWHERE = sorted(path for path in RUNTIME.rglob("*.py") if "types" not in path.relative_to(RUNTIME).parts)


def asked(tree: ast.AST) -> list[str]:
    """The classes of types that a module asks for: by `match`, `isinstance`, or a comparison with one."""
    found: list[ast.expr] = []
    for node in ast.walk(tree):
        match node:
            case ast.MatchClass():
                found.append(node.cls)
            case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, classes]):
                found.append(classes)
            case ast.Compare():
                found += [node.left, *node.comparators]
    names = {
        each.attr if isinstance(each, ast.Attribute) else each.id
        for part in found
        for each in ast.walk(part)
        if isinstance(each, (ast.Attribute, ast.Name))
    }
    return sorted(names & TYPES)


@pytest.mark.parametrize("path", ELSEWHERE, ids=lambda path: path.relative_to(RUNTIME).as_posix())
def test_nobody_but_the_types_asks_for_the_class_of_a_type(path: Path) -> None:
    assert asked(ast.parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "text",
    [
        "match declared:\n    case types.PatternType(pattern=None):\n        pass",
        "isinstance(declared, (str, types.ListType))",
        "type(declared) is IntType",
    ],
)
def test_asking_is_noticed(text: str) -> None:
    assert len(asked(ast.parse(text))) == 1


def test_every_type_is_in_the_table() -> None:
    found = {
        node.name
        for path in (RUNTIME / "types").glob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "DeclaredType" for base in node.bases)
    }
    assert found == TYPES


def test_every_node_of_a_plan_has_a_slot() -> None:
    nodes = {
        found for found in vars(plan).values() if isinstance(found, type) and issubclass(found, plan.Node)
    }
    assert SLOTS.keys() == nodes - {plan.Node}
