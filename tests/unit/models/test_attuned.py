"""In which type a cache holds values, and what a batch costs by itself, is measured once for a file, and
remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from microprompt.llamacpp.measure import Timing
from microprompt.llamacpp.weights import ValueType, WeightsFile
from microprompt.models.attuned import attuned, faster

from .conftest import Machine, quiet


@pytest.fixture
def own(tmp_path: Path) -> WeightsFile:
    path = tmp_path / "own.gguf"
    path.write_bytes(b"weights")
    return WeightsFile(path=path, extra_buffers=True)


@pytest.mark.parametrize(("bf16_ms", "best"), [(20.0, "BF16"), (29.0, "F16"), (40.0, "F16")])
def test_values_are_bf16_where_that_is_worth_it(bf16_ms: float, best: str) -> None:
    timings = {
        ValueType.F16: Timing(batch_ms=30.0, token_ms=5.0, spread=0.0),
        ValueType.BF16: Timing(batch_ms=bf16_ms, token_ms=5.0, spread=0.0),
    }
    assert faster(timings) == best


def test_a_file_is_timed_once(own: WeightsFile, machine: Machine) -> None:
    found = attuned(own, quiet)
    assert (found.values, found.extra_buffers) == ("BF16", True)
    # One token takes 1 ms and 16 take 20: a batch costs less by itself than a token.
    assert found.pass_tokens == 0.0
    machine.values_ms[ValueType.BF16] = 100.0
    assert attuned(own, quiet) == found
    assert machine.values_timed == ["own.gguf"]


def test_a_file_that_has_changed_is_timed_again(own: WeightsFile, machine: Machine) -> None:
    attuned(own, quiet)
    machine.values_ms[ValueType.BF16] = 100.0
    own.path.write_bytes(b"other weights")
    assert attuned(own, quiet).values == "F16"


@pytest.mark.parametrize(
    "damage", [b"", b'{"values": "F64", "pass_tokens": 2.0}', b'{"values": "BF16"}', b"nonsense"]
)
def test_what_is_damaged_is_measured_again(
    own: WeightsFile, machine: Machine, home: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes
) -> None:
    attuned(own, quiet)
    [fact] = (home / "facts").glob("timing-*")
    fact.write_bytes(damage)
    monkeypatch.setattr("microprompt.models.facts._here", {})
    machine.values_ms[ValueType.BF16] = 100.0
    assert attuned(own, quiet).values == "F16"


@pytest.mark.parametrize(
    ("batch_ms", "token_ms", "pass_tokens"),
    [(55.0, 17.5, 6.0), (50.0, 20.0, 9.0), (320.0, 20.0, 0.0), (16.0, 16.0, 16.0), (15.0, 16.0, 16.0)],
)
def test_what_a_batch_costs_by_itself_is_what_more_tokens_do_not_add(
    batch_ms: float, token_ms: float, pass_tokens: float
) -> None:
    found = Timing(batch_ms=batch_ms, token_ms=token_ms, spread=0.0).pass_tokens
    assert found == pytest.approx(pass_tokens)
