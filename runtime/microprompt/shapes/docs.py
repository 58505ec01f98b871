"""The docstring of a class, and those below its fields or members, which only its source has."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

_OF_NO_USER: Final = frozenset(("builtins", "enum", "typing", "pydantic"))
"""Packages whose bases have no fields or members; to read Pydantic's takes a tenth of a second."""


@lru_cache(maxsize=1024)
def docstrings(cls: type) -> Mapping[str, str]:
    """By the names of fields or members, each as one line; that of the class itself is called "". Those of
    its bases count for what it inherits. Empty where there is no source."""
    found: dict[str, str] = {}
    for each in reversed(cls.__mro__):
        found.pop("", None)
        if each.__module__.partition(".")[0] not in _OF_NO_USER:
            found.update(_own(each))
    return found


def _own(cls: type) -> Iterator[tuple[str, str]]:
    try:
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    except (OSError, TypeError, SyntaxError, ValueError):
        return
    if not isinstance(tree, ast.ClassDef):
        return
    if text := ast.get_docstring(tree):
        yield "", one_line(text.split("\n\n")[0])
    for field, below in zip(tree.body, tree.body[1:], strict=False):
        targets: list[ast.expr] = []
        if isinstance(field, ast.AnnAssign):
            targets = [field.target]
        elif isinstance(field, ast.Assign):
            targets = field.targets
        text = _text(below)
        for target in targets:
            if isinstance(target, ast.Name) and text:
                yield target.id, one_line(text)


def _text(node: ast.stmt) -> str | None:
    value = node.value if isinstance(node, ast.Expr) else None
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def one_line(text: str) -> str:
    return " ".join(text.split())
