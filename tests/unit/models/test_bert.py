"""A sentence encoder out of its wheel: what llama.cpp makes of the file that it becomes."""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Callable
from contextlib import closing
from math import erf
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from microprompt import models
from microprompt.errors import EngineError, ModelError
from microprompt.llamacpp.weights import Weights
from microprompt.models import bert
from microprompt.models.pull import pull
from microprompt.models.registry import BertWheel, ModelInfo

from .conftest import quiet, write_wheel
from .encoders import HEADS, LAYERS, WIDTH, WORDS, write_encoder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_encoder(tmp_path / "encoder")
    return tmp_path / "encoder"


@pytest.fixture
def converted(folder: Path) -> Path:
    target = folder / "encoder.gguf"
    bert.convert(folder, target, name="encoder", licence="none")
    return target


def test_the_bytes_are_the_same_each_time(folder: Path, converted: Path) -> None:
    again = folder / "again.gguf"
    bert.convert(folder, again, name="encoder", licence="none")
    assert again.read_bytes() == converted.read_bytes()


def test_the_file_is_told_for_an_embedder_and_can_be_loaded(converted: Path) -> None:
    found = models.resolve(str(converted), kind="embedder")
    with closing(found.load()) as weights:
        assert (weights.n_vocab(), weights.n_context_trained()) == (len(WORDS), 48)


def test_words_are_cut_into_the_pieces_of_the_vocabulary(converted: Path) -> None:
    with closing(Weights(converted)) as weights:
        tokens = weights.encode("Forgot my PINs, the [CLS] weather", control=False)
    assert [WORDS[token] for token in tokens] == [
        *("forgot", "my", "pin", "##s", "[UNK]", "the"),
        *("[UNK]", "[UNK]", "[UNK]", "weather"),
    ]


def test_the_tokens_of_a_text_are_found_once(converted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Weights(converted)) as weights:
        found = weights.encode("the weather", control=False)
        monkeypatch.delattr(weights.lib, "llama_tokenize")
        weights.encode("the weather", control=False).clear()
        assert weights.encode("the weather", control=False) == found
    with pytest.raises(EngineError, match="was closed"):
        weights.encode("the weather", control=False)


def test_embeddings_are_those_of_the_weights_as_they_came(folder: Path, converted: Path) -> None:
    tokens = [WORDS.index(word) for word in ("[CLS]", "forgot", "my", "pin", "##s", "[SEP]")]
    ours, theirs = _embedding(converted, tokens), _reference(folder / bert.WEIGHTS, tokens)
    assert ours @ theirs == pytest.approx(1.0, abs=1e-5)


def _embedding(path: Path, tokens: list[int]) -> NDArray[np.float32]:
    """The unit vector that llama.cpp gives for a text."""
    with closing(Weights(path)) as weights:
        lib = weights.lib
        params = lib.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = 32
        params.embeddings = True
        context = lib.llama_init_from_model(weights.model, params)
        batch = lib.llama_batch_init(len(tokens), 0, 1)
        batch.n_tokens = len(tokens)
        for place, token in enumerate(tokens):
            batch.token[place], batch.pos[place] = token, place
            batch.n_seq_id[place], batch.seq_id[place][0], batch.logits[place] = 1, 0, True
        assert lib.llama_encode(context, batch) == 0
        row = ctypes.cast(lib.llama_get_embeddings_seq(context, 0), ctypes.POINTER(ctypes.c_float))
        found = np.ctypeslib.as_array(row, (WIDTH,)).copy()
        lib.llama_batch_free(batch)
        lib.llama_free(context)
    found /= np.linalg.norm(found)
    return found


def _reference(weights: Path, tokens: list[int]) -> NDArray[np.float64]:
    """The same by the arithmetic of the paper (Devlin et al. 2019, layer norms behind the sums)."""
    tensors = {name: tensor.astype(np.float64) for name, tensor in load_file(weights).items()}

    def normed(x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        centred = x - x.mean(1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-12)
        made: NDArray[np.float64] = scaled * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]
        return made

    def dense(x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        return x @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"]

    embedded = tensors["embeddings.word_embeddings.weight"][tokens]
    embedded += tensors["embeddings.position_embeddings.weight"][: len(tokens)]
    x = normed(embedded + tensors["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}"
        query, key, value = (
            dense(x, f"{at}.attention.self.{part}").reshape(len(tokens), HEADS, -1).swapaxes(0, 1)
            for part in ("query", "key", "value")
        )
        scores = np.exp(query @ key.swapaxes(1, 2) / np.sqrt(WIDTH / HEADS))
        heads = (scores / scores.sum(2, keepdims=True)) @ value
        attended = dense(heads.swapaxes(0, 1).reshape(len(tokens), WIDTH), f"{at}.attention.output.dense")
        x = normed(x + attended, f"{at}.attention.output.LayerNorm")
        inner = dense(x, f"{at}.intermediate.dense")
        inner *= (1 + np.vectorize(erf)(inner / np.sqrt(2))) / 2
        x = normed(x + dense(inner, f"{at}.output.dense"), f"{at}.output.LayerNorm")
    mean: NDArray[np.float64] = x.mean(0)
    mean /= np.linalg.norm(mean)
    return mean


def test_weights_of_another_architecture_are_refused(folder: Path) -> None:
    tensors = load_file(folder / bert.WEIGHTS)
    save_file({**tensors, "decoder.weight": np.zeros(4, np.float32)}, folder / bert.WEIGHTS)
    with pytest.raises(ValueError, match=r"holds decoder\.weight"):
        bert.convert(folder, folder / "x.gguf", name="x", licence="none")


# --------------------------------------------------------------------------------------------------- pulling


@pytest.fixture
def wheeled(folder: Path, converted: Path, index: Path, changed: Callable[..., ModelInfo]) -> ModelInfo:
    """A registered embedder whose wheel is where pip looks."""
    files = {f"encoder/model/{name}": (folder / name).read_bytes() for name in bert.FILES}
    write_wheel(index, "encoder", files)
    bert.convert(folder, folder / "tiny.gguf", name="tiny", licence="Tiny Terms")
    made = (folder / "tiny.gguf").read_bytes()
    return changed(
        kind="embedder",
        source=BertWheel(
            requirement="encoder==1.0",
            member="encoder/model",
            sha256=hashlib.sha256((folder / bert.WEIGHTS).read_bytes()).hexdigest(),
        ),
        file="tiny.gguf",
        sha256=hashlib.sha256(made).hexdigest(),
        size=len(made),
        terms=None,
    )


def kept(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "models").rglob("*") if path.is_file())


def test_pull_converts_what_is_in_the_wheel_and_keeps_nothing_else(wheeled: ModelInfo, home: Path) -> None:
    said: list[str] = []
    path = pull("tiny", lambda doing, done, total: said.append(doing))
    assert hashlib.sha256(path.read_bytes()).hexdigest() == wheeled.sha256
    assert kept(home) == ["tiny.gguf"]
    assert "converting tiny to GGUF" in said


def test_other_weights_in_the_wheel_are_refused(
    wheeled: ModelInfo, changed: Callable[..., ModelInfo], home: Path
) -> None:
    changed(source=BertWheel(requirement="encoder==1.0", member="encoder/model", sha256="0" * 64))
    with pytest.raises(ModelError, match="what came for tiny is not the file that the registry knows"):
        pull("tiny", quiet)
    assert kept(home) == []


def test_a_conversion_that_comes_out_otherwise_is_refused(
    wheeled: ModelInfo, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    convert = bert.convert

    def otherwise(folder: Path, target: Path, *, name: str, licence: str) -> None:
        convert(folder, target, name="other", licence=licence)

    monkeypatch.setattr(bert, "convert", otherwise)
    with pytest.raises(ModelError, match="converted to another file") as caught:
        pull("tiny", quiet)
    assert "`gguf`" in str(caught.value.help)
    assert kept(home) == []
