"""Readouts: what is read of a call's arguments, and what is made of the states."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from microprompt import abi
from microprompt.engines.engine import Call, Engine
from microprompt.engines.scripted import VOCABULARY, Voice
from microprompt.errors import ArgumentError, DeadlineExceeded, EngineError, PromptTooLong
from microprompt.heads.evidence import Readout
from microprompt.program import Program
from microprompt.prompts.tokenized import Passage
from microprompt.scheduling.readouts import pool
from microprompt.types import BoolType

from .programs import ACT, Act, WatchedBackend, compare, program, random_voice, wait_until_idle

OWN = Readout(1, "own")
NONE = Readout(1, "none")
CLASSIFY = program(ACT, name="classify", examples={"Is it?": Act.question})
RATE = program(BoolType(), name="rate", instruction="Say whether it is good.")
PREFIX = "Say whether it is good.\n\nInput:"
LEAD = "Read the text. What does it say, and what is it for?\n\nText:"
EMPTY = replace(RATE, input=("Nothing to see.",))


def engine_of(voice: Voice, context: int = 16384) -> Engine:
    return Engine(WatchedBackend(voice, context=context))


def call(text: str = "Hm. So?", asked: Program = RATE, timeout: float | None = None) -> Call:
    return Call(asked, {"text": text}, timeout)


def text_of(passage: Passage) -> tuple[str, str]:
    """The prefix, and what counts."""
    return bytes(passage.prefix).decode(), bytes(passage.tokens).decode()


def features(voice: Voice, before: bytes, text: bytes) -> NDArray[np.float32]:
    """The features of `text` behind `before`, by the definition: the states of bytes are their logits."""
    states = [voice(before + text[: place + 1]).astype(np.float64) for place in range(len(text))]
    normalised = [state / np.sqrt((state**2).mean()) for state in states]
    return np.concatenate([np.mean(normalised, axis=0), normalised[-1]]).astype(np.float32)


# ---------------------------------------------------------------------------------------------- pooling


def test_states_count_alike_however_long_they_are() -> None:
    states = np.array([[3.0, 4.0], [300.0, -400.0]], dtype=np.float32)
    pooled = pool(states)
    rms = np.sqrt(12.5)
    assert pooled == pytest.approx([3 / rms, 0, 3 / rms, -4 / rms], abs=1e-6)
    assert pooled.dtype == np.float32


def test_a_state_of_zeros_is_no_division_by_zero() -> None:
    assert pool(np.zeros((1, 4), dtype=np.float32)).tolist() == [0.0] * 8


# --------------------------------------------------------------------------------------------- passages


def test_a_readout_with_its_own_prefix_reads_up_to_the_last_argument() -> None:
    engine = engine_of(random_voice(0))
    assert text_of(engine.passage(call(), OWN)) == (PREFIX, " Hm. So?")
    engine.close()


def test_it_reads_what_stands_between_arguments_and_no_cue() -> None:
    engine = engine_of(random_voice(0))
    asked = Call(compare.program, {"first": "one", "second": 2, "flag": None})
    prefix, read = text_of(engine.passage(asked, OWN))
    assert (prefix, read) == ("Compare.\n\nFirst:", " one\nSecond: 2\nFlags: none")
    assert engine.render(asked) == f"{prefix}{read}\nSame:"
    engine.close()


def test_a_readout_without_prefix_is_the_same_for_all_functions_of_one_text() -> None:
    engine = engine_of(random_voice(0))
    passages = [engine.passage(call(asked=asked), NONE) for asked in (RATE, CLASSIFY)]
    assert passages[0] == passages[1]
    assert text_of(passages[0]) == (LEAD, " Hm. So?")
    assert engine.passage(call(asked=RATE), OWN) != engine.passage(call(asked=CLASSIFY), OWN)
    engine.close()


def test_without_prefix_arguments_stand_one_on_a_line_and_repeated_ones_once() -> None:
    engine = engine_of(random_voice(0))
    asked = Call(compare.program, {"first": "one", "second": 2, "flag": True})
    assert text_of(engine.passage(asked, NONE)) == (LEAD, " one\n2\nyes")
    hole = abi.Hole(parameter="text")
    twice = replace(RATE, input=("Input: ", hole, "\nAgain: ", hole))
    assert text_of(engine.passage(call("so", twice), NONE)) == (LEAD, " so")
    assert text_of(engine.passage(call("so", twice), OWN))[1] == " so\nAgain: so"
    engine.close()


def test_the_start_token_of_a_model_is_read_and_does_not_count() -> None:
    backend = WatchedBackend(random_voice(0))
    backend.start_tokens = lambda: [1]  # type: ignore[method-assign]
    engine = Engine(backend)
    passage = engine.passage(call("so"), NONE)
    assert (passage.prefix, passage.tokens) == ((1, *LEAD.encode()), tuple(b" so"))
    expected = features(random_voice(0), b"\x01" + LEAD.encode(), b" so")
    assert engine.result(engine.read(call("so"), NONE)) == pytest.approx(expected, abs=1e-4)
    engine.close()


@pytest.mark.parametrize("reading", [OWN, NONE])
def test_a_text_without_tokens_is_read_as_an_empty_line(reading: Readout) -> None:
    engine = engine_of(random_voice(0))
    bare = replace(RATE, input=(abi.Hole(parameter="text"),))
    assert text_of(engine.passage(call("", bare), reading))[1] == "\n"
    engine.close()


def test_a_prompt_without_arguments_has_nothing_to_read() -> None:
    engine = engine_of(random_voice(0))
    with pytest.raises(ArgumentError, match="rate has no arguments in its prompt"):
        engine.read(call(asked=EMPTY), OWN)
    engine.close()


@pytest.mark.parametrize(("reading", "before"), [(OWN, f"{PREFIX} "), (NONE, f"{LEAD} ")])
def test_a_text_that_does_not_fit_says_how_much_does(reading: Readout, before: str) -> None:
    engine = engine_of(random_voice(0), context=200)
    fits = "x" * (200 - len(before))
    engine.result(engine.read(call(fits), reading))
    with pytest.raises(PromptTooLong, match="argument `text` of rate has") as caught:
        engine.read(call(fits + "x"), reading)
    assert caught.value.parameter == "text"
    assert caught.value.tokens - caught.value.room == 1
    engine.close()


# ---------------------------------------------------------------------------------------------- engines


@pytest.mark.parametrize("seed", range(3))
def test_features_are_the_mean_and_the_last_of_the_normalised_states(seed: int) -> None:
    voice = random_voice(seed)
    engine = engine_of(voice)
    found = engine.result(engine.read(call(), OWN))
    assert found.shape == (2 * VOCABULARY,)
    assert found == pytest.approx(features(voice, PREFIX.encode(), b" Hm. So?"), abs=1e-4)
    alone = engine.result(engine.read(call(), NONE))
    assert alone == pytest.approx(features(voice, LEAD.encode(), b" Hm. So?"), abs=1e-4)
    engine.close()


def test_a_long_text_is_read_in_parts_and_its_features_are_the_same() -> None:
    voice = random_voice(4)
    engine = engine_of(voice)
    text = "So it goes on. " * 40
    found = engine.result(engine.read(call(text), NONE))
    assert found == pytest.approx(features(voice, LEAD.encode(), f" {text}".encode()), abs=1e-4)
    engine.close()


def test_readouts_run_beside_answers_of_the_same_calls() -> None:
    engine = engine_of(random_voice(0))
    texts = [f"Number {number}." for number in range(40)]
    answers = [engine.submit(call(text)) for text in texts]
    readings = [engine.read(call(text), reading) for text in texts for reading in (OWN, NONE)]
    for text, answer in zip(texts, answers, strict=True):
        assert engine.result(answer).distribution == engine.answer(call(text)).distribution
    for place, reading in enumerate(readings):
        alone = engine.result(engine.read(call(texts[place // 2]), (OWN, NONE)[place % 2]))
        assert engine.result(reading) == pytest.approx(alone, abs=1e-6)
    engine.close()


def test_a_readout_evaluates_its_prefix_once() -> None:
    engine = engine_of(random_voice(0))
    engine.result(engine.read(call("one"), OWN))
    wait_until_idle(engine)
    [group] = engine.scheduler.runners
    backend = group.lanes[1].backend
    assert isinstance(backend, WatchedBackend)
    backend.steps.clear()
    engine.result(engine.read(call("three"), OWN))
    assert backend.steps == [len(" three")]
    engine.close()


@pytest.mark.parametrize("layer", [-1, 0, 2, 30])
def test_a_layer_that_the_model_does_not_end_at_is_an_error(layer: int) -> None:
    engine = engine_of(random_voice(0))
    with pytest.raises(EngineError, match=f"scripted has 2 layers; nothing can be read behind layer {layer}"):
        engine.read(call(), Readout(layer, "own"))
    engine.close()


def test_a_readout_has_the_timeout_of_its_call() -> None:
    engine = engine_of(random_voice(0))
    with pytest.raises(DeadlineExceeded):
        engine.result(engine.read(call(timeout=0.0), OWN))
    assert engine.reading(call(timeout=5.0), OWN, waits=True).deadline is None
    engine.close()


def test_a_readout_is_given_up_like_any_job() -> None:
    engine = engine_of(random_voice(0))
    job = engine.read(call("x" * 5000), NONE)
    engine.abandon(job)
    assert job.future.cancelled()
    wait_until_idle(engine)
    engine.close()


def test_a_closed_engine_reads_nothing() -> None:
    engine = engine_of(random_voice(0))
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        engine.read(call(), OWN)


def test_a_readout_reads_behind_half_of_the_layers() -> None:
    engine = engine_of(random_voice(0))
    for layers, expected in ((30, 15), (18, 9), (24, 12), (2, 1), (1, 1)):
        engine.backend.n_layers = layers
        assert engine.exit_layer == expected
    engine.close()
