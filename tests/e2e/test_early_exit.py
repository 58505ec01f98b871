"""Early exit on the real models: the states are those of a whole pass, whatever runs beside them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import numpy as np
import pytest
from numpy.typing import NDArray

from microprompt import models
from microprompt.engines.engine import Call, Engine
from microprompt.engines.loaded import override
from microprompt.errors import DeadlineExceeded, EngineError
from microprompt.heads.evidence import Readout
from microprompt.llamacpp.backend import LlamaCppBackend
from microprompt.llamacpp.states import StatesBackend
from microprompt.scheduling.backend import LONG_BATCH_TOKENS, Rows, Step
from microprompt.scheduling.lane_group import EXIT_CELLS

from .functions import MESSAGES, classify, llama, topic

pytestmark = pytest.mark.model

BESIDE_OTHERS = 2e-2
"""How far a feature may move when other calls share the batch, or when it is of another length: states are of
the size of 1, and the values that they are sums of are kept with eight bits where that is faster (BF16)."""


class Through(StatesBackend):
    """Takes the same states and lets the graph go on to its end."""

    def _on_node(self, tensor: int, is_asked: bool, _: object) -> bool:
        wanted = super()._on_node(tensor, is_asked, _)
        return wanted if is_asked else True


def step(count: int, *, start: int = 0, sequence: int = 0, first: int = 100) -> Step:
    made = Step()
    for place in range(count):
        made.add(first + place, start + place, (sequence,), row=True)
    return made


def read(engine: Engine, text: str, prefix: str = "own") -> NDArray[np.float32]:
    return engine.result(engine.read(call(text), Readout(engine.exit_layer, prefix)))


def call(text: str, timeout: float | None = None) -> Call:
    return Call(classify.program, {"text": text}, timeout)


@contextmanager
def busy_threads(count: int) -> Iterator[None]:
    """Threads of Python that never rest."""
    is_over = threading.Event()

    def work() -> None:
        while not is_over.is_set():
            sum(range(1000))

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("name", ["engine", "gemma"])
def test_the_states_are_those_of_a_pass_that_goes_on(name: str, request: pytest.FixtureRequest) -> None:
    engine: Engine = request.getfixturevalue(name)
    weights, layer = llama(engine).weights, engine.exit_layer
    ended = StatesBackend(weights, layer, name="ended", context=512)
    through = Through(weights, layer, name="through", context=512)
    with closing(ended), closing(through):
        for count in (1, 2, 12, LONG_BATCH_TOKENS + 30):
            found, expected = (backend.decode(step(count), 1) for backend in (ended, through))
            assert found.shape == (count, weights.n_embd())
            assert np.array_equal(found, expected)
            assert len(np.unique(found[:, 0])) == count
            ended.forget(0)
            through.forget(0)


def test_every_layer_but_the_last_is_an_exit(smollm2_model: models.ResolvedModel) -> None:
    weights = smollm2_model.load()
    with closing(LlamaCppBackend(weights, name="smollm2", context=300)) as backend:
        rows: list[Rows] = []
        for layer in (1, weights.n_layers() - 1):
            with closing(backend.exit_after(layer, 300)) as ended:
                rows.append(ended.decode(step(3), 1))
        assert np.abs(rows[0] - rows[1]).max() > 1
        for layer in (-1, 0, weights.n_layers(), 99):
            with pytest.raises(EngineError, match=f"there is no early exit behind layer {layer}"):
                backend.exit_after(layer, 300)


def test_a_model_whose_graph_names_no_states_is_an_error_and_never_an_answer(engine: Engine) -> None:
    with closing(StatesBackend(llama(engine).weights, 3, name="nameless", context=300)) as backend:
        backend._node = b"l_out-of-another-model"
        for _ in range(2):
            with pytest.raises(EngineError, match="no hidden states of nameless"):
                backend.decode(step(3), 1)
            backend.forget(0)
        backend._node = b"l_out-2"
        assert len(backend.decode(step(3), 1)) == 3


def test_a_node_in_another_place_is_found_again(engine: Engine) -> None:
    with closing(StatesBackend(llama(engine).weights, 3, name="moved", context=300)) as backend:
        first = backend.decode(step(3), 1)
        backend._place -= 5
        backend.forget(0)
        assert np.array_equal(backend.decode(step(3), 1), first)


def test_a_forked_prefix_gives_what_one_text_gives(engine: Engine) -> None:
    weights, layer = llama(engine).weights, engine.exit_layer
    with closing(StatesBackend(weights, layer, name="forked", context=512)) as backend:
        whole = backend.decode(step(60), 1)
        backend.forget(0)
        backend.decode(step(40), 1)
        backend.fork(0, 1)
        behind = backend.decode(step(20, start=40, sequence=1, first=140), 1)
        backend.forget(1)
        saved = backend.save(0)
        backend.forget(0)
        backend.restore(2, saved)
        restored = backend.decode(step(20, start=40, sequence=2, first=140), 1)
    scale = np.sqrt((whole[40:] ** 2).mean())
    assert behind / scale == pytest.approx(whole[40:] / scale, abs=BESIDE_OTHERS)
    assert np.array_equal(restored, behind)


def test_a_readout_is_the_same_alone_among_others_cold_and_warm(engine: Engine) -> None:
    texts = [*MESSAGES, "Is it raining?"]
    alone = [read(engine, text) for text in texts]
    reading = Readout(engine.exit_layer, "own")
    for _ in range(2):
        jobs = [engine.read(call(text), reading) for text in texts]
        for job, expected in zip(jobs, alone, strict=True):
            assert engine.result(job) == pytest.approx(expected, abs=BESIDE_OTHERS)
    assert np.abs(alone[0] - alone[1]).max() > 0.1


def test_what_ended_early_leaves_answers_as_they_were(on_smollm2: Engine) -> None:
    before = [topic.detail(message).distribution for message in MESSAGES]
    reading = Readout(on_smollm2.exit_layer, "own")
    jobs = [
        on_smollm2.read(Call(topic.program, {"text": message}), reading) for message in MESSAGES for _ in "ab"
    ]
    after = [topic.detail(message).distribution for message in MESSAGES]
    for job in jobs:
        on_smollm2.result(job)
    for one, other in zip(after, before, strict=True):
        assert one == pytest.approx(other, abs=1e-4)


def test_two_exits_and_two_lanes_agree_with_one_lane(
    engine: Engine, smollm2_model: models.ResolvedModel
) -> None:
    readings = [Readout(layer, prefix) for layer in (6, 18) for prefix in ("own", "none")]
    texts = [f"Where is parcel {number}?" for number in range(6)]
    expected = [engine.result(engine.read(call(text), reading)) for text in texts for reading in readings]
    backend = LlamaCppBackend(smollm2_model.load(), name="two lanes", context=1024)
    two = Engine(backend, lanes=2, threads=2)
    with closing(two):
        jobs = [two.read(call(text), reading) for text in texts for reading in readings]
        for job, one in zip(jobs, expected, strict=True):
            assert two.result(job) == pytest.approx(one, abs=BESIDE_OTHERS)
        assert len(two.scheduler.runners) == 2


def test_a_readout_completes_beside_busy_threads_and_is_the_same(engine: Engine) -> None:
    alone = read(engine, MESSAGES[0])
    with busy_threads(3):
        assert read(engine, MESSAGES[0]) == pytest.approx(alone, abs=1e-6)


def test_a_long_text_is_read_whole_and_a_deadline_or_its_caller_ends_it(engine: Engine) -> None:
    text = "It is so. " * 900
    reading = Readout(engine.exit_layer, "own")
    assert len(engine.passage(call(text), reading).tokens) > EXIT_CELLS
    with pytest.raises(DeadlineExceeded):
        engine.result(engine.read(call(text, timeout=0.4), reading))
    job = engine.read(call(text), reading)
    time.sleep(0.2)
    engine.abandon(job)
    assert np.isfinite(read(engine, "Is it raining?")).all()
    assert np.isfinite(read(engine, "word " * EXIT_CELLS)).all()


def test_an_engine_with_exits_closes_and_frees_its_weights(smollm2_model: models.ResolvedModel) -> None:
    weights = smollm2_model.load()
    engine = Engine(LlamaCppBackend(weights, name="closing", context=512))
    with override(engine):
        classify("Is it raining?")
    read(engine, "Is it raining?")
    engine.close()
    with pytest.raises(EngineError, match="was closed"):
        weights.n_embd()
