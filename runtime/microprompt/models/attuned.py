"""Each file is timed once, for each CPU and llama.cpp, to find the type in which a cache best holds values.

Attention multiplies a value by its weight and adds it to those before it, once for each cell that a token
sees, in each head of each layer. Where a CPU is slow at adding up F16, that is most of what a token of a
short batch costs, and BF16 is much faster (decisions/0011). Which CPU that is cannot be told from its name,
so it is measured, with the weights that are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from .. import settings
from ..cpu import cpu
from ..llamacpp.weights import ValueType, WeightsFile
from .facts import recall, remember
from .files import Progress
from .prepared import llama_cpp_version

if TYPE_CHECKING:
    from ..llamacpp.measure import Timing

_MIN_GAIN: Final = 0.10
"""The share of a call's time that BF16 has to save: of long texts it makes more."""


def attuned(file: WeightsFile, progress: Progress) -> WeightsFile:
    """The file of a language model, tried already, with values of the type in which its calls are fastest.

    Raises:
        ModelError: it can't be loaded, or there is no memory to time it.
    """
    depends = (cpu().identity, llama_cpp_version())
    found = recall("values", file.path, *depends)
    for values in ValueType:
        if values == found:
            return replace(file, values=values)
    # Not at the top: it loads NumPy, which who only looks for a model doesn't need.
    from ..llamacpp import measure

    progress(f"timing {file.path.name}, once", 0, 0)
    best = faster(measure.time_values(file, settings.current().threads))
    remember("values", file.path, best, *depends)
    return replace(file, values=best)


def faster(timings: Mapping[ValueType, Timing]) -> ValueType:
    """BF16 where that makes a call faster by more than the least gain."""
    usual, other = timings[ValueType.F16], timings[ValueType.BF16]
    return ValueType.BF16 if other.call_ms < (1 - _MIN_GAIN) * usual.call_ms else ValueType.F16
