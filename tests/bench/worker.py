"""One engine, one workload, one file of weights in a process of its own: a `Job` in, a `Run` out, as JSON.

python -m tests.bench.worker < job.json
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .engines import open_session
from .workloads import WORKLOADS


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to measure. `started` is when the process was started, in seconds of `time.time()`."""

    engine: str
    path: str
    workload: str
    threads: int
    repeats: int
    started: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one process measured. Times are in seconds, memory in bytes; `latencies` are of warm calls, and
    `cpu`, `tokens` and `decodes` are sums over them. `answers` are JSON data by the argument's index; `None`
    where the answer was not of the type."""

    cold_start: float
    latencies: list[float]
    cpu: float
    tokens: int
    decodes: int
    peak_memory: int
    answers: dict[str, object]
    weights_type: str
    context: int


@dataclass(slots=True)
class Counter:
    """What llama.cpp was asked to evaluate."""

    decodes: int = 0
    tokens: int = 0


def measure(job: Job) -> Run:
    """Load, ask once (the cold start), ask once more to settle, then time the repeats."""
    workload = WORKLOADS[job.workload]
    counter = count_decodes()
    session = open_session(job.engine, Path(job.path), workload, job.threads)
    session.ask(workload.arguments[-1])
    cold_start = time.time() - job.started
    session.ask(workload.arguments[-2])

    latencies = []
    answers: dict[str, object] = {}
    counter.decodes = counter.tokens = 0
    cpu = time.process_time()  # of all threads, llama.cpp's too
    for repeat in range(job.repeats):
        index = repeat % len(workload.arguments)
        begin = time.perf_counter()
        answer = session.ask(workload.arguments[index])
        latencies.append(time.perf_counter() - begin)
        answers[str(index)] = answer
    cpu = time.process_time() - cpu

    def read(answer: object) -> object:
        try:
            return session.read(answer)
        except ValueError:
            return None

    return Run(
        cold_start=cold_start,
        latencies=latencies,
        cpu=cpu,
        tokens=counter.tokens,
        decodes=counter.decodes,
        peak_memory=peak_memory(),
        answers={index: read(answer) for index, answer in answers.items()},
        weights_type=_weights_type(session.model),
        context=session.context,
    )


def count_decodes() -> Counter:
    """Count what goes into `llama_decode`, which every engine calls as an attribute of this module."""
    library: Any = importlib.import_module("llama_cpp.llama_cpp")
    counter = Counter()
    decode = library.llama_decode

    def counted(context: Any, batch: Any) -> Any:
        counter.decodes += 1
        counter.tokens += batch.n_tokens
        return decode(context, batch)

    library.llama_decode = counted
    return counter


def peak_memory() -> int:
    """The most memory that was resident, in bytes, the pages of the mapped weights included."""
    try:
        status = Path("/proc/self/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) * 1024
    except (OSError, StopIteration):
        pass
    import resource  # second choice, as Linux counts in it what the parent held when it forked

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _weights_type(model: Any) -> str:
    """The type of a loaded model's weights, as llama.cpp calls it."""
    library: Any = importlib.import_module("llama_cpp.llama_cpp")
    buffer = ctypes.create_string_buffer(256)
    library.llama_model_desc(model, buffer, len(buffer))
    _architecture, _size, kind = buffer.value.decode(errors="replace").split(" ", 2)
    return kind


def main() -> None:
    # Whatever a library prints goes to standard error, for standard output carries the result.
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    run = measure(Job(**json.load(sys.stdin)))
    with output:
        json.dump(asdict(run), output)


if __name__ == "__main__":
    main()
