"""microprompt: what generated prompt functions run on.

`prompt` turns a compiled `abi.Program` into a callable `PromptFunction`; `configure` sets the model and the
machine; `errors` holds everything that is raised. Engines and models load at the first call, not at import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import abi, errors
from .answer import Answer, Usage
from .function import PromptFunction, prompt
from .gathering import Later, gather
from .settings import configure

if TYPE_CHECKING:
    from .engines.outlines_model import LlamaCppEngine

__all__ = [
    "Answer",
    "Later",
    "PromptFunction",
    "Usage",
    "abi",
    "configure",
    "errors",
    "gather",
    "load_engine",
    "prompt",
]


def load_engine(model: str | None = None) -> LlamaCppEngine:
    """Load `model` (the default one without a name) as an engine, which is also an Outlines model.

    The engine is shared with the prompt functions that use the same model. Raises `errors.ModelError`.
    """
    from .engines.loaded import outlines_engine_for

    return outlines_engine_for(abi.Model(name=model) if model else None)
