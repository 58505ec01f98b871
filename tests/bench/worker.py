"""One engine, one workload, one file of weights in a process of its own: a `Task` in, a `Run` out, as JSON.

python -m tests.bench.worker < task.json

Runs in the peers' environments too, so it imports only what all have.
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
from typing import Any, TextIO

from .peers import OPENERS
from .task import Run, Session, Task


@dataclass(slots=True)
class Counter:
    """What llama.cpp was asked to evaluate."""

    decodes: int = 0
    tokens: int = 0


def measure(task: Task) -> Run:
    """Load, ask once (the cold start), ask once more to settle, then time the repeats."""
    session = open_session(task)
    session.ask(len(task.prompts) - 1)
    cold_start = time.time() - task.started
    # The counting wrapper is put in only now, for the import of llama.cpp belongs to the cold start.
    counter = count_decodes()
    session.ask(len(task.prompts) - 2)

    latencies = []
    answers: dict[str, object] = {}
    counter.decodes = counter.tokens = 0
    cpu = time.process_time()  # of all threads, llama.cpp's too
    for repeat in range(task.repeats):
        index = repeat % len(task.prompts)
        begin = time.perf_counter()
        answer = session.ask(index)
        latencies.append(time.perf_counter() - begin)
        answers[str(index)] = answer
    cpu = time.process_time() - cpu

    return Run(
        cold_start=cold_start,
        latencies=latencies,
        cpu=cpu,
        tokens=counter.tokens,
        decodes=counter.decodes,
        peak_memory=peak_memory(),
        answers={index: data_of(session, answer) for index, answer in answers.items()},
        weights_type=_weights_type(session.model) if session.model else "",
        context=session.context,
    )


def data_of(session: Session, answer: object) -> object:
    """An answer as JSON data; `None` where it is not of the type."""
    try:
        return session.read(answer)
    except ValueError:
        return None


def open_session(task: Task) -> Session:
    """The engine with its model loaded."""
    if task.engine in OPENERS:
        return OPENERS[task.engine](task)
    from .ours import open_microprompt  # not at the top: it needs what peers' environments lack

    return open_microprompt(task)


def count_decodes() -> Counter:
    """Count what goes into `llama_decode`, which engines call as an attribute of the bindings or, as Guidance
    does, of the package."""
    library: Any = importlib.import_module("llama_cpp.llama_cpp")
    package: Any = importlib.import_module("llama_cpp")
    counter = Counter()
    decode = library.llama_decode

    def counted(context: Any, batch: Any) -> Any:
        counter.decodes += 1
        counter.tokens += batch.n_tokens
        return decode(context, batch)

    library.llama_decode = package.llama_decode = counted
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


def own_output() -> TextIO:
    """Standard output, for the result alone: whatever a library prints goes to standard error."""
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return output


def main() -> None:
    output = own_output()
    run = measure(Task(**json.load(sys.stdin)))
    with output:
        json.dump(asdict(run), output)


if __name__ == "__main__":
    main()
