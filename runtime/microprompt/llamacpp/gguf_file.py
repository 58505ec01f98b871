"""What stands in a GGUF file, read in Python: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

_TENSORS: Final = 8  # the place of the number of tensors, behind magic and version; that of values follows
_MOST: Final = 1 << 20  # bytes of a text
_STRING: Final = 8
_ARRAY: Final = 9
_FORMATS: Final = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""Formats of the types of values."""

_FLOATS: Final = {0: "<f4", 1: "<f2"}
"""The types of tensors whose numbers stand there as they are."""

_ALIGNMENT: Final = 32
"""Bytes of which the place of a tensor is a multiple, where a file does not say otherwise."""


def values(file: IO[bytes]) -> Iterator[tuple[str, object]]:
    """What a file says of its model: keys and their values, in their order.

    Raises `ValueError` and `struct.error` for a file that can't be read.
    """
    file.seek(_TENSORS)
    _number(file, "Q")
    for _ in range(_number(file, "Q")):
        key = _text(file)
        type = _number(file, "I")
        yield key, _array(file) if type == _ARRAY else _value(file, type)


def read_tensor(path: Path, name: str) -> NDArray[np.float32]:
    """The numbers of a tensor, in C order: of a matrix, shape (rows, columns).

    Raises `OSError`, and `ValueError` where there is no such tensor whose numbers are F32 or F16.
    """
    with path.open("rb") as file:
        try:
            alignment = dict(values(file)).get("general.alignment", _ALIGNMENT)
            after = file.tell()
            file.seek(_TENSORS)
            count = _number(file, "Q")
            file.seek(after)
            found = dict(_tensor(file) for _ in range(count))
        except struct.error as error:
            raise ValueError("it ends too early") from error
        shape, type, offset = found.get(name, ((), -1, 0))
        if type not in _FLOATS or not isinstance(alignment, int):
            raise ValueError(f"it has no tensor {name} of F32 or F16")
        file.seek(-file.tell() % alignment + offset, 1)
        numbers = np.fromfile(file, _FLOATS[type], count=int(np.prod(shape)))
    return numbers.astype(np.float32).reshape(shape)


def _tensor(file: IO[bytes]) -> tuple[str, tuple[tuple[int, ...], int, int]]:
    """The name of a tensor, and its shape, its type and where it stands behind the place of the first."""
    name = _text(file)
    shape = tuple(_number(file, "Q") for _ in range(_number(file, "I")))
    return name, (shape[::-1], _number(file, "I"), _number(file, "Q"))


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
