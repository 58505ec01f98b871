"""Tensors out of a GGUF file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFWriter

from microprompt.llamacpp.gguf_file import read_tensor

NUMBERS = np.arange(6, dtype=np.float32).reshape(3, 2)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.gguf"
    writer = GGUFWriter(path, "bert")
    writer.add_token_list(["a", "b", "c"])
    writer.add_tensor("first", np.ones(5, dtype=np.float32))
    writer.add_tensor("words", NUMBERS.astype(np.float16))
    writer.add_tensor("counts", np.ones(4, dtype=np.int32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_a_tensor_is_read_as_it_was_written(file: Path) -> None:
    np.testing.assert_array_equal(read_tensor(file, "words"), NUMBERS)
    np.testing.assert_array_equal(read_tensor(file, "first"), np.ones(5))


@pytest.mark.parametrize("name", ["other", "counts"])
def test_what_is_not_there_as_floats_is_refused(file: Path, name: str) -> None:
    with pytest.raises(ValueError, match=f"no tensor {name}"):
        read_tensor(file, name)


@pytest.mark.parametrize("size", [0, 20, 60, 200])
def test_a_file_that_ends_too_early_is_refused(file: Path, size: int) -> None:
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(ValueError, match=r"ends too early|reshape|no tensor"):
        read_tensor(file, "words")
