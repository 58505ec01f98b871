"""What the agent can use: the prices of a small shop, and a calculator."""

from __future__ import annotations

import sqlite3
from functools import cache
from typing import Final

_PRICES: Final = (("kettle", 40), ("cup", 8), ("teapot", 35), ("tray", 12))


def look_up(article: str) -> str:
    """The price of an article, as in `cup: 8`."""
    found = _shop().execute("SELECT name, price FROM articles WHERE ? LIKE name || '%'", (article.strip(),))
    row = found.fetchone()
    return f"{row[0]}: {row[1]}" if row else f"{article.strip()}: not sold here"


def compute(expression: str) -> str:
    """Two numbers with a sign between them, as in `2 * 9`, and what comes of them."""
    left, sign, right = expression.split()
    a, b = float(left), float(right)
    try:
        value = {"+": a + b, "-": a - b, "*": a * b}[sign] if sign != "/" else a / b
    except ZeroDivisionError:
        return f"{expression} has no value"
    return f"{expression} = {value:g}"


@cache
def _shop() -> sqlite3.Connection:
    shop = sqlite3.connect(":memory:", check_same_thread=False)
    shop.execute("CREATE TABLE articles (name TEXT, price INTEGER)")
    shop.executemany("INSERT INTO articles VALUES (?, ?)", _PRICES)
    return shop
