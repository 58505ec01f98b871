"""`mpc test`: the `tests:` clauses of prompts and flows, on the real model, also those in files."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from microprompt import PromptFunction
from microprompt.errors import EngineError, MicropromptError, ModelError
from microprompt.evaluation.leave_out import leave_out
from mpc import project
from mpc.trials import Result, RowsResult, run_rows, run_written

from . import console, functions
from .failures import USER, show_diagnostics
from .output import print_json

if TYPE_CHECKING:
    from microprompt.deciding.source import Unseen


@click.command(short_help="Run the tests: clauses.")
@click.argument("paths", metavar="[PATHS]...", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.option(
    "--junit", type=click.Path(dir_okay=False, path_type=Path), help="Also write a JUnit XML report."
)
@click.option(
    "--leave-out/--no-leave-out",
    "leaves_out",
    default=None,
    help="Tell how many examples come out right when each is left out (default: unless --json).",
)
@click.pass_context
def command(
    ctx: click.Context, paths: tuple[Path, ...], as_json: bool, junit: Path | None, leaves_out: bool | None
) -> None:
    """Run the tests of the prompts and flows in PATHS (default: this folder)."""
    leaves_out = not as_json if leaves_out is None else leaves_out
    results: list[Result | RowsResult] = []
    broken = False
    with console.model_progress():
        for path in project.collect(paths or (Path(),)):
            try:
                module = project.load(path)
            except project.CompileError as error:
                show_diagnostics(error.diagnostics)
                broken = True
                continue
            with project.python_path(path):
                for called in functions.own(module):
                    results += _tested(path, called, leaves_out=leaves_out, is_shown=not as_json)
    if junit is not None:
        _write_junit(junit, results)
    failed = [result for result in results if not result.passed]
    if as_json:
        print_json([result.to_json() for result in results])
    else:
        click.echo(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    if failed or broken:
        ctx.exit(USER)


def _tested(
    path: Path, called: functions.AnyFunction, *, leaves_out: bool, is_shown: bool
) -> list[Result | RowsResult]:
    """What became of the tests of a function; each is shown when it has run, if they are."""
    own = []
    for result in run_written(path, called):
        own.append(result)
        if is_shown:
            _show(result)
    if leaves_out and isinstance(called, PromptFunction):
        left_out = _leave_out(called)
        own = [replace(result, left_out=left_out) for result in own]
        if left_out is not None and is_shown:
            _show_left_out(called, left_out)
    of_rows = []
    for tested in run_rows(path, called):
        of_rows.append(tested)
        if is_shown:
            _show(tested)
            for warning in tested.warnings:
                console.warn(f"{tested.rows}: {warning}")
    return [*own, *of_rows]


def _leave_out(called: functions.AnyPrompt) -> Unseen | None:
    """What leaving out its examples tells of a function; a warning where one of them has no answer."""
    try:
        return leave_out(called)
    except (ModelError, EngineError):
        raise
    except MicropromptError as error:
        console.warn(f"{called.program.name}: leaving out its examples: {error.message}")
        return None


def _show_left_out(called: functions.AnyPrompt, found: Unseen) -> None:
    click.echo(
        f"     {called.program.name}: examples left out in turn: {found.right} of {found.examples} right "
        f"(chance {found.chance})"
    )


def _show(result: Result | RowsResult) -> None:
    mark = click.style("pass", fg="green") if result.passed else click.style("FAIL", fg="red", bold=True)
    click.echo(f"{mark} {result.headline()}")
    if not result.passed:
        for line in result.difference():
            click.echo(f"     {line}")


def _write_junit(path: Path, results: Sequence[Result | RowsResult]) -> None:
    root = ET.Element("testsuites")
    for file in dict.fromkeys(result.file for result in results):
        mine = [result for result in results if result.file == file]
        suite = ET.SubElement(
            root,
            "testsuite",
            name=file,
            tests=str(len(mine)),
            failures=str(sum(not result.passed and result.error is None for result in mine)),
            errors=str(sum(result.error is not None for result in mine)),
            time=f"{sum(result.seconds for result in mine):.3f}",
        )
        for result in mine:
            case = ET.SubElement(
                suite,
                "testcase",
                classname=file,
                name=f"{result.function}:{result.line}",
                file=file,
                line=str(result.line),
                time=f"{result.seconds:.3f}",
            )
            if not result.passed:
                kind = "failure" if result.error is None else "error"
                ET.SubElement(case, kind, message=_printable("; ".join(result.difference())))
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _printable(text: str) -> str:
    """Without the control characters that XML can't hold."""
    return "".join(character if character.isprintable() else " " for character in text)
