"""What kind of model a GGUF file holds, read from its first bytes, in Python: see `llamacpp.probe` for why
llama.cpp doesn't read a file first of all."""

from __future__ import annotations

import io
import struct
from contextlib import suppress
from pathlib import Path
from typing import Final

from ..errors import ModelError
from ..llamacpp.gguf_file import values
from .registry import ModelKind

_ENCODERS: Final = frozenset(
    (
        "bert",
        "eurobert",
        "gemma-embedding",
        "jina-bert-v2",
        "jina-bert-v3",
        "llama-embed",
        "modern-bert",
        "neo-bert",
        "nomic-bert",
        "nomic-bert-moe",
        "t5encoder",
    )
)
"""llama.cpp's names of the architectures that can't write text."""

_POOLS: Final = (1, 2, 3)
"""The mean over a text's tokens, its first one, its last one; language models are trained to embed so too."""

_RANKS: Final = 4

_MOST: Final = 1 << 20
"""Bytes that are read: a model's own values stand before its vocabulary, and are few."""


def kind_of(path: Path) -> ModelKind:
    """The kind of model in a file. One that can't be read is taken for a language model; llama.cpp will say
    what is wrong with it.

    Raises:
        ModelError: it is a reranker, which is neither.
    """
    try:
        with path.open("rb") as file:
            start = file.read(_MOST)
    except OSError:
        return "language"
    found: dict[str, object] = {}
    with suppress(ValueError, struct.error):
        for key, value in values(io.BytesIO(start)):
            if key.startswith("tokenizer."):
                break
            found[key.rpartition(".")[2]] = value
    pooling = found.get("pooling_type")
    if pooling == _RANKS:
        raise ModelError(f"{path.name} is a reranker: it neither writes texts nor embeds them")
    return "embedder" if found.get("architecture") in _ENCODERS or pooling in _POOLS else "language"
