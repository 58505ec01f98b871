"""The registered sentence embedder on llama.cpp."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import pytest

from microprompt import models
from microprompt.engines.embedder import Embedder
from microprompt.engines.engine import Call, Engine
from microprompt.errors import DeadlineExceeded, EngineError, ModelError
from microprompt.heads.evidence import Readout
from microprompt.llamacpp.backend import LlamaCppBackend
from microprompt.llamacpp.embedding import WINDOW, LlamaCppEncoder
from microprompt.scheduling.cores import Cores

from .functions import MESSAGES, classify

pytestmark = pytest.mark.model

BESIDE_OTHERS = 1e-3
"""How far a number of a unit vector may move when other texts share the batch."""


@pytest.fixture(scope="module")
def embedder() -> Iterator[Embedder]:
    """MiniLM; fetched and converted if it is not here."""
    found = models.ensure("minilm-l6", kind="embedder")
    made = Embedder(LlamaCppEncoder(found.load(), name="minilm-l6"))
    yield made
    made.close()


def embed(embedder: Embedder, *texts: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return embedder.result(embedder.embed(texts))


def test_texts_about_the_same_are_near_each_other(embedder: Embedder) -> None:
    question, paraphrase, other = embed(
        embedder,
        "Where does the train to Oslo leave?",
        "From which platform do trains for Oslo depart?",
        "I like green tea.",
    )
    assert question.shape == (embedder.dimension,) == (384,)
    assert float(question @ paraphrase) > 0.6
    assert abs(float(question @ other)) < 0.2


def test_words_of_like_meaning_have_vectors_that_are_alike(embedder: Embedder) -> None:
    [doctor, physician, tree] = [
        embedder.word_vectors[embedder.tokens_of(word)][0] for word in ("doctor", "physician", "tree")
    ]
    assert float(doctor @ physician) > 0.5 > float(doctor @ tree)


def test_a_text_is_the_same_alone_and_among_others(embedder: Embedder) -> None:
    texts = [*MESSAGES, "", "[SEP] [MASK] ##x", "漢字 🙂"]
    alone = [embed(embedder, text)[0] for text in texts]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda text: embed(embedder, text, *MESSAGES)[0], texts))
    together = embed(embedder, *texts)
    for one, beside, among in zip(alone, found, together, strict=True):
        assert beside == pytest.approx(one, abs=BESIDE_OTHERS)
        assert among == pytest.approx(one, abs=BESIDE_OTHERS)


def test_control_tokens_in_a_text_are_text(embedder: Embedder) -> None:
    encoder = embedder.encoder
    tokens = encoder.tokenize("[CLS] a [SEP] b [MASK]", control=False)
    assert not {*encoder.before, *encoder.after} & set(tokens)
    assert (encoder.before, encoder.after) == ((101,), (102,))


def test_a_long_text_is_embedded_whole(embedder: Embedder) -> None:
    trains, tea = "The train to Oslo leaves at nine. " * 60, "She drinks a cup of green tea. " * 60
    long, about_trains, about_tea = embed(embedder, trains + tea, trains, tea)
    assert len(embedder.encoder.tokenize(trains + tea, control=False)) > 3 * WINDOW
    assert min(float(long @ about_trains), float(long @ about_tea)) > 0.5


def test_a_deadline_ends_a_long_job_and_the_next_one_is_right(embedder: Embedder) -> None:
    expected = embed(embedder, "A short text.")
    with pytest.raises(DeadlineExceeded):
        embedder.result(embedder.embed(["A long text. " * 10_000], timeout=0.3))
    assert embed(embedder, "A short text.") == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "texts", [[[]], [[101] * (WINDOW + 1)], [[101]] * 65, [[-1]], [[1 << 40]], [[30522]], []]
)
def test_what_is_no_batch_is_refused(embedder: Embedder, texts: list[list[int]]) -> None:
    with pytest.raises(EngineError, match="minilm-l6"):
        embedder.encoder.encode(texts, 1)
    for threads in (0, 1 << 40):
        with pytest.raises(EngineError, match="minilm-l6"):
            embedder.encoder.encode([[101, 102]], threads)


def test_a_closed_encoder_refuses() -> None:
    encoder = LlamaCppEncoder(models.ensure("minilm-l6", kind="embedder").load(), name="minilm-l6")
    other = encoder.clone()
    encoder.close()
    encoder.close()
    with pytest.raises(EngineError, match="closed"):
        encoder.encode([[101, 102]], 1)
    assert other.encode([[101, 102]], 1).shape == (1, 384)
    other.close()
    with pytest.raises(EngineError, match="closed"):
        other.tokenize("a", control=False)


def test_a_language_model_is_no_embedder_and_an_embedder_answers_no_calls() -> None:
    with pytest.raises(ModelError, match="smollm2-135m is a language model"):
        models.ensure("smollm2-135m", kind="embedder")
    with pytest.raises(ModelError, match="minilm-l6 is an embedder"):
        models.ensure("minilm-l6", kind="language")


def test_a_readout_and_an_embedding_take_turns_at_the_cores(
    smollm2_model: models.ResolvedModel, embedder: Embedder
) -> None:
    cores = Cores(1)
    found = models.ensure("minilm-l6", kind="embedder")
    engine = Engine(LlamaCppBackend(smollm2_model.load(), name="smollm2"), cores=cores)
    beside = Embedder(LlamaCppEncoder(found.load(), name="minilm-l6"), cores=cores)
    reading = Readout(engine.exit_layer, "none")
    with closing(engine), closing(beside):
        jobs = [
            (engine.read(Call(classify.program, {"text": text}), reading), beside.embed([text]))
            for text in MESSAGES
        ]
        for text, (states, vectors) in zip(MESSAGES, jobs, strict=True):
            assert np.isfinite(engine.result(states)).all()
            assert beside.result(vectors)[0] == pytest.approx(embed(embedder, text)[0], abs=BESIDE_OTHERS)
