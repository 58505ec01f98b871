"""A class name means one thing, in the compiler and in the contract that it shares with the runtime."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_no_two_classes_have_one_name() -> None:
    files = [*(ROOT / "compiler" / "mpc").rglob("*.py"), ROOT / "runtime" / "microprompt" / "abi.py"]
    names = Counter(
        node.name
        for path in files
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert not [name for name, count in names.items() if count > 1]
