"""Flows of a file, before they are Python."""

from __future__ import annotations

from pathlib import Path

from ..expressions.signatures import FlowSignature
from ..flows import FlowOutline, costs_of, effectful, outline, plan
from .looks import real
from .paths import absolute
from .units import compile_whole


def flow_outline(path: Path, name: str) -> FlowOutline | None:
    """The flow that a file declares or imports by this name; `None` where it is none.

    Raises `CompileError`, and `ToolError` for a file that cannot be read.
    """
    path = absolute(path)
    units, _ = compile_whole(path)
    modules = {real(unit.file.path): unit.compiled.checked for unit in units if unit.compiled is not None}
    found = modules[real(path)].exports.get(name)
    if not isinstance(found, FlowSignature):
        return None
    (module,) = (module for module in modules.values() if module.source.path == found.origin)
    (flow,) = (flow for flow in module.flows if flow.name == found.name)
    # What is made for Python has no name here.
    with_effects = effectful(module)
    planned = plan(flow, with_effects, costs_of(module), lambda name: False)
    return outline(flow, planned, module.source, with_effects)
