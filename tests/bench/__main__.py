"""`make bench`: measure calls and load, and write runtime/docs/performance.md with its plots and figures.

    python -m tests.bench [--rounds N] [--repeats N] [--rows N]

Half an hour on a quiet machine. The peers' environments are made in `.bench` at the first run.
"""

from __future__ import annotations

import json
import subprocess
import sys

import click

from microprompt import settings

from .cli import compare, weights_of
from .engines import PEERS, ROOT
from .page import write_page
from .report import to_json
from .workloads import WORKLOADS


@click.command()
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(min=1), help="Processes a cell.")
@click.option("--repeats", default=15, show_default=True, type=click.IntRange(min=1), help="Calls a round.")
@click.option("--rows", default=1000, show_default=True, type=click.IntRange(min=100), help="Rows of a map.")
def main(rounds: int, repeats: int, rows: int) -> None:
    """Measure, and write the page of results."""
    name, paths = weights_of(None, None, None)
    found = compare(
        name,
        paths,
        threads=settings.current().threads,
        rounds=rounds,
        repeats=repeats,
        workloads=tuple(WORKLOADS),
        peers=PEERS,
    )
    click.echo("measuring load", err=True)
    load = subprocess.run(
        [sys.executable, "-m", "tests.bench.load", "--rows", str(rows)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        check=True,
    )
    folder = ROOT / "runtime" / "docs"
    folder.mkdir(exist_ok=True)
    results = {"calls": to_json(*found), "load": json.loads(load.stdout)}
    (folder / "performance.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    write_page(folder)
    click.echo(f"{folder / 'performance.md'}")


if __name__ == "__main__":
    main()
