"""How types are written in a program, piece by piece: what all messages call them.

Standard library only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final


def ranged(name: str, least: object, most: object) -> str:
    """`int(1..5)`, `str(..80)`, `float(0..)`; the name alone without bounds."""
    return name if least is None and most is None else f"{name}({range_text(least, most)})"


def range_text(least: object, most: object) -> str:
    """`1..5`, `..80`, `0..`."""
    return f"{'' if least is None else least}..{'' if most is None else most}"


def matching(pattern: str) -> str:
    """`str(/[A-Z]{2}/)`."""
    return "str(/" + pattern.replace("/", r"\/") + "/)"


def span_of(source: str, least: object, most: object, pattern: str | None) -> str:
    """`span(text)`, `span(doc.body, ..80)`, `span(text, /[A-Z]+/)`."""
    if pattern is not None:
        return f"span({source}, /" + pattern.replace("/", r"\/") + "/)"
    sized = "" if least is None and most is None else f", {range_text(least, most)}"
    return f"span({source}{sized})"


def one_of(source: str, by: str | None) -> str:
    """`one of options`, `one of tools by name`."""
    return f"one of {source}" if by is None else f"one of {source} by {by}"


def literals(values: Iterable[str | int]) -> str:
    """`"yes" | "no"`, `1 | 5`."""
    return " | ".join(json.dumps(value, ensure_ascii=False) for value in values)


def optional(item: str) -> str:
    """`Act?`, `("yes" | "no")?`."""
    return f"({item})?" if " | " in item else f"{item}?"


_ARM_WORDS: Final = {"str": "text", "int": "number", "float": "number", "bool": "yes or no"}


def head(type: str) -> str:
    """The name of a type without its limits and items: `int` of `int(1..5)`."""
    return re.split(r"[(\[]", type, maxsplit=1)[0]


def arm_word(name: str) -> str:
    """The word under which the model sees a type of this name among those of a union, unless it has its
    own."""
    return _ARM_WORDS.get(name, name)
