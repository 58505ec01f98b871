"""Values of settings: numbers and models. What is none is reported, and `None` stands for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf

from ..diagnostics import Reporter
from ..syntax import nodes
from ..types import Type
from ..types.base import Broken
from ..types.constraints import read_number
from .checked import CheckedModel, Symbol
from .resolve import TypeResolver
from .servers import check_address


def model_of(
    node: nodes.ValueAst, resolver: TypeResolver, models: Mapping[str, CheckedModel], reporter: Reporter
) -> CheckedModel | None:
    """A model that is declared, by its name, or one that a string locates."""
    if isinstance(node, nodes.StringAst) and node.text.strip() and node.text.isprintable():
        check_address(node, reporter)
        return CheckedModel(origin=reporter.source.path, name="", location=node.text, span=node.span)
    if not isinstance(node, nodes.ReferenceAst):
        report_bad(
            node, "a model is a declared name or a string", 'write `model = "smollm2-135m"`', reporter
        )
        return None
    found: Symbol | None = models.get(node.path.text) or resolver.lookup(node.path)
    if isinstance(found, CheckedModel):
        return found
    if not isinstance(found, Broken):
        reporter.report(
            "MP0604",
            node.span,
            f"unknown model `{node.path.text}`",
            label="no model with this name is in scope" if found is None else "this is not a model",
            help=reporter.suggestion(node.path.text, models)
            or f'declare it: `model {node.path.names[-1].text} = "smollm2-135m"`',
        )
    return None


def number(
    node: nodes.ValueAst, fits: Callable[[float], bool], wanted: str, sample: str, reporter: Reporter
) -> float | None:
    """A number that `fits`; `wanted` says in words which ones do, `sample` is a setting with one."""
    value = read_number(node.text) if isinstance(node, nodes.NumberAst) else None
    if value is not None and fits(value):
        return float(value)
    report_bad(node, f"expected {wanted}", f"write `{sample}`", reporter)
    return None


def whole(
    node: nodes.ValueAst, least: int, wanted: str, sample: str, reporter: Reporter, *, most: float = inf
) -> int | None:
    """The same for a whole number from `least` to `most`."""
    value = read_number(node.text) if isinstance(node, nodes.NumberAst) else None
    if isinstance(value, int) and least <= value <= most:
        return value
    report_bad(node, f"expected {wanted}", f"write `{sample}`", reporter)
    return None


def report_bad(node: nodes.ValueAst, label: str, help: str, reporter: Reporter) -> None:
    """Report a value that the setting cannot have."""
    reporter.report("MP0603", node.span, "this setting cannot have this value", label=label, help=help)


def report_idle(name: nodes.Name, wanted: str, returns: Type, reporter: Reporter) -> None:
    """Report a setting that means nothing for answers of this type."""
    reporter.report(
        "MP0605",
        name.span,
        f"`{name.text}` is for prompts that return {wanted}",
        label=f"this prompt returns {returns.describe()}",
        help="leave the setting out",
    )
