"""The command line of `calls.py`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from microprompt import models, settings
from microprompt.errors import MicropromptError

from .compare import PREPARED, SHIPPED, Cell, Ratio, Row, Runs, has_extra_buffers, ratios, rows, run_rounds
from .engines import ONLY_CHOICES, OURS, OWN_BINDINGS, PEERS, TITLES, BenchError
from .report import Setup, describe_setup, show, to_json, warn_if_busy
from .workloads import WORKLOADS

_FILE = click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON value and nothing else.")
@click.option("--repeats", default=20, show_default=True, type=click.IntRange(min=1), help="Calls a round.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(min=1), help="Processes a cell.")
@click.option("--model", default=None, help="A registered model; the default one if left out.")
@click.option("--prepared", type=_FILE, help="A .gguf file in place of the model's prepared weights.")
@click.option("--shipped", type=_FILE, help="A .gguf file in place of the model's weights as shipped.")
@click.option(
    "--threads", type=click.IntRange(min=1), help="Threads of every engine; as set for microprompt."
)
@click.option(
    "--workload",
    "wanted",
    multiple=True,
    type=click.Choice(list(WORKLOADS)),
    help="Measure only this one; may be given several times.",
)
@click.option(
    "--peer",
    "peers",
    multiple=True,
    type=click.Choice([*PEERS, "none"]),
    help="Compare with this one only; may be given several times.",
)
def main(
    as_json: bool,
    repeats: int,
    rounds: int,
    model: str | None,
    prepared: Path | None,
    shipped: Path | None,
    threads: int | None,
    wanted: tuple[str, ...],
    peers: tuple[str, ...],
) -> None:
    """Compare calls of microprompt with those of its peers: same prompts, weights and threads."""
    name, paths = weights_of(model, prepared, shipped)
    found = compare(
        name,
        paths,
        threads=threads or settings.current().threads,
        rounds=rounds,
        repeats=repeats,
        workloads=wanted or tuple(WORKLOADS),
        peers=peers or PEERS,
    )
    if as_json:
        click.echo(json.dumps(to_json(*found), indent=2))
    else:
        console = Console()
        if not console.is_terminal:
            console = Console(width=160)  # a file has no width of its own
        show(console, *found)


def compare(
    model: str,
    paths: dict[str, Path],
    *,
    threads: int,
    rounds: int,
    repeats: int,
    workloads: Sequence[str],
    peers: Sequence[str],
) -> tuple[list[Ratio], list[Row], Setup]:
    """Run everything, and say on what."""
    load = warn_if_busy()
    is_safe = all(map(has_extra_buffers, paths.values()))
    cells = [
        Cell(workload, weights, engine)
        for workload in workloads
        for weights in paths
        for engine in (OURS, *PEERS)
        if engine == OURS or engine in peers
        if engine not in ONLY_CHOICES or WORKLOADS[workload].labels()
        if engine not in OWN_BINDINGS or is_safe
    ]
    runs = _run(cells, paths, threads=threads, rounds=rounds, repeats=repeats)
    setup = describe_setup(
        model=model,
        weights={
            weights: next(
                f"{found[0].weights_type} ({paths[weights].name})"
                for cell, found in runs.items()
                if cell.weights == weights
            )
            for weights in paths
        },
        threads=threads,
        rounds=rounds,
        repeats=repeats,
        load=load,
    )
    return ratios(runs), rows(runs), setup


def weights_of(model: str | None, prepared: Path | None, shipped: Path | None) -> tuple[str, dict[str, Path]]:
    """The model's name and its files by role; one role alone where preparing changed nothing."""
    if prepared and shipped and not model:
        name = " and ".join(dict.fromkeys((prepared.name, shipped.name)))
    else:
        name = model or settings.current().model
        try:
            found = models.ensure(name)
        except MicropromptError as error:
            raise click.ClickException(str(error)) from error
        prepared, shipped = prepared or found.path, shipped or found.shipped
    paths = {PREPARED: prepared, SHIPPED: shipped}
    return name, paths if prepared != shipped else {SHIPPED: shipped}


def _run(cells: list[Cell], paths: dict[str, Path], *, threads: int, rounds: int, repeats: int) -> Runs:
    todo = len(cells) * rounds
    console = Console(stderr=True)
    with console.status("starting") as status:
        done = 0

        def progress(cell: Cell) -> None:
            nonlocal done
            done += 1
            title = WORKLOADS[cell.workload].title
            status.update(f"{done} of {todo}: {title}, {cell.weights} weights, {TITLES[cell.engine]}")

        try:
            return run_rounds(
                cells, paths, threads=threads, rounds=rounds, repeats=repeats, progress=progress
            )
        except BenchError as error:
            raise click.ClickException(str(error)) from error
