"""Constraints: what stands in brackets and parentheses behind a type, and whether it allows anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, Self, TypeVar

from microprompt.abi import INT_DIGITS

from ..diagnostics import Reporter
from ..source import Span
from ..syntax import nodes
from .base import ErrorType, Reading


class _Ordered(Protocol):
    def __gt__(self, other: Self, /) -> bool: ...


_E = TypeVar("_E", bound=_Ordered)


def read_number(text: str) -> int | float | None:
    """The number, whole if it is written without point and exponent; `None` beyond 15 digits."""
    if "." in text or "e" in text or "E" in text:
        value = float(text)
        return value if abs(value) <= 10**INT_DIGITS - 1 else None
    # Leading zeros count for nothing here, but Python refuses to read thousands of them.
    digits = text.lstrip("+-0")
    if len(digits) > INT_DIGITS:
        return None
    return -int(digits or "0") if text.startswith("-") else int(digits or "0")


# ------------------------------------------------------------------------------------------- what is taken


def takes_no_arguments(node: nodes.NamedTypeAst, reporter: Reporter) -> ErrorType | None:
    """Report type arguments; the type is an error then."""
    if not node.arguments:
        return None
    return report_arguments(
        node, f"`{node.path.text}` takes no type arguments", "leave the brackets out", reporter
    )


def takes_no_pattern(node: nodes.NamedTypeAst, help: str, reporter: Reporter) -> ErrorType | None:
    """Report a pattern; the type is an error then."""
    if not isinstance(node.constraint, nodes.PatternAst):
        return None
    return _report_constraint(node.constraint, "pattern", node.path.text, help, reporter)


def takes_no_range(node: nodes.NamedTypeAst, help: str, reporter: Reporter) -> ErrorType | None:
    """Report a range; the type is an error then."""
    if not isinstance(node.constraint, nodes.RangeAst):
        return None
    return _report_constraint(node.constraint, "range", node.path.text, help, reporter)


def takes_only_range(node: nodes.NamedTypeAst, reporter: Reporter) -> ErrorType | None:
    """Report type arguments and a pattern; the type is an error then."""
    help = "use `str` with the pattern"
    return takes_no_arguments(node, reporter) or takes_no_pattern(node, help, reporter)


def takes_no_source(node: nodes.NamedTypeAst, reporter: Reporter) -> ErrorType | None:
    """Report a parameter in parentheses; the type is an error then."""
    if not isinstance(node.constraint, nodes.CopiedAst):
        return None
    written = node.constraint.source.text
    reporter.report(
        "MP0302",
        node.constraint.span,
        f"`{node.path.text}` takes no parameter",
        label="this name constrains nothing",
        help=f"write `span({written})` for text that is copied from `{written}`",
    )
    return ErrorType()


def report_arguments(node: nodes.NamedTypeAst, message: str, help: str, reporter: Reporter) -> ErrorType:
    label = f"{len(node.arguments)} given" if node.arguments else "none given"
    reporter.report("MP0309", node.span, message, label=label, help=help)
    return ErrorType()


def _report_constraint(
    node: nodes.SyntaxNode, kind: str, name: str, help: str, reporter: Reporter
) -> ErrorType:
    reporter.report(
        "MP0302",
        node.span,
        f"`{name}` takes no {kind}",
        label=f"this {kind} constrains nothing",
        help=help,
    )
    return ErrorType()


# ----------------------------------------------------------------------------------------------- ranges


def bounds(node: nodes.NamedTypeAst, reporter: Reporter) -> tuple[float | None, float | None]:
    """The ends of a range of numbers, in order; a side that was reported is left open."""
    if not isinstance(node.constraint, nodes.RangeAst):
        return None, None
    ends = [_bound(end, reporter, whole=False) for end in (node.constraint.low, node.constraint.high)]
    low, high = (None if end is None else float(end) for end in ends)
    check_order(node.constraint, low, high, reporter)
    return low, high


def whole_bounds(node: nodes.NamedTypeAst, reporter: Reporter) -> tuple[int | None, int | None]:
    """The same for a range of whole numbers."""
    if not isinstance(node.constraint, nodes.RangeAst):
        return None, None
    ends = [_bound(end, reporter, whole=True) for end in (node.constraint.low, node.constraint.high)]
    low, high = (None if end is None else int(end) for end in ends)
    check_order(node.constraint, low, high, reporter)
    return low, high


def lengths(
    node: nodes.NamedTypeAst, unit: str, default: int, reporter: Reporter
) -> tuple[int | None, int | None]:
    """The ends of a range of lengths, which are not negative and allow more than nothing."""
    low, high = whole_bounds(node, reporter)
    if not isinstance(node.constraint, nodes.RangeAst):
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


def _bound(node: nodes.BoundAst | None, reporter: Reporter, *, whole: bool) -> float | int | None:
    if node is None:
        return None
    value = read_number(node.text) if isinstance(node, nodes.NumberAst) else None
    if isinstance(node, nodes.MomentAst):
        problem, help = "this is not a number", "write a number"
    elif value is None:
        problem = f"numbers have at most {INT_DIGITS} digits before the point"
        help = "write a smaller number"
    elif whole and not isinstance(value, int):
        problem, help = "this is not a whole number", "write a whole number"
    else:
        return value
    report_bound(node, problem, help, reporter)
    return None


def report_bound(node: nodes.BoundAst, problem: str, help: str, reporter: Reporter) -> None:
    """Report the end of a range that is of another kind than the type."""
    reporter.report("MP0303", node.span, f"`{node.text}` cannot bound this type", label=problem, help=help)


def check_order(
    node: nodes.RangeAst,
    low: _E | None,
    high: _E | None,
    reporter: Reporter,
    *,
    written: Callable[[_E], str] = str,
) -> None:
    """Report a range that nothing is in, and one without ends."""
    if low is not None and high is not None and low > high:
        reporter.report(
            "MP0301",
            node.span,
            "nothing is in this range",
            label=f"{written(low)} is above {written(high)}",
            help=f"did you mean `{written(high)}..{written(low)}`?",
        )
    elif low is None and high is None and node.low is None and node.high is None:
        reporter.report(
            "MP0303", node.span, "a range without ends", label="this bounds nothing", help="leave it out"
        )


def check_in_range(
    span: Span,
    value: _E,
    low: _E | None,
    high: _E | None,
    help: str,
    reading: Reading,
    *,
    written: Callable[[_E], str] = str,
    sides: tuple[str, str] = ("below", "above"),
) -> None:
    """Report a value beyond an end of its type's range."""
    below, above = sides
    if low is not None and low > value:
        reading.outside(span, f"is {below} {written(low)}", help)
    elif high is not None and value > high:
        reading.outside(span, f"is {above} {written(high)}", help)


# ----------------------------------------------------------------------------------------------- braces


def report_twice_in_braces(span: Span, first: Span, message: str, label: str, reporter: Reporter) -> None:
    """Report a label or a key that is there twice."""
    reporter.report(
        "MP0508",
        span,
        message,
        label=f"{label} again",
        help="leave one of the two out",
        also=[(first, "first written here")],
    )
