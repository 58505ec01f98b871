"""`make bench`: measure calls, decisions and load, and write runtime/docs/performance.md with its plots and
figures.

    python -m tests.bench [--only PART] [--rounds N] [--repeats N] [--rows N]

Half an hour on a quiet machine, of which the decisions take three minutes. With `--only`, the other parts
stay as they were measured before. The peers' environments are made in `.bench` at the first run.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

import click

from microprompt import settings

from .cli import compare, weights_of
from .decisions import compare_decisions
from .decisions import to_json as decisions_to_json
from .engines import PEERS, ROOT, BenchError
from .page import decision_lines, state_lines, write_plots, write_text
from .report import busy_warning, is_busy, load_average, to_json
from .states import compare_states
from .states import to_json as states_to_json
from .workloads import WORKLOADS

PARTS: Final = ("calls", "decisions", "states", "load")


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
        "decisions": lambda: _decisions(rounds, repeats),
        "states": lambda: _states(rounds, repeats),
        "load": lambda: _load(rows),
    }
    folder = ROOT / "runtime" / "docs"
    folder.mkdir(exist_ok=True)
    file = folder / "performance.json"
    results: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if parts else {}
    for part in parts or PARTS:
        results[part] = measures[part]()
    ordered = {part: results[part] for part in PARTS}
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


def _decisions(rounds: int, repeats: int) -> object:
    load = load_average()
    if is_busy(load):
        click.echo(f"warning: {busy_warning(load)}", err=True)
    name, paths = weights_of(None, None, None)
    try:
        found = compare_decisions(
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
    data = decisions_to_json(found)
    for line in decision_lines(data):
        click.echo(line)
    return data


def _states(rounds: int, repeats: int) -> object:
    load = load_average()
    if is_busy(load):
        click.echo(f"warning: {busy_warning(load)}", err=True)
    name, paths = weights_of(None, None, None)
    try:
        found = compare_states(
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
    data = states_to_json(found)
    for line in state_lines(data):
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
