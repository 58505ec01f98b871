"""`python -m tests.stress`: search for faults for a while, and end with status 1 if there are some."""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .commands import compile_program
from .findings import Finding, Search

AREAS: Final = ("generator", "mutator", "faults", "calls")
TRIES: Final = {"generator": 40, "mutator": 100, "faults": 4, "calls": 20}
"""Inputs in a round: short enough that every area has its turn."""

SLOW: Final = 100
"""A check may take this many times what a kilobyte of an ordinary program takes."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run rounds of all areas in turn until the time is over."""
    options = _options(arguments)
    known: set[str] = set()
    findings: list[Finding] = []
    rounds, seed = 0, options.seed
    end = time.monotonic() + options.seconds
    with tempfile.TemporaryDirectory(prefix="stress-") as name:
        folder = Path(name).resolve() / "program"
        slow = SLOW * _usual_seconds(folder)
        while True:
            for area in [options.only] if options.only else AREAS:
                for finding in run(area, seed, folder, known=known, slow=slow):
                    print(f"{area} {seed}: {finding.kind}\n  {finding.save(options.out)}", flush=True)
                    findings.append(finding)
                rounds += 1
            if time.monotonic() >= end:
                break
            seed += 1
    print(f"{len(findings)} findings in {rounds} rounds, seeds {options.seed} to {seed}")
    return 1 if findings else 0


def run(
    area: str,
    seed: int,
    folder: Path,
    *,
    known: set[str],
    slow: float | None = None,
    tries: int | None = None,
) -> list[Finding]:
    """One round of an area, in a folder that it empties. New kinds of findings join those in `known`."""
    search = Search(area=area, seed=seed, folder=folder, tries=tries or TRIES[area], known=known, slow=slow)
    importlib.import_module(f".{area}", __package__).search(search)
    return search.found


def _usual_seconds(folder: Path) -> float:
    """The CPU time of checking an ordinary kilobyte, warm."""
    source = Path(__file__).parents[2] / "examples" / "intake" / "intake.mp"
    data = source.read_bytes()
    times: list[float] = []
    for _ in range(3):
        start = time.process_time()
        compile_program({"main.mp": data}, folder)
        times.append(time.process_time() - start)
    return min(times) / len(data) * 1000


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.stress", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="when no new round is begun")
    parser.add_argument("--seed", type=int, default=0, help="the first round's; each next one is one more")
    parser.add_argument("--only", choices=AREAS, help="one area")
    parser.add_argument(
        "--out", type=Path, default=Path("stress-findings"), help="where findings go, each into a folder"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
