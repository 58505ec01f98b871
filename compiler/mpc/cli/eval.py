"""`mpc eval`: how good the answers of a prompt or a flow are, on rows whose answers are known."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click
from rich.cells import cell_len

from microprompt import rows
from microprompt.evaluation import kept, run
from microprompt.evaluation.figures import share
from microprompt.evaluation.rows import LABEL, LabelledRows, read_labelled
from microprompt.evaluation.variants import Variant, on_models
from microprompt.locations import model_named
from microprompt.storage import read_regular, replace
from mpc.diagnostics import ToolError
from mpc.project.named import SUFFIX

from . import console, functions
from .output import print_json

_SHOWN_MISTAKES: Final = 5
_WIDEST_MATRIX: Final = 12
_LONGEST_TEXT: Final = 100
_CORNER: Final = "label \\ answer"


@click.command(short_help="Measure a prompt function on rows whose answers are known.")
@click.argument("file", metavar="FILE")
@click.argument("function", metavar="FUNCTION")
@click.argument("path", metavar="ROWS", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--label", default=LABEL, show_default=True, help="The column, or key, of the right answers.")
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME",
    help="Evaluate on this model; given several times, on each, and compare.",
)
@click.option("--json", "as_json", is_flag=True, help="Print all figures as JSON.")
@click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), help="Also write a report, one HTML file."
)
def command(
    file: str,
    function: str,
    path: Path,
    label: str,
    models: tuple[str, ...],
    as_json: bool,
    html: Path | None,
) -> None:
    """Call FUNCTION of FILE on every row of ROWS and compare the answers with the rows' labels.

    ROWS is a file of JSON lines, .csv or .tsv. A row is {"inputs": {parameter: value}, "label": ...} or has
    the parameters and the label side by side.
    """
    if html is not None:
        _require_matplotlib()
        html.parent.mkdir(parents=True, exist_ok=True)
    called = functions.find(file, function)
    found = read_labelled(called.program, read_regular(path, rows.MAX_ROWS), str(path), label=label)
    _warn(found.warnings)
    variants = on_models(called, [*map(model_named, models)])
    evaluation = run.compare(function, found, tuple(_run(variant, found) for variant in variants))
    for variant in evaluation.variants:
        _warn(variant.warnings, of=variant.name if len(variants) > 1 else None)
    if file.endswith(SUFFIX):
        kept.keep(Path(file), function, evaluation.to_json())
    if html is not None:
        from microprompt.evaluation.report import report  # not at the top: it needs an extra

        replace(html, report(evaluation).encode())
    if as_json:
        print_json(evaluation.to_json())
    else:
        _show(evaluation)
    if html is not None:
        click.echo(f"the report is in {html}", err=True)


def _require_matplotlib() -> None:
    if importlib.util.find_spec("matplotlib") is None:
        raise ToolError("a report needs Matplotlib", help="pip install 'microprompt[eval]'")


def _run(variant: Variant, found: LabelledRows) -> run.Evaluated:
    with console.model_progress():
        run.warm(variant, found)
    with console.counted(variant.name, len(found)) as advance:
        return run.run(variant, found, advance)


def _warn(warnings: Sequence[str], *, of: str | None = None) -> None:
    for warning in warnings:
        about = "" if of is None else f"{of}: "
        console.warn(f"{about}{warning}")


# ---------------------------------------------------------------------------------------- on a terminal


def _show(evaluation: run.Evaluation) -> None:
    for variant in evaluation.variants:
        click.secho(_accuracy(variant), bold=True)
    first, *others = evaluation.variants
    for line in _several(evaluation) if others else _one(first):
        click.echo(line)


def _accuracy(variant: run.Evaluated) -> str:
    figures = variant.figures
    accuracy = share(figures.accuracy, figures.interval)
    return f"{variant.name}: {figures.right.sum()} of {figures.n} right, accuracy {accuracy}"


def _one(variant: run.Evaluated) -> Iterator[str]:
    figures, cost = variant.figures, variant.cost
    yield ", ".join(figures.in_words())
    yield (
        f"{cost.p50_ms:.0f} ms a call (95 % within {cost.p95_ms:.0f}), {cost.evaluated_tokens:.1f} tokens "
        f"evaluated and {cost.cached_tokens:.1f} cached; {figures.n} rows in {cost.seconds:.1f} s"
    )
    if variant.fields:
        yield ""
        for field in variant.fields:
            accuracy = share(field.accuracy, field.interval)
            yield f"{field.name}: accuracy {accuracy}, {', '.join(field.in_words())}"
    if figures.choice is not None:
        names, counts = figures.choice.occurring()
        if len(names) <= _WIDEST_MATRIX:
            yield ""
            rows = [(name, *map(str, row)) for name, row in zip(names, counts, strict=True)]
            yield from _table((_CORNER, *names), rows)
    if variant.worst:
        yield ""
        yield "surest mistakes"
        for mistake in variant.worst[:_SHOWN_MISTAKES]:
            yield f"  {_mistake(mistake)}"


def _several(evaluation: run.Evaluation) -> Iterator[str]:
    yield ""
    yield from _table(
        ("model", "accuracy", "macro-F1", "ECE", "Brier", "p50 ms", "tokens"),
        [
            (
                variant.name,
                _number(variant.figures.accuracy),
                _number(variant.figures.macro_f1),
                _number(variant.figures.calibration_error),
                _number(variant.figures.brier),
                f"{variant.cost.p50_ms:.0f}",
                f"{variant.cost.evaluated_tokens:.1f}",
            )
            for variant in evaluation.variants
        ],
    )
    yield ""
    first = evaluation.variants[0].name
    for variant, paired in zip(evaluation.variants[1:], evaluation.paired, strict=True):
        yield (
            f"rows that only {variant.name} got right: {paired.only_second}, only {first}: "
            f"{paired.only_first}; McNemar's exact p = {paired.p:.2g}"
        )


def _table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as they are, never cut: the first to the left, figures to the right."""
    table = (header, *lines)
    widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    for line in table:
        padding = [" " * (width - cell_len(cell)) for width, cell in zip(widths, line, strict=True)]
        figures = [f"  {blanks}{cell}" for blanks, cell in zip(padding[1:], line[1:], strict=True)]
        yield f"{line[0]}{padding[0]}{''.join(figures)}"


def _mistake(mistake: run.Mistake) -> str:
    arguments = ", ".join(json.dumps(value, ensure_ascii=False) for value in mistake.arguments.values())
    return (
        f"line {mistake.line}: {_said(mistake.answer)} ({mistake.confidence:.2f}), right is "
        f"{_said(mistake.expected)}: {_cut(arguments)}"
    )


def _said(data: object) -> str:
    is_shown = isinstance(data, str) and data.isprintable()
    return _cut(str(data) if is_shown else json.dumps(data, ensure_ascii=False))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 3]}..."


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
