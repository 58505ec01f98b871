"""What is wrong with expressions of flows, in the user's words."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ..diagnostics import Reporter, listed
from ..source import Span
from ..syntax import nodes
from ..types import NamedType, Type
from ..types.operands import Sort
from .checked import Checked, Invoked, Reached
from .functions import FUNCTIONS
from .problems import written


@dataclass(frozen=True, slots=True)
class Wanted:
    """The type that a value is to have, and what it is for: "`text` of `classify`"."""

    type: Type
    whose: str

    @property
    def label(self) -> str:
        return f"{self.whose} is `{self.type.describe()}`"


# ------------------------------------------------------------------------------------------------ values


def report_maybe_none(
    node: nodes.ExpressionAst, found: Checked, wanted: Wanted, reporter: Reporter
) -> None:
    """Report a value that may be none where one is needed."""
    here = written(node, reporter)
    has_way = isinstance(found, Reached)
    reporter.report(
        "MP1213",
        node.span,
        f"`{here}` may be none",
        label=f"{wanted.label}, and this `{found.type.describe()}`",
        help=_ask_first(here, has_way=has_way)
        if has_way or isinstance(found, Invoked)
        else "ask `is not none` of what may be missing in it first",
    )


def report_missing(
    at: Span, here: str, reporter: Reporter, *, label: str = "there may be no value here"
) -> None:
    """Report something that is looked into or calculated with, and may be none."""
    help = _ask_first(here, has_way=_is_way(here))
    reporter.report("MP1213", at, f"`{here}` may be none", label=label, help=help)


def report_call_may_be_none(node: nodes.FieldOfAst, here: str, reporter: Reporter) -> None:
    """Report a field of an answer that may be none."""
    report_missing(node.operand.span, here, reporter, label=f"`.{node.name.text}` needs a value")


def _is_way(here: str) -> bool:
    """Whether what is written is asked for again by writing it again; a call would be made again."""
    return "(" not in here


def _ask_first(here: str, *, has_way: bool) -> str:
    if has_way:
        return f"ask first: `if {here} is not none:`"
    return f"give it a name and ask first: `found = {here}`, `if found is not none:`"


def report_not_told(node: nodes.ExpressionAst, found: Checked, wanted: Wanted, reporter: Reporter) -> None:
    """Report a value of a union where one of some of its types is needed."""
    here = written(node, reporter)
    reporter.report(
        "MP1228",
        node.span,
        f"`{here}` may be of another type",
        label=f"{wanted.label}, and this `{found.type.describe()}`",
        help=_ask_type_first(here, wanted.type.alternatives[0], has_way=isinstance(found, Reached)),
    )


def report_field_of_union(name: nodes.Name, here: str, type: Type, reporter: Reporter) -> None:
    """Report a field of a value of which it is not known which type it is of."""
    arm = next((arm for arm in type.alternatives if arm.has_fields), type.alternatives[0])
    reporter.report(
        "MP1228",
        name.span,
        f"`{here}` may be of a type without `{name.text}`",
        label=f"it is `{type.describe()}`",
        help=_ask_type_first(here, arm, has_way=_is_way(here)),
    )


def _ask_type_first(here: str, arm: Type, *, has_way: bool) -> str:
    name, before = (here, "") if has_way else ("found", f"`found = {here}`, ")
    return f"ask first: {before}`if {name} is {arm.describe()}:`"


def report_misfit(node: nodes.ExpressionAst, found: Checked, wanted: Wanted, reporter: Reporter) -> None:
    """Report a value of another type than is needed."""
    one, other = found.type.operand, wanted.type.operand
    is_list = one.sort is Sort.LIST and other.sort is Sort.LIST
    reporter.report(
        "MP1214",
        node.span,
        f"`{written(node, reporter)}` is `{found.type.describe()}`",
        label=wanted.label,
        help=f"make another list: items of `{found.type.describe()}` are of another type"
        if is_list
        else wanted.type.hint(),
    )


def report_no_list_wanted(node: nodes.ListDisplayAst, wanted: Wanted, reporter: Reporter) -> None:
    """Report a list where none is needed."""
    reporter.report(
        "MP1214", node.span, "a list where none is wanted", label=wanted.label, help=wanted.type.hint()
    )


def report_untyped(
    node: nodes.ExpressionAst, message: str, type: str, value: str, reporter: Reporter
) -> None:
    """Report a value that does not say its type where nothing else does."""
    reporter.report(
        "MP1216",
        node.span,
        message,
        label="nothing here says what it is",
        help=f"write the type behind the name: `name: {type} = {value}`",
    )


# ------------------------------------------------------------------------------------------------- names


def report_unassigned(name: nodes.Name, *, is_partly: bool, reporter: Reporter) -> None:
    """Report a name that has no value yet."""
    reporter.report(
        "MP1210",
        name.span,
        f"`{name.text}` may have no value here" if is_partly else f"`{name.text}` has no value yet",
        label="not every way that leads here assigns it" if is_partly else "no line above assigns it",
        help=f"assign it before the `if` or the loop: `{name.text} = ...`"
        if is_partly
        else "move the line that assigns it up",
    )


def report_no_confidence(at: Span, what: str, reporter: Reporter) -> None:
    """Report a confidence of what is no answer of a prompt."""
    reporter.report(
        "MP1222",
        at,
        f"{what} has no confidence",
        label="only answers of prompts have one",
        help="ask it of a call, `classify(text).confidence`, or of a name that is assigned from calls of "
        "prompts alone",
    )


# ------------------------------------------------------------------------------------------------- calls


def report_unknown_call(path: nodes.Path, known: Collection[str], reporter: Reporter) -> None:
    """Report a call of a name that nothing has."""
    reporter.report(
        "MP1219",
        path.span,
        f"unknown function `{path.text}`",
        label="no prompt, flow, record or function has this name here",
        help=reporter.suggestion(path.text, {*known, *FUNCTIONS})
        or _OTHER_FUNCTIONS.get(path.text)
        or f"declare it, or import it: `from python tools import {path.names[-1].text}`",
    )


_OTHER_FUNCTIONS = {
    "print": "return what should be seen; a trace shows every step",
    "range": "go through a list, or write `while ... up to 3:`",
    "str": "show it in a prompt's body, or make text of it in a function of Python",
    "int": "let a prompt return an `int`, or import a function of Python",
    "float": "let a prompt return a `float`, or import a function of Python",
    "list": "lists are written in brackets: `[a, b]`",
    "sorted": "import a function of Python that sorts",
    "enumerate": "go through the list itself: `for item in items:`",
    "zip": "go through one list of records",
    "isinstance": "ask with `is`: `if asked is Weather:`",
    "open": "do that in a function of Python, and import it",
    "input": "let the flow take it as a parameter",
}
"""Functions of Python that people write, and what to write instead."""


def report_no_call(path: nodes.Path, found: object, reporter: Reporter) -> None:
    """Report a call of something that is not called."""
    is_type = isinstance(found, NamedType)
    what = "a type without fields" if is_type else "a model"
    reporter.report(
        "MP1220",
        path.span,
        f"`{path.text}` cannot be called",
        label=f"it is {what}",
        help=found.hint() if isinstance(found, NamedType) else "call a prompt that uses the model",
    )


def report_method(node: nodes.InvocationAst, reporter: Reporter) -> None:
    """Report a call of a variable, or of something that values have in other languages."""
    first, *rest = node.path.names
    if rest and rest[-1].text == "append":
        message, label = "`append` gives no value", "this is a statement by itself"
        help = f"write it on a line of its own, or `{first.text} + [...]`"
    elif rest:
        message, label = f"values have no `{rest[-1].text}(...)`", "only lists have `append`"
        help = "do that in a function of Python, and import it"
    else:
        message, label = f"`{first.text}` cannot be called", "it is a value"
        help = "leave the brackets out"
    reporter.report("MP1220", node.path.span, message, label=label, help=help)


def report_no_value(node: nodes.InvocationAst, reporter: Reporter) -> None:
    """Report a function of Python without a value where one is needed."""
    reporter.report(
        "MP1220",
        node.span,
        f"`{node.path.text}` gives no value",
        label="its annotation is `-> None`",
        help="call it on a line of its own, or let it return something",
    )


def report_named(name: nodes.Name, function: str, reporter: Reporter) -> None:
    """Report a name in a call of a function of the language."""
    reporter.report(
        "MP1010",
        name.span,
        f"`{function}` takes no names",
        label="its arguments are told by their place",
        help=f"write {FUNCTIONS[function].form}",
    )


# ------------------------------------------------------------------------------------------------ unions


def report_no_union(node: nodes.TypeTestAst, operand: Checked, reporter: Reporter) -> None:
    """Report a question for the type of what has only one."""
    here = written(node.operand, reporter)
    reporter.report(
        "MP1227",
        node.span,
        f"`{here}` is of one type only",
        label=f"it is `{operand.type.describe()}`",
        help=f"ask `{here} is not none`"
        if operand.type.operand.may_be_none
        else "compare it with `==`, or leave the test out",
    )


def report_no_arm(node: nodes.TypeTestAst, operand: Checked, reporter: Reporter) -> None:
    """Report a question for a type that is none of the union."""
    arms = [arm.describe() for arm in operand.type.alternatives]
    reporter.report(
        "MP1227",
        node.path.span,
        f"`{written(node.operand, reporter)}` is never a `{node.path.text}`",
        label=f"it is `{operand.type.describe()}`",
        help=reporter.suggestion(node.path.text, arms) or listed(arms, before="its types are"),
    )


def report_no_type(path: nodes.Path, known: Collection[str], reporter: Reporter) -> None:
    """Report a question for what is no type."""
    reporter.report(
        "MP1227",
        path.span,
        f"`{path.text}` is no type",
        label="`is` is followed by a type or `none`",
        help=reporter.suggestion(path.text, known) or "compare values with `==`",
    )


# -------------------------------------------------------------------------------------------------- sums


def report_not_joined(node: nodes.CalculationAst, left: Checked, right: Checked, reporter: Reporter) -> None:
    """Report a text or a list put together with something else."""
    sorts = {left.type.operand.sort, right.type.operand.sort}
    reporter.report(
        "MP1214",
        node.span,
        "these cannot be put together",
        label=f"`{left.type.describe()}` and `{right.type.describe()}`",
        help="put items into brackets: `notes + [note]`"
        if Sort.LIST in sorts
        else "show it in a prompt's body, or make text of it in a function of Python",
    )
