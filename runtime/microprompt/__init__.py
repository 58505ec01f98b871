"""microprompt: what generated prompt functions run on.

`prompt` turns the `def` of a generated module into a callable `PromptFunction`; `configure` sets the model
and the machine; `errors` holds everything that is raised. Engines and models load at the first call, not at
import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import abi, errors
from .answer import Answer, Usage
from .function import PromptFunction, prompt
from .gathering import Later, agather, agather_lists, gather, gather_lists
from .settings import configure

if TYPE_CHECKING:
    from .engines.outlines_model import OutlinesModel

__all__ = [
    "Answer",
    "Later",
    "PromptFunction",
    "Usage",
    "abi",
    "agather",
    "agather_lists",
    "configure",
    "errors",
    "gather",
    "gather_lists",
    "load_engine",
    "prompt",
]


def load_engine(model: str | None = None) -> OutlinesModel:
    """Load `model` (the default one without a name) as a model for Outlines, as in
    `outlines.Generator(load_engine(), T)`.

    Its engine is the one of the prompt functions that use the same model. Closing it frees the model; the
    next call loads it again. Raises `errors.ModelError`.
    """
    from .engines.loaded import outlines_model_for  # not at the top: engines load at the first call

    return outlines_model_for(abi.Model(name=model) if model else None)
