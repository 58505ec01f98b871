"""`mpc tune`: learn how a prompt function's choices are answered best."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from microprompt import abi, rows
from microprompt.engines import loaded
from microprompt.errors import ModelError
from microprompt.evaluation.rows import (
    LABEL,
    LabelledRows,
    joined,
    read_labelled,
    read_unlabelled,
    with_defaults,
)
from microprompt.heads.names import short_name
from microprompt.locations import model_named
from microprompt.program import Program
from microprompt.storage import read_regular
from mpc import project

from . import console, functions
from .failures import USER, Failure, complain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from microprompt.heads.evidence import Evidence
    from microprompt.tuning.request import Found
    from microprompt.tuning.search import Trial
    from microprompt.tuning.tune import Tuned

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_UNTUNED: Final = "the source alone, as without a tuning"
_UNITS: Final = {"s": 1, "m": 60, "h": 3600}


@click.command(short_help="Learn from rows how a prompt function's choices are answered best.")
@click.argument("file", metavar="FILE")
@click.argument("function", metavar="FUNCTION")
@click.option(
    "--on", "labelled", metavar="ROWS", multiple=True, type=_FILE, help="Rows with their answers; repeatable."
)
@click.option("--unlabelled", metavar="ROWS", type=_FILE, help="Rows without answers: inputs as they come.")
@click.option("--label", default=LABEL, show_default=True, help="The column, or key, of the right answers.")
@click.option("--model", metavar="NAME", help="Tune for this model instead of the function's own.")
@click.option(
    "--budget",
    default="2m",
    show_default=True,
    metavar="TIME",
    help="What reading the rows may take: 90s, 5m.",
)
@click.option(
    "--written",
    is_flag=True,
    help="The rows were made up for this: answers are not called calibrated, and there are no cut-points.",
)
@click.option(
    "--share",
    "shares",
    is_flag=True,
    help="Read texts only behind the neutral prefix that all functions share, so that several decisions "
    "about one text cost one pass.",
)
@click.option(
    "--balanced",
    is_flag=True,
    help="All labels weigh the same, however often the rows have them: for rows of another mix than that "
    "of the calls to come.",
)
@click.option("--source", "sources", multiple=True, help="Where rows come from, and their licence; kept.")
def command(
    file: str,
    function: str,
    labelled: tuple[Path, ...],
    unlabelled: Path | None,
    label: str,
    model: str | None,
    budget: str,
    written: bool,
    shares: bool,
    balanced: bool,
    sources: tuple[str, ...],
) -> None:
    """Find what answers the choices of FUNCTION of FILE best, and write it beside FILE.

    Without rows, its examples and labels are all there is. Rows without answers correct how often each label
    is said. Rows with answers, from 20 on, are learnt from: each way to answer is tried on rows that were
    left out. The model that unsure answers go on to is tuned on them too. `mpc build` takes up what was
    learnt.
    """
    seconds = _seconds(budget)
    if labelled and unlabelled is not None:
        raise click.UsageError("rows with answers (--on) say all that rows without (--unlabelled) would")
    if not file.endswith(".mp"):
        raise Failure(
            "only a .mp file of yours can be tuned",
            help="copy the prompt into a file of yours, and tune that",
        )
    path = Path(file)
    called = functions.find_prompt(file, function)
    key = project.keys(path).get(function)
    if key is None:
        raise Failure(f"{file} imports `{function}`", help="tune it in the file that declares it")
    named = called.program.using.model if model is None else abi.Model(name=model_named(model))
    wanted = loaded.wanted(named, path.parent)
    program = replace(called.program, using=replace(called.program.using, model=wanted))
    found = [_labelled(program, each, label) for each in labelled]
    inputs = None if unlabelled is None else read_unlabelled(program, _data(unlabelled), str(unlabelled))
    for warning in [warning for read in (*found, inputs) if read is not None for warning in read.warnings]:
        console.warn(warning)
    # Not at the top: they load SciPy, and wrong options need none.
    from microprompt.tuning import tune
    from microprompt.tuning.request import Request

    tune.beside(path)
    request = Request(
        program=program,
        key=key,
        model=wanted,
        folder=path.parent,
        labelled=with_defaults(joined(found), called.defaults) if found else None,
        inputs=None if inputs is None else with_defaults(inputs, called.defaults),
        is_written=written,
        seconds=seconds,
        sources=sources,
        shares=shares,
        balanced=balanced,
    )
    with console.model_progress():
        tuned = tune.tune(request, _Shown())
    if tuned.larger is not None:
        click.echo(f"{tuned.larger.entry.model}, which unsure answers go on to:")
        for line in _lines(tuned.larger):
            click.echo(line)
        click.echo(f"{tuned.entry.model}:")
    for line in _lines(tuned):
        click.echo(line)
    for each in tune.write(path, function, *tuned.entries):
        click.echo(f"wrote {project.shown(each)} ({each.stat().st_size:,} bytes)")
    larger = program.using.escalate
    if larger is not None and not found:
        click.echo(f"{larger.model.name}, which unsure answers go on to, is not tuned: give rows (`--on`)")
    click.echo(f"next: `mpc build {file}`")
    if tuned.refused:
        for refused in tuned.refused:
            complain(f"no number was found for {refused}")
        raise click.exceptions.Exit(USER)


class _Shown:
    """Tells people how tuning goes."""

    @contextmanager
    def reading(self, evidence: Evidence, rows: int) -> Iterator[Callable[[int], None]]:
        with self._counted(f"reading {rows} rows: {short_name(evidence)}", rows) as advance:
            yield advance

    @contextmanager
    def comparing(self, ways: int, rows: int) -> Iterator[Callable[[int], None]]:
        with self._counted(f"comparing {ways} ways to answer {rows} rows", ways) as advance:
            yield advance

    def turning_to(self, model: str) -> None:
        self._tell(f"tuning {model}")

    def skipped(self, evidence: Evidence, seconds: float) -> None:
        self._tell(f"not tried: {short_name(evidence)}; it takes about {seconds:.0f} s more (--budget)")

    def lacking(self, error: ModelError) -> None:
        self._tell(f"tuning without the embedder: {error.message}")

    @contextmanager
    def _counted(self, doing: str, total: int) -> Iterator[Callable[[int], None]]:
        if not sys.stderr.isatty():  # where there is no bar
            self._tell(doing)
        with console.counted(doing, total) as advance:
            yield advance

    def _tell(self, what: str) -> None:
        click.echo(f"microprompt: {what}", err=True)


def _data(path: Path) -> bytes:
    return read_regular(path, rows.MAX_ROWS)


def _labelled(program: Program, path: Path, label: str) -> LabelledRows:
    return read_labelled(program, _data(path), str(path), label=label)


def _seconds(budget: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh])", budget.strip())
    if found is None or float(found[1]) <= 0:
        raise click.BadParameter(f"`{budget}` is no time", param_hint="--budget (as in 90s, 5m)")
    return float(found[1]) * _UNITS[found[2]]


# ---------------------------------------------------------------------------------------- what was found


def _lines(tuned: Tuned) -> Iterator[str]:
    for one in tuned.found:
        of = f"`{one.question.name}`: " if one.question.name else ""
        if one.note:
            yield f"{of}{one.note}"
        if one.taken is not None and one.places is not None:
            if not one.note:
                yield f"{of}{len(one.places)} rows, each answered by what was learnt from the others"
            yield from _tried(one, one.taken, one.places)
    for name, point in tuned.cut_points.items():
        low, high = point.interval
        of = f"the {point.coverage:.0%} that are surer"
        if name == "escalate":
            of = f"all, {1 - point.coverage:.0%} put to both models"
        provisional = "; provisional: it takes 200 rows to be firm" if point.provisional else ""
        yield (
            f"{name} below {point.threshold:.3f} to reach {point.reach:g}: of {of}, "
            f"{point.accuracy:.3f} [{low:.3f}, {high:.3f}] are right{provisional}"
        )


def _tried(one: Found, taken: Trial, places: NDArray[np.intp]) -> Iterator[str]:
    from microprompt.tuning.report import scores  # not at the top, as above

    named = [(trial.name, trial) for trial in one.tried]
    if one.untuned is not None:
        named.append((_UNTUNED, one.untuned))
    width = max(len(name) for name, _ in named)
    yield f"  {'':<{width}}  accuracy               log-loss  ECE"
    for name, trial in named:
        found = scores(trial, places)
        low, high = found.interval
        yield (
            f"  {name:<{width}}  {found.accuracy:.3f} [{low:.3f}, {high:.3f}]   {trial.log_loss:.3f}   "
            f"{found.ece:.3f}" + ("  <- taken" if trial is taken else "")
        )
    best = min(one.tried, key=lambda trial: trial.log_loss)
    if taken is not best:
        yield f"  {best.name} has less log-loss, but no more than chance gives: the simpler is taken"
