"""Heads: evidence becomes a distribution."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pytest

from microprompt.heads.evidence import Embedding, Evidence, Labels, Named, Readout, evidence_of
from microprompt.heads.head import Head, HeadPart
from microprompt.heads.linear import Linear
from microprompt.program import Arrangement

OWN = Readout(18, "own")
TEXT = Embedding("minilm-l6", "text")
ARRANGED = Labels(Arrangement(layout="chat", members="reversed", examples="interleaved"))
PAIR = Embedding("a.gguf", "pair")
NAMES = Named(("phone", "card arrival", "", "C++"))
EVIDENCE: tuple[Evidence, ...] = (Labels(), ARRANGED, OWN, Readout(18, "none"), TEXT, PAIR, NAMES)


def linear(weights: list[list[float]], bias: list[float]) -> Linear:
    return Linear(np.array(weights, dtype=np.float32), np.array(bias, dtype=np.float32))


def head(*parts: HeadPart) -> Head:
    return Head(parts=parts)


SURE = linear([[1.0], [-1.0]], [0.0, 0.0])
"""Of the feature 1.0 it says the first label, e^2 to 1."""


def test_one_part_is_the_softmax_of_its_logits() -> None:
    found = head(HeadPart(OWN, 1.0, SURE)).log_probs({OWN: [1.0]})
    assert np.exp(found) == pytest.approx([np.e**2 / (1 + np.e**2), 1 / (1 + np.e**2)])


@pytest.mark.parametrize(("weights", "logit"), [((1.0, 1.0), 4.0), ((0.5, 0.25), 1.5), ((1.0, 0.0), 2.0)])
def test_log_probabilities_add_up_with_their_weights(weights: tuple[float, float], logit: float) -> None:
    both = head(HeadPart(OWN, weights[0], SURE), HeadPart(TEXT, weights[1], SURE))
    found = both.log_probs({OWN: [1.0], TEXT: [1.0]})
    assert found[0] - found[1] == pytest.approx(logit)


def test_many_rows_are_said_at_once() -> None:
    both = head(HeadPart(OWN, 1.0, SURE), HeadPart(TEXT, 0.5, SURE))
    features: Mapping[Evidence, np.ndarray] = {OWN: np.array([[1.0], [-2.0]]), TEXT: np.array([[0.0], [3.0]])}
    rows = both.log_probs(features)
    for number in range(2):
        alone = both.log_probs({evidence: values[number] for evidence, values in features.items()})
        assert rows[number] == pytest.approx(alone)


def test_large_logits_do_not_overflow() -> None:
    found = head(HeadPart(OWN, 1000.0, SURE)).log_probs({OWN: [1e30]})
    assert np.exp(found) == pytest.approx([1.0, 0.0])


def test_evidence_that_is_missing_is_an_error() -> None:
    with pytest.raises(KeyError):
        head(HeadPart(OWN, 1.0, SURE)).log_probs({TEXT: [1.0]})


def test_what_answered_is_named_in_one_order() -> None:
    parts = [HeadPart(evidence, 1.0, SURE) for evidence in (TEXT, Readout(18, "none"), OWN, Labels())]
    assert head(*parts).answered_by == "labels+readout+embedder"
    assert head(parts[1], parts[2]).answered_by == "readout"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("My PHONE is wet.", [1, 0, 0, 0]),
        ("Two phones, and no card arrivals.", [1, 1, 0, 0]),
        ("My headphones, my phoned card.", [0, 0, 0, 0]),
        ("Is it C++? It is C++.", [0, 0, 0, 1]),
        ("", [0, 0, 0, 0]),
    ],
)
def test_a_label_is_named_by_its_word(text: str, named: list[int]) -> None:
    assert NAMES.features(text).tolist() == named


@pytest.mark.parametrize("evidence", EVIDENCE, ids=str)
def test_evidence_is_the_same_after_json(evidence: Evidence) -> None:
    assert evidence_of(json.loads(json.dumps(evidence.to_data()))) == evidence


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"kind": "hunch"},
        {"kind": ["labels"]},
        {"kind": "labels", "more": 1},
        {"kind": "labels", "layout": "verse"},
        {"kind": "labels", "members": "declared"},
        {"kind": "labels", "examples": ["reversed"]},
        {"kind": "readout", "layer": 0, "prefix": "own"},
        {"kind": "readout", "layer": True, "prefix": "own"},
        {"kind": "readout", "layer": 18, "prefix": "other"},
        {"kind": "readout", "prefix": "own"},
        {"kind": "embedder", "model": "", "form": "text"},
        {"kind": "embedder", "model": "minilm-l6", "form": 3},
        {"kind": "names"},
        {"kind": "names", "words": "phone"},
        {"kind": "names", "words": ["phone", 3]},
    ],
)
def test_other_data_is_no_evidence(data: object) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        evidence_of(data)
