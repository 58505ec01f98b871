"""The bench of decisions: calls in turns, rounds together, and that the embedder decides by itself."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from functools import partial

import pytest

from microprompt import models

from .decided import SUBJECTS, DecidedTask, in_turns
from .decisions import Round, rows
from .engines import ROOT
from .page import decision_lines
from .workloads import act


def test_calls_take_turns_and_each_begins_with_a_clean_table() -> None:
    seen: list[str] = []
    calls = {name: [partial(seen.append, f"{name}{turn}") for turn in range(2)] for name in ("a", "b")}

    found = in_turns(calls, before=lambda: seen.append("-"))

    assert seen == ["-", "a0", "-", "b0", "-", "a1", "-", "b1"]
    assert {name: len(each) for name, each in found.items()} == {"a": 2, "b": 2}


def test_every_subject_is_held_against_another_one_of_the_same_table() -> None:
    for name, subject in SUBJECTS.items():
        assert subject.versus != name
        assert subject.versus is None or subject.versus in SUBJECTS
        assert all(len(each) == len(subject.functions[0].program.parameters) for each in subject.texts)


def a_round(ours: float, outlines: float, **others: float) -> Round:
    return Round(
        ours={name: others.get(name.replace("-", "_"), ours) for name in SUBJECTS},
        outlines={
            function.__name__: outlines for subject in SUBJECTS.values() for function in subject.functions
        },
    )


def test_ratios_are_medians_of_the_rounds_with_the_least_and_the_greatest() -> None:
    rounds = [a_round(0.1, 1.0, enum_own=own) for own in (0.05, 0.06, 0.02)]

    by_name = {row.name: row for row in rows(rounds)}

    own = by_name["enum-own"]
    assert own.p50_ms == pytest.approx(50)
    assert own.times is not None
    assert (own.times.ratio, own.times.low, own.times.high) == pytest.approx((0.5, 0.2, 0.6))
    assert (own.outlines.ratio, own.outlines.low, own.outlines.high) == pytest.approx((20, 1 / 0.06, 50))
    assert by_name["enum"].times is None


def test_outlines_is_asked_all_that_one_call_of_ours_asks() -> None:
    by_name = {row.name: row for row in rows([a_round(0.1, 1.0)])}
    assert by_name["enum-own"].outlines_ms == pytest.approx(1000)
    assert by_name["three-none"].outlines_ms == pytest.approx(3000)


@pytest.mark.parametrize("extra_buffers", [True, False])
def test_the_section_says_when_outlines_was_kept_from_kernels_that_crash(extra_buffers: bool) -> None:
    setup = {
        "model": "m", "cores": 2, "cpu": "c", "features": (), "threads": 2, "python": "3", "versions": {},
        "weights": {"shipped": "m.gguf"}, "busy": False, "rounds": 1, "repeats": 1,
    }  # fmt: skip
    found = {
        "rows": [asdict(row) for row in rows([a_round(0.1, 1.0, three_none=0.12)])],
        "setup": setup,
        "peak_memory_mib": 100.0,
        "extra_buffers": extra_buffers,
        "notes": ["A note."],
    }

    text = "\n".join(decision_lines(found))

    assert "1.20 (1.20 to 1.20) of 3-way enum by a readout without a prefix | 3000 | 25.0" in text
    assert ("extra buffers crash" in text) is not extra_buffers


@pytest.mark.model
def test_an_embedder_decides_where_no_language_model_is_loaded() -> None:
    # That it is not loaded, and that the embedder answers, the process makes sure of itself.
    path = models.ensure("smollm2-135m").path
    task = DecidedTask(names=("pair-embedder", "topic-embedder"), path=str(path), threads=1, repeats=2)

    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.decided"],
        input=json.dumps(asdict(task)),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    latencies = json.loads(done.stdout)["latencies"]
    assert {name: len(each) for name, each in latencies.items()} == {"pair-embedder": 2, "topic-embedder": 2}
    assert act.program.tuning is None  # nothing that is shipped was touched
