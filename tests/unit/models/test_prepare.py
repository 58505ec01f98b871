"""Choosing a type of weights, and what is kept of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from microprompt import models
from microprompt.errors import ModelError
from microprompt.llamacpp import measure
from microprompt.llamacpp.measure import Timing
from microprompt.models.prepare import Candidate, choose, choose_lanes, prepare, prepared
from microprompt.models.registry import ModelInfo

from .conftest import WEIGHTS


def quiet(doing: str, done: int, total: int) -> None:
    pass


def candidate(type: str, batch_ms: float, agreement: float = 1.0, token_ms: float = 1.0) -> Candidate:
    return Candidate(type=type, batch_ms=batch_ms, token_ms=token_ms, agreement=agreement)


@pytest.mark.parametrize(
    ("others", "chosen"),
    [
        ([candidate("F16", 50), candidate("BF16", 60)], "F16"),
        ([candidate("F16", 95), candidate("BF16", 120)], "Q4_1"),
        ([candidate("F16", 40, agreement=0.95), candidate("BF16", 60)], "BF16"),
        ([candidate("F16", 85, token_ms=8.0)], "Q4_1"),
        ([Candidate(type="F16", error="no room")], "Q4_1"),
        ([], "Q4_1"),
    ],
)
def test_the_fastest_type_that_keeps_the_answers_is_chosen(others: Sequence[Candidate], chosen: str) -> None:
    assert choose([candidate("Q4_1", 100), *others]).type == chosen


def test_a_type_that_answers_more_exactly_than_the_shipped_one_is_no_worse() -> None:
    measured = [candidate("Q4_1", 100, agreement=0.95), candidate("BF16", 50, agreement=0.97)]
    assert choose(measured).type == "BF16"


@pytest.mark.parametrize(
    ("rates", "chosen"),
    [
        ({1: 400.0}, 1),
        ({1: 400.0, 2: 430.0}, 1),
        ({1: 400.0, 2: 600.0}, 2),
        ({1: 400.0, 2: 600.0, 4: 650.0}, 2),
        ({1: 400.0, 2: 350.0, 4: 650.0}, 4),
    ],
)
def test_more_lanes_are_used_where_they_are_faster(rates: dict[int, float], chosen: int) -> None:
    assert choose_lanes(rates) == chosen


@pytest.fixture
def shipped(tiny: ModelInfo, home: Path) -> Path:
    path = home / "models" / "tiny" / tiny.file
    path.parent.mkdir(parents=True)
    path.write_bytes(b"".join(WEIGHTS))
    return path


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """A machine that needs these milliseconds for a batch of each type."""
    batch_ms = {"Q4_1": 100.0, "F16": 90.5, "BF16": 30.0}

    def requantise(source: Path, target: Path, type: str, threads: int) -> None:
        shutil.copy(source, target)

    def time_calls(paths: Sequence[Path], threads: int) -> list[Timing]:
        return [Timing(batch_ms=batch_ms[path.stem.rsplit(".", 1)[1]], token_ms=1.0) for path in paths]

    monkeypatch.setattr(measure, "file_type", lambda path: "Q4_1")
    monkeypatch.setattr(measure, "requantise", requantise)
    monkeypatch.setattr(measure, "time_calls", time_calls)
    monkeypatch.setattr(measure, "agreement", lambda *_: 1.0)
    monkeypatch.setattr(measure, "lane_rates", lambda *_: {1: 400.0, 2: 700.0, 4: 710.0})
    return batch_ms


def test_the_winner_is_kept_and_the_losers_are_not(
    tiny: ModelInfo, shipped: Path, machine: dict[str, float]
) -> None:
    found = prepare(shipped, tiny, quiet)
    assert found.type == "BF16"
    assert sorted(path.name for path in shipped.parent.glob("*.gguf")) == [
        "tiny.Q4_1.BF16.gguf",
        "tiny.Q4_1.gguf",
    ]
    assert not list(shipped.parent.glob(".prepare-*"))


def test_the_record_is_found_again_with_its_measurements(
    tiny: ModelInfo, shipped: Path, machine: dict[str, float]
) -> None:
    found = prepare(shipped, tiny, quiet)
    assert prepared(shipped, tiny) == found
    assert models.resolve("tiny").path == found.path
    assert [candidate.batch_ms for candidate in found.candidates] == [100.0, 90.5, 30.0]
    assert (found.lanes, found.lane_rates) == (2, {1: 400.0, 2: 700.0, 4: 710.0})
    assert models.resolve("tiny").lanes == 2


def test_answers_are_compared_with_those_of_f16(
    shipped: Path, tiny: ModelInfo, machine: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def agreement(path: Path, reference: Path, threads: int) -> float:
        assert ".F16." in reference.name
        return 0.9 if path == shipped else 1.0

    monkeypatch.setattr(measure, "agreement", agreement)
    found = {candidate.type: candidate.agreement for candidate in prepare(shipped, tiny, quiet).candidates}
    assert found == {"Q4_1": 0.9, "F16": 1.0, "BF16": 1.0}


def test_a_machine_that_gains_nothing_keeps_the_shipped_file(
    tiny: ModelInfo, shipped: Path, machine: dict[str, float]
) -> None:
    prepare(shipped, tiny, quiet)
    machine["BF16"] = 99.0
    assert prepare(shipped, tiny, quiet).path == shipped
    assert list(shipped.parent.glob("*.gguf")) == [shipped]


def test_a_prepared_file_that_is_lost_or_cut_short_is_prepared_again(
    tiny: ModelInfo, shipped: Path, machine: dict[str, float]
) -> None:
    found = prepare(shipped, tiny, quiet)
    found.path.write_bytes(b"GGUF")
    assert prepared(shipped, tiny) is None
    assert models.resolve("tiny").path == shipped
    assert models.ensure("tiny", progress=quiet).path.read_bytes() == b"".join(WEIGHTS)


def test_another_version_of_llama_cpp_measures_again(
    tiny: ModelInfo, shipped: Path, machine: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(shipped, tiny, quiet)
    monkeypatch.setattr("microprompt.models.prepare._llama_cpp_version", lambda: "99")
    assert prepared(shipped, tiny) is None


def test_a_record_that_can_not_be_read_is_no_record(
    tiny: ModelInfo, shipped: Path, machine: dict[str, float]
) -> None:
    prepare(shipped, tiny, quiet)
    (record,) = shipped.parent.glob("prepared-*.json")
    for text in ("", "[]", json.dumps({"file": "x"})):
        record.write_text(text)
        assert prepared(shipped, tiny) is None


def test_a_wrong_hash_stops_the_preparation(
    tiny: ModelInfo, shipped: Path, machine: dict[str, float]
) -> None:
    shipped.write_bytes(b"GGUF" + bytes(len(b"".join(WEIGHTS)) - 4))
    with pytest.raises(ModelError, match="sha256"):
        prepare(shipped, tiny, quiet)


def test_weights_that_are_not_quantised_are_not_written_again(
    tiny: ModelInfo, shipped: Path, machine: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "file_type", lambda path: "F16")
    found = prepare(shipped, tiny, quiet)
    assert (found.type, found.path, len(found.candidates)) == ("F16", shipped, 1)
