"""Engines that are asked in turns, call by call: each in a process of its own, which stays for all of them.

    python -m tests.bench.turns

is such a process: a `Task` on the first line, then the number of a question on each, and an answer to each,
as JSON. It runs in the peers' environments too, so it imports only what all have. What slows the machine down
for a while slows all engines down alike, and one that waits has no threads that run.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass

from .task import Task
from .worker import count_decodes, data_of, open_session, own_output


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A call: its seconds by the clock and of all cores, what llama.cpp evaluated, and the answer as JSON
    data; `None` where it was not of the type."""

    seconds: float
    cpu: float
    tokens: int
    decodes: int
    answer: object


def main() -> None:
    output = own_output()
    task = Task(**json.loads(sys.stdin.readline()))
    session = open_session(task)
    counter = count_decodes()
    with output:
        for line in sys.stdin:
            counter.decodes = counter.tokens = 0
            begun, begun_cpu = time.perf_counter(), time.process_time()
            answer = session.ask(int(line))
            turn = Turn(
                seconds=time.perf_counter() - begun,
                cpu=time.process_time() - begun_cpu,
                tokens=counter.tokens,
                decodes=counter.decodes,
                answer=data_of(session, answer),
            )
            print(json.dumps(asdict(turn)), file=output, flush=True)


if __name__ == "__main__":
    main()
