"""What a model says to a question about texts without content: kept, for it is the same for every state.

Small models say some answers whatever they are asked about. Label scores are divided by what they say of
nothing, as those of prompts without examples are (`deciding.scores`; Zhao et al. 2021, "Calibrate before
use").
"""

from __future__ import annotations

import hashlib
import json
import threading
import weakref
from collections import OrderedDict
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..deciding.scores import corrected
from ..engines.base import AnyEngine
from ..engines.loaded import loaded_engine
from .questions import Inquiry

_KEPT: Final = 4096  # questions of each engine; one takes some hundred bytes

_lock = threading.Lock()
_by_engine: weakref.WeakKeyDictionary[AnyEngine, OrderedDict[bytes, NDArray[np.float64]]] = (
    weakref.WeakKeyDictionary()
)


def known(inquiry: Inquiry, order: int) -> NDArray[np.float64] | None:
    """What is to be added to the log-probabilities of the outcomes, shape (K,); `None` if that has not been
    found out yet, or the engine is not loaded."""
    engine = _engine(inquiry)
    with _lock:
        kept = None if engine is None else _by_engine.get(engine)
        key = _key(inquiry, order)
        if kept is None or key not in kept:
            return None
        kept.move_to_end(key)
        return kept[key]


def found(inquiry: Inquiry, order: int, said: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same, from log-probabilities that were said of texts without content, shape (n, K)."""
    bias = corrected(said.astype(np.float32)).bias.astype(np.float64)
    engine = _engine(inquiry)
    if engine is not None:
        with _lock:
            kept = _by_engine.setdefault(engine, OrderedDict())
            kept[_key(inquiry, order)] = bias
            if len(kept) > _KEPT:
                kept.popitem(last=False)
    return bias


def _engine(inquiry: Inquiry) -> AnyEngine | None:
    return loaded_engine(inquiry.function.program.using.model)


def _key(inquiry: Inquiry, order: int) -> bytes:
    """What stands for all that the model reads but the state."""
    said = [inquiry.function.program.name, inquiry.arguments(order, "")]
    return hashlib.sha256(json.dumps(said).encode()).digest()
