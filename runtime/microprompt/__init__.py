"""microprompt: what generated prompt functions run on.

`prompt` turns a compiled `abi.Program` into a callable `PromptFunction`; `configure` sets the model and the
machine; `errors` holds everything that is raised. Engines and models load at the first call, not at import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import abi, errors
from .answer import Answer, Usage
from .function import PromptFunction, prompt
from .settings import configure

if TYPE_CHECKING:
    from .engines.llamacpp import LlamaCppEngine

__all__ = ["Answer", "PromptFunction", "Usage", "abi", "configure", "errors", "load_engine", "prompt"]


def load_engine(model: str | None = None) -> LlamaCppEngine:
    """Load `model` (the default one without a name) as an engine, which is also an Outlines model.

    The engine is shared with the prompt functions that use the same model. Raises `errors.ModelError`.
    """
    from .engines.llamacpp import LlamaCppEngine
    from .engines.loaded import engine_for

    engine = engine_for(abi.Model(name=model) if model else None)
    if not isinstance(engine, LlamaCppEngine):
        raise errors.ModelError("the engine in use is not a llama.cpp engine")
    return engine
