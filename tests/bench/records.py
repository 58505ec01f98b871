"""A record of five fields, in the ways that it can be asked for here, and in Guidance on the same weights.

Four fields of it are choices and one is a text. As with the peers of `calls`, its labels are scored; or its
choices are decided by heads, as in a program that says nothing of it; or its program also says that no field
has to see another one.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, median
from typing import Final, TypeAlias

from .compare import PREPARED, SHIPPED, Cell, agreement, task_of
from .engines import GUIDANCE, OURS, ROOT, VARIANTS, BenchError, python_of
from .report import Setup, describe_setup
from .task import Task
from .turns import Turn
from .workloads import WORKLOADS

ENGINES: Final = (OURS, *VARIANTS, GUIDANCE)

_WORKLOAD: Final = "record"

NOTES: Final = (
    "All engines are asked the same message in turns, call by call, each in a process of its own. All but "
    "*independent fields* complete the same text; there the model reads and writes a record of the one field "
    "that heads don't decide.",
    "What the sentence embedder evaluates is not among tokens and decodes.",
    "Same fields: the share of fields with the answer of microprompt's label scores. What is right is not "
    "asked here.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRow:
    """A way of asking: the median of all calls in milliseconds, by the clock and of all cores; how many times
    as long Guidance takes, as the median of the rounds, with the least and the greatest, and the same of the
    cores' time; and the share of fields with the same answer as by label scores."""

    engine: str
    p50_ms: float
    cpu_ms: float
    tokens: float
    decodes: float
    guidance: float
    low: float
    high: float
    guidance_cpu: float
    agreement: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """What was measured, and on what."""

    rows: Sequence[RecordRow]
    setup: Setup


def compare_records(
    model: str,
    paths: Mapping[str, Path],
    *,
    threads: int,
    rounds: int,
    repeats: int,
    load: float | None,
    progress: Callable[[str], None],
) -> Records:
    """Measure all ways. Raises `BenchError`."""
    weights = PREPARED if PREPARED in paths else SHIPPED
    tasks = [task_of(Cell(_WORKLOAD, weights, each), paths[weights], threads, repeats) for each in ENGINES]
    found = []
    for number in range(rounds):
        progress(f"records, round {number + 1} of {rounds}")
        found.append(_round(tasks))
    return Records(
        rows=rows(found),
        setup=describe_setup(
            model=model,
            weights={weights: paths[weights].name},
            threads=threads,
            rounds=rounds,
            repeats=repeats,
            load=load,
        ),
    )


Round: TypeAlias = Mapping[str, Sequence[Turn]]
"""The calls of each engine, of which those of one number are about one message."""


def _round(tasks: Sequence[Task]) -> Round:
    messages = len(WORKLOADS[_WORKLOAD].arguments)
    with ExitStack() as stack:
        asking = {task.engine: stack.enter_context(_asking(task)) for task in tasks}
        for ask in asking.values():  # the first calls load and learn
            for message in (messages - 1, messages - 2):
                ask(message)
        found: dict[str, list[Turn]] = {engine: [] for engine in asking}
        for repeat in range(tasks[0].repeats):
            for engine in asking if repeat % 2 == 0 else reversed(asking):
                found[engine].append(asking[engine](repeat % messages))
        return found


@contextmanager
def _asking(task: Task) -> Iterator[Callable[[int], Turn]]:
    """A process with an engine: what asks it, by the number of a message. Raises `BenchError`."""
    command = [python_of(task.engine), "-m", "tests.bench.turns"]
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        to, answers = process.stdin, process.stdout

        def tell(what: object) -> None:
            with suppress(BrokenPipeError):  # it has ended, and does not answer either
                print(what, file=to, flush=True)

        def ask(message: int) -> Turn:
            tell(message)
            if not (line := answers.readline()):
                errors.seek(0)
                raise BenchError(f"{task.engine} failed:\n{errors.read()[-2000:]}")
            return Turn(**json.loads(line))

        tell(json.dumps(asdict(task)))
        try:
            yield ask
        finally:
            process.kill()
            with suppress(BrokenPipeError):
                to.close()


def rows(rounds: Sequence[Round]) -> list[RecordRow]:
    """What the rounds say together, one row for each engine."""
    ours = _answers(rounds[0][OURS])
    found = []
    for engine in rounds[0]:
        every = [turn for each in rounds for turn in each[engine]]
        times = [_times(each, engine, lambda turn: turn.seconds) for each in rounds]
        found.append(
            RecordRow(
                engine=engine,
                p50_ms=1e3 * median(turn.seconds for turn in every),
                cpu_ms=1e3 * median(turn.cpu for turn in every),
                tokens=mean(turn.tokens for turn in every),
                decodes=mean(turn.decodes for turn in every),
                guidance=median(times),
                low=min(times),
                high=max(times),
                guidance_cpu=median(_times(each, engine, lambda turn: turn.cpu) for each in rounds),
                agreement=agreement(_answers(rounds[0][engine]), ours),
            )
        )
    return found


def _times(each: Round, engine: str, of: Callable[[Turn], float]) -> float:
    """How many times as long Guidance takes in a round: the median over its messages."""
    return median(of(theirs) / of(mine) for theirs, mine in zip(each[GUIDANCE], each[engine], strict=True))


def _answers(turns: Sequence[Turn]) -> dict[str, object]:
    return {str(number): turn.answer for number, turn in enumerate(turns)}


def to_json(found: Records) -> dict[str, object]:
    """As JSON data."""
    return {**asdict(found), "notes": list(NOTES)}
