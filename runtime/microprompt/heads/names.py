"""What evidence is called where people choose among several kinds of it."""

from __future__ import annotations

from typing import assert_never

from ..heads.evidence import Embedding, Evidence, Labels, Readout


def short_name(evidence: Evidence) -> str:
    """A piece of evidence in two to five words."""
    match evidence:
        case Labels():
            return "label scores"
        case Readout(prefix="own"):
            return "readout behind the prompt"
        case Readout():
            return "readout of the input alone"
        case Embedding(form="cosine"):
            return "embedder (how near)"
        case Embedding():
            return f"embedder ({evidence.form})"
        case _:
            assert_never(evidence)
