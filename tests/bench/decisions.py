"""Decisions by readouts and embedders: against label scores, against one another, and against Outlines.

Each round is one process of ours that asks in turns all that needs the language model, one that asks what an
embedder decides by itself, and one of Outlines for each function, on the weights as shipped.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from microprompt import PromptFunction
from microprompt.deciding.choices import questions

from .compare import PREPARED, SHIPPED, has_extra_buffers, run_task, run_worker
from .decided import SUBJECTS, DecidedRun, DecidedTask
from .engines import STOCK
from .report import Setup, describe_setup
from .task import Task
from .workloads import prompt_text

PEER_REPEATS: Final = 6
"""Calls a round of Outlines, which takes many times as long as we do, and always as long."""

_CONTEXT: Final = 384  # tokens, just enough for the longest prompt
_MAX_TOKENS: Final = 16

NOTES: Final = (
    "Each subject is asked in turns with the others of its process, call by call; what calls keep of a text "
    "for one another is forgotten before each, so that every text is new.",
    "The heads are fitted on the functions' own examples: what a call costs does not depend on what was "
    "learnt, and here it is not asked whether the answers are right.",
    "Outlines completes the prompt of the untuned function, as shipped and one function after the other "
    "where there are several.",
    "What the embedder decides by itself is asked in a process that has not loaded a language model; the "
    "bench fails if it does.",
)


@dataclass(frozen=True, slots=True)
class Times:
    """How many times as long: the median of the rounds' ratios of medians, and the least and greatest."""

    ratio: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedRow:
    """A subject: the median of its rounds' medians, how many times as long that is as what it is held
    against, and how many times as long Outlines takes for the same."""

    name: str
    p50_ms: float
    times: Times | None
    outlines_ms: float
    outlines: Times


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """What was measured, and on what. `peak_memory_mib` is of the process without a language model;
    `extra_buffers` says whether weights were loaded with llama.cpp's kernels for them."""

    rows: Sequence[DecidedRow]
    setup: Setup
    peak_memory_mib: float
    extra_buffers: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Medians of a round, in seconds: ours by the name of the subject, Outlines' by that of the function."""

    ours: Mapping[str, float]
    outlines: Mapping[str, float]


def compare_decisions(
    model: str,
    paths: Mapping[str, Path],
    *,
    threads: int,
    rounds: int,
    repeats: int,
    load: float | None,
    progress: Callable[[str], None],
) -> Decisions:
    """Measure all of them. Raises `BenchError`."""
    ours, shipped = paths.get(PREPARED, paths[SHIPPED]), paths[SHIPPED]
    with_model = [name for name, subject in SUBJECTS.items() if subject.needs_model]
    without = [name for name in SUBJECTS if name not in with_model]
    peers = [
        _outlines_task(function, texts, shipped, threads)
        for function, texts in {
            function: subject.texts for subject in SUBJECTS.values() for function in subject.functions
        }.items()
    ]
    found: list[Round] = []
    memory = 0
    for number in range(rounds):
        progress(f"decisions, round {number + 1} of {rounds}")
        runs = [_decided(names, ours, threads, repeats) for names in (with_model, without)]
        memory = max(memory, runs[1].peak_memory)
        found.append(
            Round(
                ours={name: median(each) for run in runs for name, each in run.latencies.items()},
                outlines={task.workload: median(run_task(task).latencies) for task in peers},
            )
        )
    return Decisions(
        rows=rows(found),
        setup=describe_setup(
            model=model,
            weights={kind: path.name for kind, path in paths.items()},
            threads=threads,
            rounds=rounds,
            repeats=repeats,
            load=load,
        ),
        peak_memory_mib=memory / 2**20,
        extra_buffers=has_extra_buffers(shipped),
    )


def _decided(names: Sequence[str], path: Path, threads: int, repeats: int) -> DecidedRun:
    task = DecidedTask(names=names, path=str(path), threads=threads, repeats=repeats)
    done = run_worker([sys.executable, "-m", "tests.bench.decided"], asdict(task))
    return DecidedRun(**json.loads(done))


def _outlines_task(
    function: PromptFunction[Any, Any], texts: Sequence[tuple[str, ...]], path: Path, threads: int
) -> Task:
    program = function.program
    names = [parameter.name for parameter in program.parameters]
    (question,) = questions(program.returns)
    return Task(
        engine=STOCK,
        workload=program.name,
        path=str(path),
        threads=threads,
        repeats=PEER_REPEATS,
        prompts=tuple(prompt_text(program, dict(zip(names, each, strict=True))) for each in texts),
        arguments=(),
        labels=tuple(map(str, question.options)),
        schema=None,
        context=_CONTEXT,
        max_tokens=_MAX_TOKENS,
        extra_buffers=has_extra_buffers(path),
        started=0.0,
    )


def rows(rounds: Sequence[Round]) -> list[DecidedRow]:
    """What the rounds say together, one row for each subject."""
    found = []
    for name, subject in SUBJECTS.items():
        each = [one.ours[name] for one in rounds]
        beside = None if subject.versus is None else [one.ours[subject.versus] for one in rounds]
        outlines = [sum(one.outlines[function.__name__] for function in subject.functions) for one in rounds]
        row = DecidedRow(
            name=name,
            p50_ms=1e3 * median(each),
            times=None if beside is None else _times(each, beside),
            outlines_ms=1e3 * median(outlines),
            outlines=_times(outlines, each),
        )
        found.append(row)
    return found


def _times(over: Sequence[float], under: Sequence[float]) -> Times:
    ratios = [a / b for a, b in zip(over, under, strict=True)]
    return Times(ratio=median(ratios), low=min(ratios), high=max(ratios))


def to_json(found: Decisions) -> dict[str, object]:
    """As JSON data."""
    return {**asdict(found), "notes": list(NOTES)}
