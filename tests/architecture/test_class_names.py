"""A class name means one thing, in the compiler and in the runtime."""

from __future__ import annotations

import ast
from collections import Counter

from .imports import MPC, RUNTIME, modules


def test_no_two_classes_have_one_name() -> None:
    names = Counter(
        node.name
        for path in (*modules(MPC), *modules(RUNTIME))
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert not [name for name, count in names.items() if count > 1]
