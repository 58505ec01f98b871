"""Expressions of flows that are values of the program, as they would be written elsewhere in it."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from ..syntax import nodes
from ..types import NamedType
from ..types.base import Names


def value_of(
    node: nodes.ExpressionAst, variables: AbstractSet[str], names: Names
) -> nodes.ValueAst | None:
    """The value that is written, if the expression is one: nothing in it is a variable, a call of what is no
    record, or calculated."""
    if isinstance(
        node, nodes.StringAst | nodes.NumberAst | nodes.MomentAst | nodes.SetAst | nodes.DictAst
    ):
        return node
    if isinstance(node, nodes.ReferenceAst):
        return None if node.path.names[0].text in variables else node
    if isinstance(node, nodes.ListDisplayAst):
        items = [value_of(item, variables, names) for item in node.items]
        found = tuple(item for item in items if item is not None)
        return nodes.ListAst(items=found, span=node.span) if len(found) == len(items) else None
    return record_of(node, variables, names) if isinstance(node, nodes.InvocationAst) else None


def record_of(
    node: nodes.InvocationAst, variables: AbstractSet[str], names: Names
) -> nodes.RecordAst | None:
    """The same of a call, which is a value where it makes a record of values."""
    record = names.lookup(node.path)
    if not isinstance(record, NamedType) or record.made_of is None:
        return None
    values = [(each, value_of(each.value, variables, names)) for each in node.arguments]
    arguments = tuple(
        nodes.ArgumentAst(name=each.name, value=value, span=each.span)
        for each, value in values
        if value is not None
    )
    if len(arguments) < len(values):
        return None
    return nodes.RecordAst(path=node.path, arguments=arguments, span=node.span)
