"""Values in the cache as BF16: no logits depend on how a text is cut, nor on what else is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import pairwise

import numpy as np
import pytest

from microprompt import models
from microprompt.llamacpp.backend import LlamaCppBackend
from microprompt.llamacpp.weights import ValueType, Weights
from microprompt.scheduling.backend import Rows, Step

pytestmark = pytest.mark.model

TOKENS = 150


@pytest.fixture(scope="module")
def backend(smollm2_model: models.ResolvedModel) -> Iterator[LlamaCppBackend]:
    prepared = smollm2_model.prepared
    if prepared is None or prepared.type not in ("F16", "BF16"):
        pytest.skip("kernels for quantised weights take rows in groups")
    weights = Weights(smollm2_model.path, values=ValueType.BF16)
    with closing(LlamaCppBackend(weights, name="x", context=512)) as made:
        yield made


def logits(backend: LlamaCppBackend, cuts: Sequence[int]) -> Rows:
    """The logits behind a text that is evaluated up to each of the cuts, one after the other."""
    rows = np.empty((0, 0), dtype=np.float32)
    for start, end in pairwise((0, *cuts, TOKENS)):
        step = Step()
        for place in range(start, end):
            step.add(100 + 37 * place, place, (0,), row=place == TOKENS - 1)
        rows = backend.decode(step, 2)
    backend.forget(0)
    return rows


@pytest.mark.parametrize("cuts", [(), (140,), (30, 90)], ids=str)
def test_how_a_text_is_cut_changes_nothing(backend: LlamaCppBackend, cuts: Sequence[int]) -> None:
    np.testing.assert_array_equal(logits(backend, cuts), logits(backend, (50, 100)))


def test_what_else_is_in_the_cache_changes_nothing(backend: LlamaCppBackend) -> None:
    alone = logits(backend, (50, 100))
    other = Step()
    for place in range(40):
        other.add(7 + place, place, (1,))
    backend.decode(other, 2)
    np.testing.assert_array_equal(logits(backend, (50, 100)), alone)
    backend.forget(1)
