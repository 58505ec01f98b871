"""What evidence is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from ..program import USUAL, Arrangement
from .evidence import Embedding, Evidence, Labels, Named, Readout


@dataclass(frozen=True, slots=True)
class EvidenceName:
    """A piece of evidence in two to five words, for who chooses among several, and in a line by itself."""

    short: str
    whole: str


def name_of(evidence: Evidence) -> EvidenceName:
    """What a piece of evidence is called."""
    match evidence:
        case Labels(arrangement=arrangement):
            how = "".join(_unusual(arrangement))
            return EvidenceName(f"label scores{how}", f"the labels' probabilities, corrected{how}")
        case Readout(layer=layer, prefix="own"):
            return EvidenceName(
                "readout behind the prompt",
                f"hidden states behind layer {layer}, the arguments read behind the prompt",
            )
        case Readout(layer=layer):
            return EvidenceName(
                "readout of the input alone", f"hidden states behind layer {layer}, the arguments read alone"
            )
        case Embedding(model=model, form="cosine"):
            return EvidenceName("embedder (how near)", f"{model}, how near the two texts are")
        case Embedding(model=model, form="pair"):
            return EvidenceName("embedder (pair)", f"{model}, how the two texts compare")
        case Embedding(model=model):
            return EvidenceName("embedder (text)", f"{model}, what the text is about")
        case Named():
            return EvidenceName("labels named", "which labels are named in the text")
        case _:
            assert_never(evidence)


def short_name(evidence: Evidence) -> str:
    """A piece of evidence in two to five words."""
    return name_of(evidence).short


def _unusual(arrangement: Arrangement) -> list[str]:
    found = []
    if arrangement.layout != USUAL.layout:
        found.append(f", {arrangement.layout} layout")
    if arrangement.members != USUAL.members:
        found.append(f", members {arrangement.members}")
    if arrangement.examples != USUAL.examples:
        found.append(f", examples {arrangement.examples}")
    if arrangement.state != USUAL.state:
        found.append(f", {arrangement.state} first")
    return found
