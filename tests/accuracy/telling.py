"""What is told on standard error while it goes on: some steps take half an hour."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from microprompt.errors import ModelError
from microprompt.heads.evidence import Evidence
from microprompt.heads.names import short_name

_SECONDS = 20.0


@contextmanager
def counted(doing: str, total: int) -> Iterator[Callable[[int], None]]:
    """Tell of `total` rows now and then; what is given back is told how many more are done."""
    start = last = time.monotonic()
    done = 0

    def advance(more: int) -> None:
        nonlocal done, last
        done += more
        if time.monotonic() - last > _SECONDS:
            last = time.monotonic()
            tell(f"{doing}: {done} of {total}")

    yield advance
    tell(f"{doing}: {total} in {time.monotonic() - start:.0f} s")


def tell(what: str) -> None:
    click.echo(f"accuracy: {what}", err=True)


class Telling:
    """Tells how tuning goes."""

    def __init__(self, name: str) -> None:
        self._name = name

    @contextmanager
    def reading(self, evidence: Evidence, rows: int) -> Iterator[Callable[[int], None]]:
        with counted(f"{self._name}: {short_name(evidence)}", rows) as advance:
            yield advance

    @contextmanager
    def comparing(self, ways: int, rows: int) -> Iterator[Callable[[int], None]]:
        with counted(f"{self._name}: ways to answer", ways) as advance:
            yield advance

    def turning_to(self, model: str) -> None:
        tell(f"{self._name}: {model}")

    def skipped(self, evidence: Evidence, seconds: float) -> None:
        tell(f"{self._name}: no time for {short_name(evidence)}")

    def lacking(self, error: ModelError) -> None:
        raise error  # figures without the embedder are other figures
