"""What HTTP costs: calls a second through `mpc serve`, beside `map` in process, and what an overload does.

    python -m tests.bench.serving [--rounds N] [--calls N] > serving.json

Each round is a process that maps and, after it, a service that is asked by 64 connections from here: the
client takes its share of the same cores. Under overload 512 connections ask a queue of 256.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Final

import click

from .sentences import SENTENCES

CONNECTIONS: Final = 64
OVERLOAD: Final = 512

PROGRAM: Final = """\
enum Act:
    question     "asks for information"
    command      "asks for something to be done"
    declaration  "states a fact or an opinion"

prompt classify(text: str) -> Act:
    Classify this input as a question, a command, or a declaration.

    Input: {text}
examples:
    "What is the capital of Washington?" -> question
    "Turn off the lights in the hall." -> command
    "The meeting was moved to Friday." -> declaration
"""

_MAP: Final = """\
import json, pathlib, sys, time
from mpc import project
classify = project.load(pathlib.Path(sys.argv[1])).classify
rows = json.load(sys.stdin)
classify.map(rows[:64])
begun = time.perf_counter()
classify.map(rows)
print(len(rows) / (time.perf_counter() - begun))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What came of many requests: how many had which status, calls a second of those that had an answer, and
    the milliseconds that these took."""

    statuses: dict[int, int]
    per_second: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """Calls a second by `map` and over HTTP in each round, the ratio of each pair, and what clients saw."""

    calls: int
    map_per_second: list[float]
    http_per_second: list[float]
    ratios: list[float]
    http: list[Answered]
    overload: list[Answered]


@click.command()
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(min=1), help="Pairs.")
@click.option("--calls", default=2000, show_default=True, type=click.IntRange(min=100), help="Calls of each.")
def main(rounds: int, calls: int) -> None:
    """Measure the default model and print the result as JSON."""
    texts = list(islice(_varied(), calls))
    mapped: list[float] = []
    http: list[Answered] = []
    overload: list[Answered] = []
    with TemporaryDirectory() as folder:
        program = Path(folder) / "intake.mp"
        program.write_text(PROGRAM)
        for number in range(rounds):
            click.echo(f"round {number + 1} of {rounds}", err=True)
            mapped.append(_mapped(program, texts))
            with _served(program) as port:
                asyncio.run(_asked(port, texts[:CONNECTIONS], CONNECTIONS))
                http.append(asyncio.run(_asked(port, texts, CONNECTIONS)))
                overload.append(asyncio.run(_asked(port, texts, OVERLOAD)))
    through = [each.per_second for each in http]
    ratios = [over / within for over, within in zip(through, mapped, strict=True)]
    click.echo(f"HTTP beside map: {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})", err=True)
    found = Serving(
        calls=calls,
        map_per_second=mapped,
        http_per_second=through,
        ratios=ratios,
        http=http,
        overload=overload,
    )
    click.echo(json.dumps(asdict(found), indent=1))


def _varied() -> Iterator[str]:
    """Different sentences of one length: no answer could be a remembered one."""
    for number, text in enumerate(cycle(SENTENCES)):
        yield f"{text[:-1]} {number}{text[-1]}"


def _mapped(program: Path, texts: Sequence[str]) -> float:
    done = subprocess.run(
        [sys.executable, "-c", _MAP, program],
        input=json.dumps(texts),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(done.stdout)


@contextmanager
def _served(program: Path) -> Iterator[int]:
    """A service of the program: its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mpc", "serve", program, "--port", "0"], stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        yield int(next(filter(None, (re.search(r":(\d+);", line) for line in process.stderr)))[1])
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


async def _asked(port: int, texts: Sequence[str], connections: int) -> Answered:
    """Ask for all of the texts, as fast as so many connections can."""
    waiting = iter(texts)
    statuses: Counter[int] = Counter()
    took: list[float] = []

    async def ask() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for text in waiting:
            body = json.dumps({"text": text}).encode()
            begun = time.perf_counter()
            writer.write(
                b"POST /functions/intake/classify HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            assert length is not None
            await reader.readexactly(int(length[1]))
            status = int(head.split(b" ", 2)[1])
            statuses[status] += 1
            if status == 200:
                took.append(time.perf_counter() - begun)
        writer.close()

    begun = time.perf_counter()
    await asyncio.gather(*(ask() for _ in range(connections)))
    seconds = time.perf_counter() - begun
    parts = quantiles(took, n=100)
    return Answered(
        statuses=dict(statuses),
        per_second=len(took) / seconds,
        p50_ms=parts[49] * 1e3,
        p99_ms=parts[98] * 1e3,
    )


if __name__ == "__main__":
    main()
