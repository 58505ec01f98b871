"""Constraints: what the parentheses behind a type allow, and whether that is anything at all."""

from __future__ import annotations

import math
from decimal import Decimal

from microprompt.patterns import Pattern, PatternError

from ..diagnostics import Reporter
from ..syntax import nodes
from .types import MAX_DECIMALS, StrType
from .values import read_number


def pattern_type(node: nodes.Pattern, reporter: Reporter) -> StrType:
    """A string with a pattern; one that is of no use is reported."""
    try:
        Pattern(node.text).require_use()
    except PatternError as error:
        code, message, help = (
            ("MP0305", "nothing can match this pattern", "make the pattern shorter or simpler")
            if error.never
            else (
                "MP0304",
                "this pattern cannot be compiled",
                "see `mpc explain MP0304` for what a pattern may hold",
            )
        )
        reporter.report(code, node.span, message, label=error.reason, help=help)
    return StrType(pattern=node.text)


def bounds(node: nodes.NamedType, reporter: Reporter) -> tuple[float | None, float | None]:
    """The ends of a range of numbers, in order; a side that was reported is left open."""
    if not isinstance(node.constraint, nodes.Range):
        return None, None
    ends = [_bound(end, reporter, whole=False) for end in (node.constraint.low, node.constraint.high)]
    low, high = (None if end is None else float(end) for end in ends)
    _check_order(node.constraint, low, high, reporter)
    if low is not None and high is not None and low <= high and not _has_decimal(low, high):
        reporter.report(
            "MP0301",
            node.constraint.span,
            "nothing is in this range",
            label=f"no number with {MAX_DECIMALS} digits behind the point lies between its ends",
            help="widen the range",
        )
    return low, high


def _has_decimal(low: float, high: float) -> bool:
    scale = Decimal(10) ** MAX_DECIMALS
    return math.ceil(Decimal(str(low)) * scale) <= math.floor(Decimal(str(high)) * scale)


def whole_bounds(node: nodes.NamedType, reporter: Reporter) -> tuple[int | None, int | None]:
    """The same for a range of whole numbers."""
    if not isinstance(node.constraint, nodes.Range):
        return None, None
    ends = [_bound(end, reporter, whole=True) for end in (node.constraint.low, node.constraint.high)]
    low, high = (None if end is None else int(end) for end in ends)
    _check_order(node.constraint, low, high, reporter)
    return low, high


def lengths(
    node: nodes.NamedType, unit: str, default: int, reporter: Reporter
) -> tuple[int | None, int | None]:
    """The ends of a range of lengths, which are not negative and allow more than nothing."""
    low, high = whole_bounds(node, reporter)
    if not isinstance(node.constraint, nodes.Range):
        return None, None
    for end, value, least in ((node.constraint.low, low, 0), (node.constraint.high, high, 1)):
        if end is not None and value is not None and value < least:
            reporter.report(
                "MP0303",
                end.span,
                f"a bound of {value} {unit}",
                label="a length is not negative" if value < 0 else "this leaves room for nothing",
                help=f"write a number of {unit}, from {least} on",
            )
            return None, None
    if low is not None and high is None and low > default:
        reporter.report(
            "MP0310",
            node.constraint.span,
            f"at least {low} {unit} of at most {default}",
            label=f"without an upper bound there are at most {default} {unit}",
            help=f"give an upper bound too: `{low}..{2 * low}`",
        )
    return low, high


def _bound(node: nodes.NumberValue | None, reporter: Reporter, *, whole: bool) -> float | int | None:
    if node is None:
        return None
    value = read_number(node.text)
    if value is None:
        problem, help = "numbers have at most 15 digits before the point", "write a smaller number"
    elif whole and not isinstance(value, int):
        problem, help = "this is not a whole number", "write a whole number"
    else:
        return value
    reporter.report("MP0303", node.span, f"`{node.text}` cannot bound this type", label=problem, help=help)
    return None


def _check_order(node: nodes.Range, low: float | None, high: float | None, reporter: Reporter) -> None:
    if low is not None and high is not None and low > high:
        reporter.report(
            "MP0301",
            node.span,
            "nothing is in this range",
            label=f"{low} is above {high}",
            help=f"did you mean `{high}..{low}`?",
        )
    elif low is None and high is None and node.low is None and node.high is None:
        reporter.report(
            "MP0303", node.span, "a range without ends", label="this bounds nothing", help="leave it out"
        )
