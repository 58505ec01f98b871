"""What kind of model a GGUF file holds, read from its first bytes, in Python: see `llamacpp.probe` for why
llama.cpp doesn't read a file first of all."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from ..errors import ModelError
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

_COUNT: Final = 16  # the place of the number of values, behind magic, version and number of tensors
_STRING: Final = 8
_ARRAY: Final = 9
_FORMATS: Final = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""Formats of GGUF's value types, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md"""


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
        found.update(_values(io.BytesIO(start)))
    pooling = found.get("pooling_type")
    if pooling == _RANKS:
        raise ModelError(f"{path.name} is a reranker: it neither writes texts nor embeds them")
    return "embedder" if found.get("architecture") in _ENCODERS or pooling in _POOLS else "language"


def _values(file: IO[bytes]) -> Iterator[tuple[str, object]]:
    """What a file says of its model, by the last part of each key, before the vocabulary."""
    file.seek(_COUNT)
    for _ in range(_number(file, "Q")):
        key = _text(file)
        if key.startswith("tokenizer."):
            return
        type = _number(file, "I")
        yield key.rpartition(".")[2], _array(file) if type == _ARRAY else _value(file, type)


def _array(file: IO[bytes]) -> list[object]:
    type, count = _number(file, "I"), _number(file, "Q")
    return [_value(file, type) for _ in range(count)]


def _value(file: IO[bytes], type: int) -> object:
    if type == _STRING:
        return _text(file)
    if type not in _FORMATS:
        raise ValueError("it has no such type")
    return _number(file, _FORMATS[type])


def _text(file: IO[bytes]) -> str:
    return file.read(min(_number(file, "Q"), _MOST)).decode(errors="replace")


def _number(file: IO[bytes], format: str) -> int:
    value: int
    [value] = struct.unpack(f"<{format}", file.read(struct.calcsize(f"<{format}")))
    return value
