"""What is wrong with expressions, in the user's words."""

from __future__ import annotations

from collections.abc import Collection

from ..diagnostics import Reporter, listed
from ..source import Span
from ..syntax import nodes
from ..types import Type
from ..types.operands import Sort
from .checked import Checked, Known, Reached, Way
from .functions import FUNCTIONS


def written(node: nodes.ExpressionAst, reporter: Reporter) -> str:
    """An expression as the program has it."""
    return reporter.source.slice(node.span)


# ------------------------------------------------------------------------------------ ways and literals


def report_unknown(node: nodes.ReferenceAst, known: Collection[str], reporter: Reporter) -> None:
    """Report a name that is not among the `known` ones of the scope."""
    first = node.path.names[0]
    reporter.report(
        "MP1002",
        first.span,
        f"unknown name `{first.text}`",
        label="no value has this name here",
        help=reporter.suggestion(first.text, known)
        or listed(known)
        or f'write a string in quotes: `"{first.text}"`',
    )


def report_no_fields(name: nodes.Name, way: Way, type: Type, reporter: Reporter) -> None:
    """Report a way that goes on behind what has no fields."""
    reporter.report(
        "MP1002",
        name.span,
        f"`{'.'.join(way)}` has no fields",
        label=f"it is `{type.describe()}`, not a record",
        help="leave the point and the name behind it out",
    )


def report_missing(at: Span, written: str, reporter: Reporter) -> None:
    """Report something that is needed and may be none."""
    reporter.report(
        "MP1007",
        at,
        f"`{written}` may be none",
        label="there may be no value here",
        help=f"write `{written} is none or ...` before it",
    )


def report_two_lists(at: Span, list: Way, before: Way, reporter: Reporter) -> None:
    """Report a second list in a function that goes over the items of one."""
    reporter.report(
        "MP1015",
        at,
        "two lists at once",
        label=f"this goes over `{'.'.join(list)}`, what is before it over `{'.'.join(before)}`",
        help="a function goes over the items of one list",
    )


def report_list(node: nodes.ListAst, reporter: Reporter) -> None:
    """Report a list that is written where no list is wanted."""
    reporter.report(
        "MP1003",
        node.span,
        "a list beside something that is none",
        label="no list is compared here",
        help="write a list behind `in`, or beside a list",
    )


def report_none(node: nodes.ReferenceAst, reporter: Reporter) -> None:
    """Report `none` where a value is needed."""
    reporter.report(
        "MP1012",
        node.span,
        "`none` is no value to reckon with",
        label="nothing is known of it but that it is missing",
        help="ask with `is none` or `is not none`",
    )


# -------------------------------------------------------------------------------------------- conditions


def report_no_condition(node: nodes.ExpressionAst, found: Checked, reporter: Reporter) -> None:
    """Report something that is neither true nor false."""
    here = written(node, reporter)
    described = f"it is `{found.type.describe()}`"
    if found.type.operand.sort is Sort.TRUTH:
        label = "it may be true, false or none"
        help = f"write `{here} == true` or `{here} is not none`"
    elif isinstance(found, Reached):
        label, help = f"{described}, and always there", f"write `{here} == ...`"
    else:
        label, help = described, "compare it with something"
    reporter.report("MP1008", node.span, f"`{here}` is no condition", label=label, help=help)


def report_constant(at: Span, label: str, reporter: Reporter) -> None:
    """Report a condition whose outcome no value can change."""
    reporter.report(
        "MP1016",
        at,
        "a condition that is always the same",
        label=label,
        help="compare with a value that can change",
    )


def report_compared_with_none(
    node: nodes.ComparisonAst, other: nodes.ExpressionAst, reporter: Reporter
) -> None:
    """Report a comparison of `other` with `none`."""
    test = "is not none" if node.rest[0].sign == "!=" else "is none"
    reporter.report(
        "MP1012",
        node.span,
        "a comparison with `none`",
        label="whether there is a value is asked with `is`",
        help=f"write `{written(other, reporter)} {test}`",
    )


def report_never_none(node: nodes.NoneTestAst, operand: Checked, reporter: Reporter) -> None:
    """Report a test for none of what is always there."""
    reporter.report(
        "MP1012",
        node.span,
        f"`{written(node.operand, reporter)}` is never none",
        label=f"it is `{operand.type.describe()}`, which is always there",
        help="leave the test out, or make the type optional with `?`",
    )


def report_incomparable(at: Span, left: Checked, right: Checked, help: str, reporter: Reporter) -> None:
    """Report a comparison of values that do not compare; the `help` is for others than numbers."""
    if left.type.operand.mixes_with(right.type.operand):
        report_mixed(at, left, right, reporter)
        return
    label = f"this compares `{left.type.describe()}` and `{right.type.describe()}`"
    reporter.report("MP1003", at, "these do not compare", label=label, help=help)


def instead(left: Checked, right: Checked) -> str:
    """What to write where two values do not compare."""
    if Sort.RECORD in (left.type.operand.sort, right.type.operand.sort):
        return "compare their fields"
    if isinstance(left, Known) or isinstance(right, Known):
        return (right if isinstance(left, Known) else left).type.hint()
    return "compare values of one type"


def report_unordered(at: Span, found: Checked, asks: str, help: str, reporter: Reporter) -> None:
    """Report a value without an order where something `asks` for one: a sign or a function."""
    reporter.report(
        "MP1004",
        at,
        f"`{found.type.describe()}` has no order",
        label=f"`{asks}` asks which comes first",
        help=help,
    )


def report_two_ways(node: nodes.ComparisonAst, reporter: Reporter) -> None:
    """Report a chain of comparisons that does not keep its direction."""
    reporter.report(
        "MP1014",
        node.span,
        "a chain of comparisons that goes two ways",
        label="a chain rises (`<`, `<=`, `==`) or falls (`>`, `>=`, `==`)",
        help="join two comparisons with `and`",
    )


def report_no_holder(node: nodes.ExpressionAst, found: Checked, reporter: Reporter) -> None:
    """Report something behind `in` that holds nothing."""
    reporter.report(
        "MP1013",
        node.span,
        f"nothing is in `{written(node, reporter)}`",
        label=f"it is `{found.type.describe()}`",
        help="write a list behind `in`, or compare with `==`",
    )


def report_not_in(node: nodes.MembershipAst, item: Type, whole: Type, reporter: Reporter) -> None:
    """Report a question for an item of another type than the items have."""
    reporter.report(
        "MP1003",
        node.span,
        "these do not compare",
        label=f"no `{item.describe()}` is in `{whole.describe()}`",
        help="compare values of one type",
    )


def report_no_text(node: nodes.ExpressionAst, found: Checked, reporter: Reporter) -> None:
    """Report something that a pattern cannot match."""
    reporter.report(
        "MP1017",
        node.span,
        f"`{written(node, reporter)}` is no text",
        label=f"it is `{found.type.describe()}`, and a pattern is for text",
        help="compare with `==`, `<` or `in`",
    )


# ------------------------------------------------------------------------------------------ calculations


def report_no_number(node: nodes.ExpressionAst, found: Checked, reporter: Reporter) -> None:
    """Report something that is calculated with and is no number."""
    reporter.report(
        "MP1005",
        node.span,
        f"`{written(node, reporter)}` is no number",
        label=f"it is `{found.type.describe()}`",
        help="add the items up with `sum(...)`, or count them with `len(...)`"
        if found.type.operand.is_collection
        else "calculate with `int`, `float` and `decimal`",
    )


def report_mixed(at: Span, left: Checked, right: Checked, reporter: Reporter) -> None:
    """Report an exact number beside one that is not."""
    reporter.report(
        "MP1006",
        at,
        "a decimal and a float",
        label=f"`{left.type.describe()}` and `{right.type.describe()}`: one is exact, the other is not",
        help="declare both as `decimal`",
    )


def report_no_rest(node: nodes.CalculationAst, type: Type, reporter: Reporter) -> None:
    """Report `%` of numbers that are not whole."""
    reporter.report(
        "MP1005",
        node.span,
        f"`%` of `{type.describe()}`",
        label="`%` is the rest of a division of whole numbers",
        help="use whole numbers",
    )


def report_division_by_zero(node: nodes.ExpressionAst, reporter: Reporter) -> None:
    """Report a division by something that is written and is zero."""
    reporter.report(
        "MP1018",
        node.span,
        "division by zero",
        label="nothing can be divided by this",
        help="divide by another number",
    )


# --------------------------------------------------------------------------------------------- functions


def report_no_function(name: nodes.Name, reporter: Reporter) -> None:
    """Report a call of what is no function."""
    reporter.report(
        "MP1009",
        name.span,
        f"unknown function `{name.text}`",
        label="expressions have no such function",
        help=reporter.suggestion(name.text, FUNCTIONS) or listed(FUNCTIONS, most=None),
    )


def report_arguments(node: nodes.CallAst, reporter: Reporter) -> None:
    """Report a call with more arguments than the function takes, or with none."""
    function = FUNCTIONS[node.function.text]
    reporter.report(
        "MP1010",
        node.span,
        f"`{node.function.text}` with {len(node.arguments)} arguments",
        label=f"it takes {'one or two' if function.most == 2 else 'one'}",
        help=f"write {function.form}",
    )


def report_digits(node: nodes.ExpressionAst, reporter: Reporter) -> None:
    """Report digits to round to that are not a number of them."""
    reporter.report(
        "MP1010",
        node.span,
        "`round` to a number of digits that is not known",
        label="the digits behind the point are a whole number from 0 to 15",
        help=f"write {FUNCTIONS['round'].form}",
    )


def report_no_list(node: nodes.ExpressionAst, found: Checked, function: str, reporter: Reporter) -> None:
    """Report a function over the items of something that has none."""
    reporter.report(
        "MP1011",
        node.span,
        f"`{function}` of something that is no list",
        label=f"it is `{found.type.describe()}`",
        help=f"write {FUNCTIONS[function].form}",
    )


def report_no_length(node: nodes.ExpressionAst, found: Checked, reporter: Reporter) -> None:
    """Report the length of something that has none."""
    reporter.report(
        "MP1011",
        node.span,
        "`len` of something that has no length",
        label=f"it is `{found.type.describe()}`, neither a list nor text",
        help=f"write {FUNCTIONS['len'].form}",
    )


def report_many_lengths(node: nodes.ExpressionAst, list: Way, reporter: Reporter) -> None:
    """Report the length of what is reached through a list."""
    reporter.report(
        "MP1011",
        node.span,
        f"`len` of `{written(node, reporter)}`",
        label="this goes through a list",
        help=f"count the items with `len({'.'.join(list)})`",
    )
