"""What llama.cpp is given is bounded, and what it gives is checked."""

from __future__ import annotations

import ctypes
import shutil
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from microprompt import models
from microprompt.engines.engine import Engine
from microprompt.engines.loaded import override
from microprompt.errors import EngineError, ModelError, PromptTooLong
from microprompt.llamacpp.backend import LlamaCppBackend
from microprompt.llamacpp.context import SEQUENCES
from microprompt.llamacpp.native import MAX_THREADS
from microprompt.scheduling.backend import Step
from microprompt.scheduling.decoding import MAX_SEQUENCES

from .functions import Act, classify

pytestmark = pytest.mark.model


def step(token: int = 100, position: int = 0, sequences: tuple[int, ...] = (0,), count: int = 1) -> Step:
    made = Step()
    for place in range(count):
        made.add(token, position + place, sequences, row=place == count - 1)
    return made


@pytest.fixture
def backend(smollm2_model: models.ResolvedModel) -> Iterator[LlamaCppBackend]:
    with closing(LlamaCppBackend(smollm2_model.load(), name="x", context=300)) as made:
        yield made


# ------------------------------------------------------------------------------------------------ numbers


@pytest.mark.parametrize("context", [1, 128, 255, 256, 257])
def test_any_context_works_or_is_too_short_for_the_prompt(
    smollm2_model: models.ResolvedModel, context: int
) -> None:
    engine = Engine(LlamaCppBackend(smollm2_model.load(), name="x", context=context))
    with closing(engine), override(engine):
        try:
            assert classify("Is it raining?") in Act
        except PromptTooLong as error:
            assert f"context holds {context}" in str(error) or f"context {context}" in str(error)  # noqa: PT017 (either is right)


@pytest.mark.parametrize("context", [0, -1, -(1 << 40), 1 << 40, 10**30])
def test_a_context_that_no_model_has_is_a_model_error(
    smollm2_model: models.ResolvedModel, context: int
) -> None:
    weights = smollm2_model.load()
    with closing(weights), pytest.raises(ModelError, match="context"):
        LlamaCppBackend(weights, name="x", context=context)


TOO_MUCH: dict[str, Callable[[], tuple[Step, int]]] = {
    "no threads": lambda: (step(), 0),
    "threads": lambda: (step(), MAX_THREADS + 1),
    "threads of 40 bits": lambda: (step(), (1 << 40) + 1),
    "token": lambda: (step(token=1 << 40), 1),
    "token below zero": lambda: (step(token=-1), 1),
    "position": lambda: (step(position=300), 1),
    "sequence": lambda: (step(sequences=(SEQUENCES,)), 1),
    "no sequence": lambda: (step(sequences=()), 1),
    "sequences of a token": lambda: (step(sequences=tuple(range(MAX_SEQUENCES + 1))), 1),
    "row": lambda: (Step([1], [0], [(0,)], [1]), 1),
    "positions": lambda: (Step([1, 2], [0], [(0,), (0,)], [0]), 1),
}


@pytest.mark.parametrize("what", TOO_MUCH)
def test_a_step_past_a_bound_is_refused_and_the_next_one_works(backend: LlamaCppBackend, what: str) -> None:
    with pytest.raises(EngineError, match="are possible"):
        backend.decode(*TOO_MUCH[what]())
    assert backend.decode(step(), 1).shape == (1, backend.n_vocab)


def test_a_token_may_belong_to_the_sequences_of_a_whole_trie(backend: LlamaCppBackend) -> None:
    assert len(backend.decode(step(sequences=tuple(range(MAX_SEQUENCES)), count=SEQUENCES + 2), 1)) == 1


@pytest.mark.parametrize("number", [-1, SEQUENCES, 1 << 40])
def test_a_sequence_that_is_not_there_is_refused(backend: LlamaCppBackend, number: int) -> None:
    for call in (
        lambda: backend.fork(number, 0),
        lambda: backend.fork(0, number),
        lambda: backend.forget(number),
        lambda: backend.save(number),
        lambda: backend.restore(number, b""),
    ):
        with pytest.raises(EngineError, match="has no sequence"):
            call()


# ----------------------------------------------------------------------------------------- what was freed


def test_a_closed_backend_refuses_in_every_method(smollm2_model: models.ResolvedModel) -> None:
    backend = LlamaCppBackend(smollm2_model.load(), name="x", context=300)
    backend.close()
    backend.close()
    weights = backend.weights
    for call in (
        lambda: backend.decode(step(), 1),
        lambda: backend.fork(0, 1),
        lambda: backend.forget(0),
        lambda: backend.save(0),
        lambda: backend.restore(0, b""),
        lambda: backend.clone(),
        lambda: backend.matcher('start: "a"'),
        lambda: backend.tokenize("a", control=True),
        lambda: backend.start_tokens(),
        lambda: backend.piece(100),
        lambda: backend.is_end(1),
        lambda: LlamaCppBackend(weights, name="x"),
        lambda: weights.n_vocab(),
        lambda: weights.token_eos(),
        lambda: weights.n_context_trained(),
        lambda: weights.tokenize(b"a"),
        lambda: weights.detokenize([100]),
        lambda: weights.read_piece(1, control=True),
        lambda: weights.hold(),
    ):
        with pytest.raises(EngineError, match="was closed"):
            call()


def test_weights_live_as_long_as_the_last_context_over_them(smollm2_model: models.ResolvedModel) -> None:
    backend = LlamaCppBackend(smollm2_model.load(), name="x", context=300)
    twin = backend.clone()
    backend.close()
    assert twin.decode(step(), 1).shape == (1, twin.n_vocab)
    twin.close()
    with pytest.raises(EngineError, match="was closed"):
        twin.weights.n_vocab()


# ------------------------------------------------------------------------------------------------ damage


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_logits_that_are_not_finite_are_no_answer(
    backend: LlamaCppBackend, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    logits = np.zeros(backend.n_vocab, dtype=np.float32)
    logits[7] = value
    monkeypatch.setattr(
        backend._lib, "llama_get_logits_ith", lambda *_: logits.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
    )
    with pytest.raises(EngineError, match="not finite"):
        backend.decode(step(), 1)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"llama.block_count", struct.pack("<I", 0)),
        (b"llama.context_length", struct.pack("<I", 0)),
        (b"llama.context_length", struct.pack("<I", 0xFFFFFFFF)),
        (b"llama.embedding_length", struct.pack("<I", 0xFFFFFFFF)),
        (b"llama.attention.layer_norm_rms_epsilon", struct.pack("<f", -1.0)),
        (b"llama.rope.freq_base", struct.pack("<f", float("nan"))),
    ],
)
def test_a_file_that_llama_cpp_does_not_survive_is_a_model_error(
    tmp_path: Path, key: bytes, value: bytes
) -> None:
    path = tmp_path / "own.gguf"
    shutil.copy(models.resolve("smollm2-135m").shipped, path)
    with path.open("r+b") as file:
        at = file.read(2_000_000).index(key) + len(key) + 4
        file.seek(at)
        file.write(value)
    with pytest.raises(ModelError):
        models.ensure(str(path)).load()
