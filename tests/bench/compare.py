"""Engines side by side: rounds of one process for each, and what the rounds say together."""

from __future__ import annotations

import json
import math
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Final, TypeAlias

from microprompt import models
from microprompt.models.trial import tried

from .engines import OURS, PEERS, ROOT, BenchError, python_of
from .task import Run, Task
from .workloads import WORKLOADS

PREPARED: Final = "prepared"
SHIPPED: Final = "shipped"


@dataclass(frozen=True, slots=True)
class Cell:
    """What one process measures. `weights` is "prepared" or "shipped"."""

    workload: str
    weights: str
    engine: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The rounds of a cell together.

    p50 is the median of the rounds' medians; p99 is over all `samples`; `agreement` is the share of answers,
    in a record of fields, that are ours on the same weights; `valid` the share that is of the type at all.
    """

    workload: str
    weights: str
    engine: str
    p50_ms: float
    p99_ms: float
    calls_per_second: float
    cpu_seconds_per_call: float
    cold_start_s: float
    peak_memory_mib: float
    tokens_per_call: float
    decodes_per_call: float
    valid: float
    agreement: float
    samples: int
    context: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A peer's p50 over ours: the median of the rounds' ratios, and the least and the greatest of them."""

    workload: str
    peer: str
    peer_weights: str
    our_weights: str
    ratio: float
    low: float
    high: float


Runs: TypeAlias = Mapping[Cell, Sequence[Run]]


def run_rounds(
    cells: Sequence[Cell],
    paths: Mapping[str, Path],
    *,
    threads: int,
    rounds: int,
    repeats: int,
    progress: Callable[[Cell], None],
) -> dict[Cell, list[Run]]:
    """Run every cell once a round, one at a time, back to front in every second round, so that a machine
    that slows down or warms up favours none. Raises `BenchError`."""
    runs: dict[Cell, list[Run]] = {cell: [] for cell in cells}
    for number in range(rounds):
        for cell in cells if number % 2 == 0 else reversed(cells):
            progress(cell)
            runs[cell].append(_run(cell, paths[cell.weights], threads, repeats))
    return runs


def _run(cell: Cell, path: Path, threads: int, repeats: int) -> Run:
    return run_task(task_of(cell, path, threads, repeats))


def task_of(cell: Cell, path: Path, threads: int, repeats: int) -> Task:
    """What a process is given that measures a cell."""
    workload = WORKLOADS[cell.workload]
    return Task(
        engine=cell.engine,
        workload=cell.workload,
        path=str(path),
        threads=threads,
        repeats=repeats,
        prompts=tuple(map(workload.prompt, workload.arguments)),
        arguments=workload.arguments,
        labels=workload.labels(),
        schema=workload.schema(),
        context=workload.context,
        max_tokens=workload.max_tokens,
        extra_buffers=has_extra_buffers(path),
        started=0.0,
    )


def run_task(task: Task) -> Run:
    """Run a task in a process of its own, which starts now. Raises `BenchError`."""
    python = python_of(task.engine)
    done = run_worker([python, "-m", "tests.bench.worker"], asdict(replace(task, started=time.time())))
    return Run(**json.loads(done))


def run_worker(command: Sequence[str], task: Mapping[str, object]) -> str:
    """What a process prints that is given a task as JSON. Raises `BenchError` if it fails."""
    done = subprocess.run(
        command, input=json.dumps(task), capture_output=True, text=True, cwd=ROOT, check=False
    )
    if done.returncode != 0:
        what = f"{' '.join(command[1:])}, {task.get('engine', '')} {task.get('workload', '')}"
        raise BenchError(f"{what} failed with status {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def has_extra_buffers(path: Path) -> bool:
    """Whether llama.cpp's kernels for its extra buffers work here with these weights."""
    return tried(path, models.tell()).extra_buffers


def rows(runs: Runs) -> list[Row]:
    """One row for each cell."""
    return [_row(cell, found, runs[Cell(cell.workload, cell.weights, OURS)]) for cell, found in runs.items()]


def _row(cell: Cell, found: Sequence[Run], ours: Sequence[Run]) -> Row:
    latencies = sorted(latency for run in found for latency in run.latencies)
    calls = len(latencies)
    answers = found[0].answers
    return Row(
        workload=cell.workload,
        weights=cell.weights,
        engine=cell.engine,
        p50_ms=1e3 * median(median(run.latencies) for run in found),
        p99_ms=1e3 * latencies[math.ceil(0.99 * calls) - 1],
        calls_per_second=calls / sum(latencies),
        cpu_seconds_per_call=sum(run.cpu for run in found) / calls,
        cold_start_s=median(run.cold_start for run in found),
        peak_memory_mib=max(run.peak_memory for run in found) / 2**20,
        tokens_per_call=sum(run.tokens for run in found) / calls,
        decodes_per_call=sum(run.decodes for run in found) / calls,
        valid=sum(answer is not None for answer in answers.values()) / len(answers),
        agreement=agreement(answers, ours[0].answers),
        samples=calls,
        context=found[0].context,
    )


def agreement(theirs: Mapping[str, object], ours: Mapping[str, object]) -> float:
    """The share of answers, in a record of fields, that are ours; both by the number of the question."""
    pairs = [
        (_field(theirs[index], name), _field(answer, name))
        for index, answer in ours.items()
        for name in (answer if isinstance(answer, Mapping) else (None,))
    ]
    return sum(mine == yours for mine, yours in pairs) / len(pairs)


def _field(answer: object, name: object) -> object:
    return answer.get(name) if isinstance(answer, Mapping) else answer


def ratios(runs: Runs) -> list[Ratio]:
    """Every peer over us: on the same weights, and its shipped ones over our prepared ones. We on the shipped
    weights are a peer of ourselves, which shows what the weights alone gain."""
    found = []
    kinds = {cell.weights for cell in runs}
    for workload in dict.fromkeys(cell.workload for cell in runs):
        for peer in (*PEERS, OURS):
            if Cell(workload, next(iter(kinds)), peer) not in runs:
                continue
            for theirs, mine in ((PREPARED, PREPARED), (SHIPPED, SHIPPED), (SHIPPED, PREPARED)):
                if {theirs, mine} <= kinds and (peer != OURS or theirs != mine):
                    pair = (runs[Cell(workload, theirs, peer)], runs[Cell(workload, mine, OURS)])
                    found.append(_ratio(workload, peer, theirs, mine, pair))
    return found


def _ratio(
    workload: str, peer: str, theirs: str, mine: str, pair: tuple[Sequence[Run], Sequence[Run]]
) -> Ratio:
    each = [median(a.latencies) / median(b.latencies) for a, b in zip(*pair, strict=True)]
    over_all = [median(median(run.latencies) for run in runs) for runs in pair]
    return Ratio(
        workload=workload,
        peer=peer,
        peer_weights=theirs,
        our_weights=mine,
        ratio=over_all[0] / over_all[1],
        low=min(each),
        high=max(each),
    )
