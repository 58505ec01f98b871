"""Values of several parts as people write them down, for holes: a line for each part, and no quotes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

NOTHING: Final = "none"
"""What stands for a missing value, and for a list without items."""

_MARGIN: Final = "  "


def lines_of(texts: Iterable[str]) -> str:
    """A list: an item to a line, behind a dash. The other lines of an item are indented."""
    return "\n".join(f"- {_hanging(text)}" for text in texts)


def behind(label: str, text: str) -> str:
    """A field, its text behind its label."""
    return f"{label}: {_hanging(text)}"


def below(label: str, text: str) -> str:
    """A field whose text has lines of its own, below its label."""
    return f"{label}:\n{_MARGIN}{_hanging(text)}"


def in_brackets(parts: Iterable[tuple[str, str]]) -> str:
    """Labels and their texts on one line."""
    found = "; ".join(f"{label}: {text}" for label, text in parts)
    return f"({found})" if found else NOTHING


def _hanging(text: str) -> str:
    return text.replace("\n", f"\n{_MARGIN}")
