"""Parameters of prompts and flows: their names, types and defaults."""

from __future__ import annotations

from collections.abc import Sequence

from ..diagnostics import Reporter
from ..expressions.signatures import CheckedParameter
from ..syntax import nodes
from ..types.words import report_unseen
from .distinct import Distinct
from .python_names import check_python_name
from .resolve import TypeResolver


def check_parameters(
    declared: Sequence[nodes.ParameterAst], resolver: TypeResolver, reporter: Reporter
) -> dict[str, CheckedParameter]:
    """The parameters of a header, by their names; everything wrong with them is reported."""
    found: dict[str, CheckedParameter] = {}
    names = Distinct(reporter, code="MP0202", kind="parameter")
    optional_before: nodes.ParameterAst | None = None
    for node in declared:
        name = node.name.text
        type = resolver.type(node.type)
        default = resolver.default(node.default, type)
        if node.default is not None:
            optional_before = optional_before or node
        elif optional_before is not None:
            reporter.report(
                "MP0507",
                node.name.span,
                f"`{name}` has no default but follows one that has",
                label="needs a default here",
                help=f"move `{name}` before `{optional_before.name.text}`, or give it a default",
            )
        if not names.take(node.name):
            continue
        check_python_name(node.name, reporter, with_label=False)
        report_unseen(
            node.words, f"the parameter `{name}`", f"write it in the body: `the word: {{{name}}}`", reporter
        )
        found[name] = CheckedParameter(
            name=name, type=type, has_default=node.default is not None, default=default, span=node.span
        )
    return found
