"""The functions of expressions, a row each. Python has them all, by the same names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class ExpressionFunction:
    """A function: what it is in Python, how a call of it is written, and how many arguments it takes at
    `most`, `None` for any number. One that `is_over_lists` goes, with one argument, over the items of a list.
    """

    python: Callable[..., Any]
    form: str
    most: int | None = 1
    is_over_lists: bool = False


FUNCTIONS: Final[Mapping[str, ExpressionFunction]] = {
    row.python.__name__: row
    for row in (
        ExpressionFunction(sum, "`sum(items.amount)`", is_over_lists=True),
        ExpressionFunction(min, "`min(items.amount)` or `min(a, b)`", most=None, is_over_lists=True),
        ExpressionFunction(max, "`max(items.amount)` or `max(a, b)`", most=None, is_over_lists=True),
        ExpressionFunction(any, "`any(items.amount < 0)`", is_over_lists=True),
        ExpressionFunction(all, "`all(items.amount > 0)`", is_over_lists=True),
        ExpressionFunction(len, "`len(items)`"),
        ExpressionFunction(round, "`round(total)` or `round(total, 2)`", most=2),
        ExpressionFunction(abs, "`abs(total - paid)`"),
    )
}
