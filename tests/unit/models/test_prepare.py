"""Choosing a type of weights, and what is kept of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from microprompt import cpu, models, settings, storage
from microprompt.errors import ModelError
from microprompt.llamacpp import measure
from microprompt.llamacpp.measure import Timing
from microprompt.models import facts
from microprompt.models.prepare import choose, choose_lanes, prepare
from microprompt.models.prepared import Candidate, is_whole, read_record, write_record
from microprompt.models.registry import ModelInfo
from mpc.cli import doctor

from .conftest import WEIGHTS, Machine, quiet


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


def test_a_gain_within_the_noise_is_none() -> None:
    measured = [candidate("Q4_1", 100), candidate("F16", 85)]
    assert choose(measured, noise=0.02).type == "F16"
    assert choose(measured, noise=0.10).type == "Q4_1"


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


def ggufs(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.gguf"))


def test_the_winner_is_kept_and_the_losers_are_not(tiny: ModelInfo, shipped: Path, machine: Machine) -> None:
    found = prepare(shipped, tiny, quiet)
    assert found.type == "BF16"
    assert ggufs(shipped.parent) == ["tiny.Q4_1.BF16.gguf", "tiny.Q4_1.gguf"]
    assert not list(shipped.parent.glob(".*-*"))


def test_the_record_is_found_again_with_its_measurements(
    tiny: ModelInfo, shipped: Path, machine: Machine
) -> None:
    found = prepare(shipped, tiny, quiet)
    assert read_record(shipped, tiny) == found
    assert models.resolve("tiny").path == found.path
    assert [candidate.batch_ms for candidate in found.candidates] == [100.0, 90.5, 30.0]
    assert found.call_token_ms == pytest.approx(30.0 / measure.CALL_TOKENS, abs=0.001)
    assert (found.lanes, found.lane_rates) == (2, {1: 400.0, 2: 700.0, 4: 710.0})
    assert models.resolve("tiny").lanes == 2


def test_answers_are_compared_with_those_of_f16(
    tiny: ModelInfo, shipped: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "agreement", lambda ours, theirs: 0.9 if "Q4_1.gguf" in ours else 1.0)
    found = {candidate.type: candidate.agreement for candidate in prepare(shipped, tiny, quiet).candidates}
    assert found == {"Q4_1": 0.9, "F16": 1.0, "BF16": 1.0}


def test_each_file_answers_the_probes_once(tiny: ModelInfo, shipped: Path, machine: Machine) -> None:
    prepare(shipped, tiny, quiet)
    assert sorted(machine.probed) == ["tiny.Q4_1.BF16.gguf", "tiny.Q4_1.F16.gguf", "tiny.Q4_1.gguf"]


def test_a_machine_that_gains_nothing_keeps_the_shipped_file(
    tiny: ModelInfo, shipped: Path, machine: Machine
) -> None:
    found = prepare(shipped, tiny, quiet)
    machine.batch_ms["BF16"] = 99.0
    assert prepare(shipped, tiny, quiet, stale=found).path == shipped
    assert ggufs(shipped.parent) == [shipped.name]


# ------------------------------------------------------------------------------------- damage to what is kept


@pytest.mark.parametrize("place", [0, 5000, -1])
def test_a_prepared_file_with_a_flipped_bit_is_said_and_prepared_again(
    tiny: ModelInfo, shipped: Path, machine: Machine, place: int
) -> None:
    found = prepare(shipped, tiny, quiet)
    whole = found.path.read_bytes()
    flipped = bytearray(whole)
    flipped[place] ^= 1
    found.path.write_bytes(flipped)
    assert not is_whole(found, quiet)
    assert models.resolve("tiny").path == shipped
    said: list[str] = []
    assert models.ensure("tiny", progress=lambda doing, *_: said.append(doing)).path == found.path
    assert "the prepared file tiny.Q4_1.BF16.gguf is damaged or gone" in said
    assert found.path.read_bytes() == whole
    assert machine.measured == 1


@pytest.mark.parametrize("rest", [0, 4, -1])
def test_a_prepared_file_that_is_lost_or_cut_short_is_prepared_again(
    tiny: ModelInfo, shipped: Path, machine: Machine, rest: int
) -> None:
    found = prepare(shipped, tiny, quiet)
    whole = found.path.read_bytes()
    if rest:
        found.path.write_bytes(whole[:rest])
    else:
        found.path.unlink()
    assert models.ensure("tiny", progress=quiet).path.read_bytes() == whole


def test_a_record_of_another_file_is_prepared_anew(tiny: ModelInfo, shipped: Path, machine: Machine) -> None:
    found = prepare(shipped, tiny, quiet)
    write_record(replace(found, sha256="0" * 64), shipped, tiny)
    assert models.ensure("tiny", progress=quiet).prepared == found
    assert machine.measured == 2


def test_a_prepared_file_is_read_again_only_when_it_has_changed(
    tiny: ModelInfo, shipped: Path, machine: Machine
) -> None:
    found = prepare(shipped, tiny, quiet)
    read: list[str] = []
    assert is_whole(found, lambda doing, *_: read.append(doing))
    assert not read
    shutil.copy(found.path, shipped.parent / "copy")
    (shipped.parent / "copy").replace(found.path)
    assert is_whole(found, lambda doing, *_: read.append(doing))
    assert read


def test_a_thorough_check_reads_files_that_do_not_look_changed(
    tiny: ModelInfo, shipped: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = prepare(shipped, tiny, quiet)
    damaged = found.path.read_bytes()[:-1] + b"?"
    found.path.write_bytes(damaged)
    facts.remember("sha256", found.path, found.sha256)  # as if the disk had forgotten it
    resolved = models.resolve("tiny")
    assert resolved.path == found.path
    with pytest.raises(ModelError, match=r"BF16\.gguf is damaged") as caught:
        models.check_thoroughly(resolved, quiet)
    assert caught.value.help == "mpc models prepare tiny"
    settings.configure(model="tiny")
    with pytest.raises(ModelError, match=r"BF16\.gguf is damaged"):
        doctor._model()


def test_a_record_that_is_damaged_is_no_record(tiny: ModelInfo, shipped: Path, machine: Machine) -> None:
    prepare(shipped, tiny, quiet)
    [record] = shipped.parent.glob("prepared-*.json")
    whole = record.read_bytes()
    flipped = whole.replace(b'"lanes": 2', b'"lanes": 3')
    assert flipped != whole
    foreign = [storage.seal(text) for text in (b"[]", b'{"path": "x"}', b"null")]
    for data in (b"", whole[:-1], flipped, *foreign, storage.seal(b"{")):
        record.write_bytes(data)
        assert read_record(shipped, tiny) is None


def test_a_wrong_hash_stops_the_preparation(tiny: ModelInfo, shipped: Path, machine: Machine) -> None:
    shipped.write_bytes(b"GGUF" + bytes(len(b"".join(WEIGHTS)) - 4))
    with pytest.raises(ModelError, match="sha256"):
        prepare(shipped, tiny, quiet)


def test_a_full_disk_is_named_and_leaves_nothing(
    tiny: ModelInfo, shipped: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ModelError, match="No space left on device") as caught:
        prepare(shipped, tiny, quiet)
    assert "MICROPROMPT_HOME" in str(caught.value)
    assert [path.name for path in shipped.parent.iterdir()] == [shipped.name]


def test_what_a_killed_process_left_goes(tiny: ModelInfo, shipped: Path, machine: Machine) -> None:
    (shipped.parent / ".prepare-x").mkdir()
    (shipped.parent / ".prepare-x" / "half.gguf").write_bytes(b"GGUF")
    prepare(shipped, tiny, quiet)
    assert not list(shipped.parent.glob(".*"))


# --------------------------------------------------------------------------- other machines, busy machines


def test_another_version_of_llama_cpp_measures_again(
    tiny: ModelInfo, shipped: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(shipped, tiny, quiet)
    monkeypatch.setattr("microprompt.models.prepared.llama_cpp_version", lambda: "99")
    assert read_record(shipped, tiny) is None


@pytest.mark.parametrize(
    ("own", "parameters", "others"),
    [
        ("Q4_1", 135_000_000, ("F16", "BF16")),
        ("Q5_K - Medium", 1_000_000_000, ("F16", "BF16")),
        ("Q5_K - Medium", 1_500_000_000, ()),
        ("Q4_K - Medium", 135_000_000, ()),
        ("Q8_0", 135_000_000, ()),
        ("F16", 135_000_000, ()),
        ("F32", 135_000_000, ()),
    ],
)
def test_weights_are_written_again_where_that_may_gain_something(
    own: str, parameters: int, others: tuple[str, ...]
) -> None:
    assert measure.faster_types(own, parameters) == others


def test_a_file_without_rivals_is_measured_as_it_is(
    tiny: ModelInfo, shipped: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "types_to_try", lambda path: ("Q4_1",))
    found = prepare(shipped, tiny, quiet)
    assert (found.type, found.path, len(found.candidates)) == ("Q4_1", shipped, 1)
    assert found.lanes == 2
    assert machine.probed == []


def test_a_type_that_crashes_here_is_no_candidate(tiny: ModelInfo, shipped: Path, machine: Machine) -> None:
    machine.crashing = "BF16"
    found = prepare(shipped, tiny, quiet)
    assert found.type == "Q4_1"
    assert [candidate.type for candidate in found.candidates if candidate.error] == ["BF16"]


def test_what_a_busy_machine_measured_is_measured_again_on_a_quiet_one(
    tiny: ModelInfo, shipped: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.spread = 0.5
    said: list[str] = []
    first = prepare(shipped, tiny, lambda doing, *_: said.append(doing))
    assert first.is_provisional
    assert any("the machine was busy" in text for text in said)
    monkeypatch.setattr(cpu, "is_quiet", lambda: False)
    assert models.ensure("tiny", progress=quiet).prepared == first
    machine.spread = 0.01
    monkeypatch.setattr(cpu, "is_quiet", lambda: True)
    again = models.ensure("tiny", progress=quiet).prepared
    assert again is not None
    assert not again.is_provisional


def test_a_machine_that_is_never_quiet_is_not_measured_for_ever(
    tiny: ModelInfo, shipped: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.spread = 0.5
    monkeypatch.setattr(cpu, "is_quiet", lambda: True)
    for _ in range(5):
        models.ensure("tiny", progress=quiet)
    assert machine.measured == 3


def test_a_noisy_measurement_is_repeated_and_the_least_noisy_one_counts() -> None:
    for spreads, kept in (([0.5, 0.3, 0.4], 0.3), ([0.5, 0.01], 0.01), ([0.02], 0.02)):
        coming = iter([[Timing(batch_ms=1.0, token_ms=1.0, spread=spread)] for spread in spreads])
        [found] = measure.quietest(coming.__next__)
        assert found.spread == kept
        assert next(coming, None) is None


# --------------------------------------------------------------------------------------- many at a time


def test_who_comes_second_takes_what_the_first_prepared(
    tiny: ModelInfo, shipped: Path, machine: Machine
) -> None:
    found = prepare(shipped, tiny, quiet)
    assert prepare(shipped, tiny, quiet) == found
    assert prepare(shipped, tiny, quiet, stale=replace(found, lanes=1)) == found
    assert machine.measured == 1


PROGRAM = """
import sys
from pathlib import Path
from microprompt import models
from microprompt.models import registry
from microprompt.models.registry import ModelInfo, WheelFile
sys.path.insert(0, {tests!r})
from tests.unit.models.conftest import Machine
machine = Machine()
machine.set_up(setattr)
registry.REGISTRY = {{"tiny": {tiny!r}}}
models.ensure("tiny", progress=lambda doing, done, total: print(doing))
print("measured", machine.measured)
"""


def test_of_eight_processes_that_start_together_one_prepares(
    tiny: ModelInfo, shipped: Path, tmp_path: Path
) -> None:
    program = tmp_path / "ask.py"
    program.write_text(PROGRAM.format(tests=str(Path(__file__).parents[3]), tiny=tiny))
    running = [
        subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, text=True) for _ in range(8)
    ]
    said = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0] * 8
    assert sorted(text.splitlines()[-1] for text in said) == ["measured 0"] * 7 + ["measured 1"]
    assert ggufs(shipped.parent) == ["tiny.Q4_1.BF16.gguf", "tiny.Q4_1.gguf"]


def test_who_waits_is_told_for_which_process(tiny: ModelInfo, shipped: Path, tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(shipped.parent / ".lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    assert holder.stdout.readline() == "held\n"
    said: list[str] = []

    def progress(doing: str, done: int, total: int) -> None:
        said.append(doing)
        assert holder.stdin is not None
        holder.stdin.close()

    with models.files.locked(tiny, progress):
        pass
    holder.wait()
    holder.stdout.close()
    assert said == [f"waiting for process {holder.pid}, which is busy with tiny"]


HOLDER = """
import sys
from pathlib import Path
from microprompt import storage
with storage.locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
