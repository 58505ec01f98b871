"""What the assistant does beside talking: it calculates, tells the time, looks things up in documents."""

from __future__ import annotations

import ast
import operator
import os
import re
import sqlite3
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

DOCUMENTS: Final = "ASSISTANT_DOCUMENTS"
"""The environment variable with the folder that `search` looks into, instead of the one beside this file."""

_SENTENCE_END: Final = re.compile(r"(?<=[.!?]) ")

_SIGNS: Final[dict[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def calculate(expression: str) -> str:
    """The expression with its value, as in `3 * 4 = 12`, or why it has none."""
    try:
        value = _value(ast.parse(expression.strip(), mode="eval").body)
    except (SyntaxError, ArithmeticError, ValueError) as error:
        return f"{expression} can not be worked out: {error}"
    return f"{expression.strip()} = {value:.10g}"


def _value(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=item):
            return -_value(item)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _SIGNS:
            return _SIGNS[type(sign)](_value(left), _value(right))
    raise ValueError("it has more in it than numbers and + - * /")


def clock(place: str) -> str:
    """The time in a city that has a time zone of its own."""
    wanted = place.strip().replace(" ", "_").lower()
    zone = next((zone for zone in sorted(available_timezones()) if zone.lower().endswith(f"/{wanted}")), None)
    if zone is None:
        return f"No time zone is called {place.strip()}."
    return f"In {place.strip()} it is {datetime.now(ZoneInfo(zone)):%H:%M}."


def search(words: str) -> list[str]:
    """The sentences of the paragraphs that have any of the words, the best three paragraphs first."""
    asked = " OR ".join(f'"{word}"' for word in _words(words))
    if not asked:
        return []
    folder = Path(os.environ.get(DOCUMENTS, Path(__file__).parent / "documents"))
    found = _index(folder).execute(
        "SELECT text FROM paragraphs WHERE paragraphs MATCH ? ORDER BY rank LIMIT 3", (asked,)
    )
    return [sentence for (text,) in found for sentence in _SENTENCE_END.split(text)]


def _words(text: str) -> list[str]:
    letters = "".join(each if each.isalnum() else " " for each in text)
    return [word for word in letters.split() if len(word) > 2]


@cache
def _index(folder: Path) -> sqlite3.Connection:
    """The paragraphs of all documents, by SQLite's full-text search."""
    index = sqlite3.connect(":memory:", check_same_thread=False)
    index.execute("CREATE VIRTUAL TABLE paragraphs USING fts5(text, title, tokenize = 'porter')")
    for path in sorted(folder.glob("*.md")):
        title, *paragraphs = path.read_text(encoding="utf-8").strip().split("\n\n")
        for paragraph in paragraphs:
            index.execute("INSERT INTO paragraphs VALUES (?, ?)", (" ".join(paragraph.split()), title))
    return index
