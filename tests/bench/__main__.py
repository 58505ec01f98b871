"""`make bench`: measure calls, records, decisions and load, and write runtime/docs/performance.md with its
plots and figures.

    python -m tests.bench [--only PART] [--rounds N] [--repeats N] [--rows N]

Half an hour on a quiet machine, of which records and decisions take three minutes each. With `--only`, the
other parts stay as they were measured before. The peers' environments are made in `.bench` at the first run.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

import click

from microprompt import settings

from . import decisions, records, states, systemone
from .cli import compare, weights_of
from .engines import PEERS, ROOT, BenchError
from .page import decision_lines, record_lines, state_lines, systemone_lines, write_plots, write_text
from .report import to_json, warn_if_busy
from .workloads import WORKLOADS

T = TypeVar("T")

PARTS: Final = ("calls", "records", "decisions", "states", "systemone", "load")


@click.command()
@click.option(
    "--only",
    "parts",
    multiple=True,
    type=click.Choice(PARTS),
    help="Measure only this part; may be given several times.",
)
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(min=1), help="Processes a cell.")
@click.option("--repeats", default=15, show_default=True, type=click.IntRange(min=1), help="Calls a round.")
@click.option("--rows", default=1000, show_default=True, type=click.IntRange(min=100), help="Rows of a map.")
def main(parts: tuple[str, ...], rounds: int, repeats: int, rows: int) -> None:
    """Measure, and write the page of results."""
    measures: Mapping[str, Callable[[], object]] = {
        "calls": lambda: _calls(rounds, repeats),
        "records": lambda: _told(records.compare_records, records.to_json, record_lines, rounds, repeats),
        "decisions": lambda: _told(
            decisions.compare_decisions, decisions.to_json, decision_lines, rounds, repeats
        ),
        "states": lambda: _told(states.compare_states, states.to_json, state_lines, rounds, repeats),
        "systemone": lambda: _told(
            systemone.compare_systemone, systemone.to_json, systemone_lines, rounds, repeats
        ),
        "load": lambda: _load(rows),
    }
    folder = ROOT / "runtime" / "docs"
    folder.mkdir(exist_ok=True)
    file = folder / "performance.json"
    results: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if parts else {}
    for part in parts or PARTS:
        results[part] = measures[part]()
    ordered = {part: results[part] for part in PARTS if part in results}
    file.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")
    if "calls" in (parts or PARTS) or "load" in (parts or PARTS):
        write_plots(folder)
    write_text(folder)
    click.echo(f"{folder / 'performance.md'}")


def _calls(rounds: int, repeats: int) -> object:
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
    return to_json(*found)


def _told(
    compare: Callable[..., T],
    to_json: Callable[[T], Mapping[str, object]],
    lines: Callable[[Mapping[str, Any]], Iterator[str]],
    rounds: int,
    repeats: int,
) -> object:
    """Compare on the default model, and print the section that comes of it."""
    load = warn_if_busy()
    name, paths = weights_of(None, None, None)
    try:
        found = compare(
            name,
            paths,
            threads=settings.current().threads,
            rounds=rounds,
            repeats=repeats,
            load=load,
            progress=lambda doing: click.echo(doing, err=True),
        )
    except BenchError as error:
        raise click.ClickException(str(error)) from error
    data = to_json(found)
    for line in lines(data):
        click.echo(line)
    return data


def _load(rows: int) -> object:
    click.echo("measuring load", err=True)
    load = subprocess.run(
        [sys.executable, "-m", "tests.bench.load", "--rows", str(rows)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        check=True,
    )
    found: object = json.loads(load.stdout)
    return found


if __name__ == "__main__":
    main()
