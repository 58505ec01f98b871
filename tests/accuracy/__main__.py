"""`python -m tests.accuracy`: what the standard library ships, and how right it is on other people's rows.

    python -m tests.accuracy ship DATA      learn what is shipped
    python -m tests.accuracy escalation DATA
                                            measure what escalating gains (it takes ten minutes, and a model
                                            of 1.1 GB), and write it into stdlib/docs/escalation.json
    python -m tests.accuracy page DATA      measure, and write stdlib/docs/accuracy.md
    python -m tests.accuracy invoices       measure examples/extract on three models, and write its README.md
    python -m tests.accuracy writing DATA   measure what writes, copies or picks on three models, and write
                                            stdlib/docs/writing.md
    python -m tests.accuracy replies        measure what examples/assistant writes on several models

DATA is a folder with one folder a data set, which is no part of this project (`tasks.py` says what is in it).
What takes long is kept in a folder, `.accuracy` here unless another is named.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from microprompt.errors import ArgumentError, ModelError

from . import escalation, invoices, replies, writing
from .cached import Cached
from .measure import results
from .page import FOLDER, write_page
from .ship import ship
from .tasks import ROOT

_FOLDER = click.Path(file_okay=False, path_type=Path)
_data = click.argument("data", type=_FOLDER)
_cached = click.option(
    "--cache",
    type=_FOLDER,
    default=ROOT / ".accuracy",
    show_default=True,
    help="Where what takes long is kept.",
)


@click.group()
def main() -> None:
    """Measure how right the standard library's decisions are."""


@main.command(name="ship")
@_data
@_cached
def ship_command(data: Path, cache: Path) -> None:
    """Learn what the standard library ships, and build it."""
    ship(data, Cached(cache))


@main.command(name="escalation")
@_data
@_cached
def escalation_command(data: Path, cache: Path) -> None:
    """Measure what escalating gains."""
    found = escalation.measure(data, Cached(cache))
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "escalation.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


@main.command(name="page")
@_data
@_cached
@click.option("--models", is_flag=True, help="Measure larger models too, where that takes minutes.")
@click.option("--times", is_flag=True, help="Measure what calls take, on a quiet machine.")
@click.option(
    "--labels",
    is_flag=True,
    help="Score labels behind few examples too, where texts are short: it takes minutes.",
)
def page_command(data: Path, cache: Path, models: bool, times: bool, labels: bool) -> None:
    """Measure, and write the page of results."""
    found = results(data, Cached(cache), models=models, times=times, labels=labels)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "accuracy.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    write_page(FOLDER)
    click.echo(f"{FOLDER / 'accuracy.md'}")


@main.command(name="invoices")
def invoices_command() -> None:
    """Measure how invoices are read, and write the example's page."""
    invoices.write_page(invoices.measured())
    click.echo(f"{invoices.FOLDER / 'README.md'}")


@main.command(name="replies")
@click.option("--model", "models", multiple=True, default=writing.MODELS, help="Measure this; repeatable.")
def replies_command(models: tuple[str, ...]) -> None:
    """Measure what the assistant writes on several models, and print it."""
    for line in replies.measured(models):
        click.echo(line)


@main.command(name="writing")
@_data
@_cached
def writing_command(data: Path, cache: Path) -> None:
    """Measure what writes, copies or picks, and write its page."""
    writing.write_page(writing.measured(data, Cached(cache)), FOLDER)
    click.echo(f"{FOLDER / 'writing.md'}")


if __name__ == "__main__":
    try:
        main()
    except (ArgumentError, ModelError) as error:
        raise SystemExit(f"error: {error}") from None
