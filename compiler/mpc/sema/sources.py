"""Whether a prompt has the parameters that its answer depends on: texts to copy from, lists to choose
from."""

from __future__ import annotations

from collections.abc import Mapping

from ..diagnostics import Reporter, listed
from ..expressions.signatures import CheckedParameter
from ..source import Span
from ..syntax import nodes
from ..types import ErrorType, NamedType, Type
from ..types.base import Dependence


def check_sources(
    returns: Type, at: Span, parameters: Mapping[str, CheckedParameter], reporter: Reporter
) -> frozenset[str]:
    """Report what is missing, or of a type that nothing can be taken from. The parameters that lists of
    options come from."""
    for source in sorted(returns.depends_on, key=lambda source: source.way):
        found = source_type(source.way, at, parameters, reporter)
        if isinstance(found, ErrorType):
            continue
        problem = _not_a_list(source, found) if source.is_list else _not_a_text(found)
        if problem is not None:
            label, help = problem
            takes = "chosen" if source.is_list else "copied"
            reporter.report(
                "MP0361", at, f"nothing can be {takes} from `{source.way}`", label=label, help=help
            )
    if isinstance(returns, ErrorType):
        return frozenset(parameters)  # any of them may have been meant
    return frozenset(source.way.split(".")[0] for source in returns.depends_on if source.is_list)


def source_type(
    way: str, at: Span, parameters: Mapping[str, CheckedParameter], reporter: Reporter
) -> Type:
    """The type of a parameter, or of a field of it; the error type where that has been reported."""
    name, *fields = way.split(".")
    if name not in parameters:
        reporter.report(
            "MP0360",
            at,
            f"the answer depends on `{name}`, and the prompt has no such parameter",
            label=f"`{way}` is taken from a parameter of the prompt",
            help=reporter.suggestion(name, parameters)
            or listed(parameters, before="the parameters are")
            or f"declare it in the prompt's header: `{name}: str`",
        )
        return ErrorType()
    type = parameters[name].type
    for field in fields:
        type = type.field(nodes.Name(text=field, span=at), name, type.describe(), reporter)
        name = f"{name}.{field}"
    return type


def _not_a_text(type: Type) -> tuple[str, str] | None:
    if type.is_text:
        return None
    return f"it is a `{type.describe()}`, not text", "name a parameter that is a `str`"


def _not_a_list(source: Dependence, type: Type) -> tuple[str, str] | None:
    item, record = type.item_type, source.record
    described = f"it is a `{type.describe()}`"
    if item is None:
        return f"{described}, not a list", "name a parameter that is a list, as in `list[str]`"
    if isinstance(item, ErrorType) or (record is None and item.is_text):
        return None
    if record is None:
        help = "say by which field: `one of tools by name`" if item.has_fields else "give it a `list[str]`"
        return f"{described}, not a list of texts", help
    if (item.resolved if isinstance(item, NamedType) else item) == record.resolved:
        return None
    return f"{described}, not a `list[{record.describe()}]`", f"give it a `list[{record.describe()}]`"
