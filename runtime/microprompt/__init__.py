"""microprompt: what generated prompt functions run on.

`prompt` turns the `def` of a generated module into a callable `PromptFunction`, `flow` into a `FlowFunction`;
`tool` lets flows call a function of Python. `configure` sets the model and the machine; `flush` waits until
all calls so far are in the record, if there is one; `errors` holds everything that is raised. Engines and
models load at the first call, not at import, and what is public here when it is asked for: the compiler knows
but a few leaves of this package, and starts sooner without the rest.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from . import abi, errors
    from .answer import Answer, Usage
    from .engines.outlines_model import OutlinesModel
    from .flows.function import FlowFunction, flow
    from .flows.tool import Tool, tool
    from .function import PromptFunction, prompt
    from .gathering import Later, agather, agather_lists, gather, gather_lists
    from .recording.writer import flush
    from .settings import configure
    from .systemone import Decisions, adecide, decide
    from .trace import Decision, Trace

__all__ = [
    "Answer",
    "Decision",
    "Decisions",
    "FlowFunction",
    "Later",
    "PromptFunction",
    "Tool",
    "Trace",
    "Usage",
    "abi",
    "adecide",
    "agather",
    "agather_lists",
    "configure",
    "decide",
    "errors",
    "flow",
    "flush",
    "gather",
    "gather_lists",
    "load_engine",
    "prompt",
    "tool",
]

_FROM: Final = {
    **dict.fromkeys(("Answer", "Usage"), "answer"),
    **dict.fromkeys(("PromptFunction", "prompt"), "function"),
    **dict.fromkeys(("FlowFunction", "flow"), "flows.function"),
    **dict.fromkeys(("Tool", "tool"), "flows.tool"),
    **dict.fromkeys(("Decision", "Trace"), "trace"),
    **dict.fromkeys(("Later", "agather", "agather_lists", "gather", "gather_lists"), "gathering"),
    **dict.fromkeys(("Decisions", "adecide", "decide"), "systemone"),
    "configure": "settings",
    "flush": "recording.writer",
}
"""The modules of public names. The others are modules themselves."""

if not TYPE_CHECKING:  # type checkers would take any name for one of these

    def __getattr__(name: str) -> object:
        if name in _FROM:
            found = getattr(importlib.import_module(f".{_FROM[name]}", __name__), name)
        elif name in __all__:
            found = importlib.import_module(f".{name}", __name__)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = found
        return found


def load_engine(model: str | None = None) -> OutlinesModel:
    """Load `model` (the default one without a name) as a model for Outlines, as in
    `outlines.Generator(load_engine(), T)`.

    Its engine is the one of the prompt functions that use the same model. Closing it frees the model; the
    next call loads it again. Raises `errors.ModelError`.
    """
    from . import abi
    from .engines.loaded import outlines_model_for

    return outlines_model_for(abi.Model(name=model) if model else None)
