"""`mpc models`: what models there are, fetch one, say where its file is."""

from __future__ import annotations

import json
from typing import Final

import click

from microprompt import models, settings
from microprompt.errors import ModelError
from microprompt.locations import is_path
from microprompt.models import ModelInfo

from . import console


@click.group(short_help="List and fetch models.")
def command() -> None:
    """The models that run prompt functions on this machine."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def list_models(as_json: bool) -> None:
    """List the registered models: what each is good for, whether it is here, and how it was prepared."""
    if as_json:
        click.echo(json.dumps([_about(info) for info in models.REGISTRY.values()]))
        return
    rows = {_HEADS: "", **{_row(info): f"\n    {info.description}" for info in models.REGISTRY.values()}}
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row, description in rows.items():
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip() + description)


@command.command()
@click.argument("name", required=False)
def pull(name: str | None) -> None:
    """Fetch the model NAME (default: the one in the settings), verify it, and prepare it for this CPU."""
    name = name or settings.current().model
    with console.model_progress() as progress:
        if not is_path(name):
            from microprompt.models.pull import pull as fetch  # not at the top: listing needs none of it

            fetch(name, progress)
        found = models.ensure(name)
    click.echo(found.path)


@command.command()
@click.argument("name", required=False)
def prepare(name: str | None) -> None:
    """Measure again which type of weights is fastest here, for instance when the machine was busy before."""
    from microprompt.models.prepare import prepare as measure  # as in `pull`

    name = models.find(name or settings.current().model).name
    with console.model_progress() as progress:
        found = models.resolve(name, kind="language")
        stale = models.read_record(found.shipped, found.info)
        click.echo(measure(found.shipped, found.info, progress, stale=stale).path)


@command.command()
@click.argument("name", required=False)
@click.option("--shipped", is_flag=True, help="The file as it was fetched, not the one in use.")
def path(name: str | None, shipped: bool) -> None:
    """Print the path of the file in use for the model NAME (default: the one in the settings)."""
    found = models.resolve(name or settings.current().model)
    click.echo(found.shipped if shipped else found.path)


_HEADS: Final = ("name", "kind", "size", "licence", "here")


def _row(info: ModelInfo) -> tuple[str, ...]:
    size = f"{(info.size or 0) / 1e6:.0f} MB"
    return info.name, str(info.kind), size, info.licence, _state(info)


def _about(info: ModelInfo) -> dict[str, object]:
    return {
        "name": info.name,
        "kind": info.kind,
        "description": info.description,
        "size": info.size,
        "sha256": info.sha256,
        "licence": info.licence,
        "source": list(info.origins),
        "layout": info.layout,
        "context": info.context,
        "here": _state(info),
    }


def _state(info: ModelInfo) -> str:
    if not models.is_here(info):
        return "no"
    try:
        found = models.resolve(info.name)
    except ModelError:
        return "damaged"
    if found.prepared is None:
        return "yes"
    return "best as shipped" if found.path == found.shipped else f"prepared as {found.prepared.type}"
