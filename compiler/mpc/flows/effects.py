"""Which flows have effects: those that call a function of Python, themselves or through others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, assert_never

from ..expressions.checked import Invoked
from ..expressions.signatures import FlowSignature, FunctionSignature, PromptSignature
from ..sema.checked import CheckedModule
from ..sema.checked_flows import CheckedFlow
from ..sema.flow_walks import calls_in
from ..sema.imported import modules_of

FlowKey: TypeAlias = tuple[str, str]
"""The source file that a flow is in, and its name."""


def effectful(module: CheckedModule) -> frozenset[FlowKey]:
    """The flows of a file, and of those that it imports, that have effects. Flows call one another in no
    circle, so each is known once those that it calls are."""
    flows = {(each.source.path, flow.name): flow for each in modules_of(module) for flow in each.flows}
    known: dict[FlowKey, bool] = {}
    for key in flows:
        _has_effects(key, flows, known)
    return frozenset(key for key, has_effects in known.items() if has_effects)


def _has_effects(key: FlowKey, flows: Mapping[FlowKey, CheckedFlow], known: dict[FlowKey, bool]) -> bool:
    if key not in known:
        known[key] = any(
            isinstance(call.callee, FunctionSignature)
            or (
                isinstance(call.callee, FlowSignature)
                and _has_effects((call.callee.origin, call.callee.name), flows, known)
            )
            for call in calls_in(flows[key].statements)
        )
    return known[key]


def has_effects(call: Invoked, effectful: frozenset[FlowKey]) -> bool:
    """Whether a call does more than to give an answer."""
    match call.callee:
        case FunctionSignature():
            return True
        case FlowSignature():
            return (call.callee.origin, call.callee.name) in effectful
        case PromptSignature():
            return False
        case _:
            assert_never(call.callee)
