"""Each file is timed once, for each CPU and llama.cpp, and what was found says how calls are best computed.

Attention multiplies a value by its weight and adds it to those before it, once for each cell that a token
sees, in each head of each layer. Where a CPU is slow at adding up F16, that is most of what a token of a
short batch costs, and BF16 is much faster (decisions/0011). Which CPU that is cannot be told from its name,
so it is measured, with the weights that are used.

How much a batch costs by itself depends on the weights too: small ones of 16 bits have to be fetched from
memory for each batch, which takes as long as several tokens do; to unpack those of 4 bits costs more for
each token. So that is kept as well, for `scheduling.drafts`.
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
    """The file of a language model, tried already, with values of the type in which its calls are fastest,
    and what a batch then costs by itself.

    Raises:
        ModelError: it can't be loaded, or there is no memory to time it.
    """
    depends = (cpu().identity, llama_cpp_version())
    match recall("timing", file.path, *depends):
        case {"values": values, "pass_tokens": int() | float() as pass_tokens} if values in tuple(ValueType):
            return replace(file, values=ValueType(values), pass_tokens=pass_tokens)
    # Not at the top: it loads NumPy, which who only looks for a model doesn't need.
    from ..llamacpp import measure

    progress(f"timing {file.path.name}, once", 0, 0)
    timings = measure.time_values(file, settings.current().threads)
    best = faster(timings)
    pass_tokens = round(timings[best].pass_tokens, 2)
    remember("timing", file.path, {"values": best, "pass_tokens": pass_tokens}, *depends)
    return replace(file, values=best, pass_tokens=pass_tokens)


def faster(timings: Mapping[ValueType, Timing]) -> ValueType:
    """BF16 where that makes a call faster by more than the least gain."""
    usual, other = timings[ValueType.F16], timings[ValueType.BF16]
    return ValueType.BF16 if other.call_ms < (1 - _MIN_GAIN) * usual.call_ms else ValueType.F16
