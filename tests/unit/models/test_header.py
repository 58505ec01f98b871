"""What kind of model is in a file, from its first bytes."""

from __future__ import annotations

from pathlib import Path

import pytest
from gguf import GGUFWriter, PoolingType

from microprompt import models
from microprompt.errors import ModelError
from microprompt.models.header import kind_of


def write(path: Path, architecture: str, pooling: PoolingType | None = None) -> Path:
    writer = GGUFWriter(path, architecture)
    writer.add_languages(["en", "de"])
    writer.add_block_count(2)
    if pooling is not None:
        writer.add_pooling_type(pooling)
    writer.add_token_list(["a", "b"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


@pytest.mark.parametrize(
    ("architecture", "pooling", "kind"),
    [
        ("llama", None, "language"),
        ("qwen3", PoolingType.NONE, "language"),
        ("qwen3", PoolingType.LAST, "embedder"),
        ("bert", None, "embedder"),
        ("nomic-bert", PoolingType.MEAN, "embedder"),
    ],
)
def test_encoders_and_models_that_pool_are_embedders(
    tmp_path: Path, architecture: str, pooling: PoolingType | None, kind: str
) -> None:
    assert kind_of(write(tmp_path / "own.gguf", architecture, pooling)) == kind


def test_a_reranker_is_neither(tmp_path: Path) -> None:
    path = write(tmp_path / "own.gguf", "bert", PoolingType.RANK)
    with pytest.raises(ModelError, match=r"own\.gguf is a reranker"):
        models.resolve(str(path))


def test_a_file_of_the_other_kind_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "own.gguf", "bert")
    assert models.resolve(str(path), kind="embedder").kind == "embedder"
    with pytest.raises(ModelError, match=r"own\.gguf is an embedder") as caught:
        models.ensure(str(path), kind="language")
    assert "smollm2-135m" in str(caught.value.help)


def test_a_header_that_is_cut_or_wrong_anywhere_is_read_without_an_error(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.gguf", "bert", PoolingType.MEAN).read_bytes()
    own = tmp_path / "own.gguf"
    for place in range(len(whole)):
        for damaged in (whole[:place], whole[:place] + b"\xff" * 8 + whole[place + 8 :]):
            own.write_bytes(damaged)
            assert kind_of(own) in {"language", "embedder"}
