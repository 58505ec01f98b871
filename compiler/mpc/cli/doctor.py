"""`mpc doctor`: is everything here that a call needs, and how fast is it?"""

from __future__ import annotations

import json
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Final

import click

from microprompt import cpu, models, settings
from microprompt.engines import loaded
from microprompt.errors import MicropromptError
from microprompt.locations import is_server, server
from microprompt.observed import unrecorded
from mpc import project
from mpc.diagnostics import ToolError

from . import console, functions, near_chance
from .failures import ENVIRONMENT, complain

_PACKAGES: Final = ("microprompt", "llama-cpp-python", "llguidance", "outlines", "lark", "pydantic", "numpy")
_PROGRAM: Final = """\
prompt verdict(text: str) -> "yes" | "no":
    Say whether the sentence is about the weather.

    Sentence: {text}
examples:
    "It has been raining since noon." -> "yes"
    "A storm is coming up." -> "yes"
    "The shop sells bread." -> "no"
    "My sister plays the cello." -> "no"
"""

Facts = dict[str, object]


@click.command(short_help="Check this machine.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Check the compiler, the machine, the model, and make one constrained call."""
    found: dict[str, Facts] = {}
    problems: list[MicropromptError | ToolError | project.CompileError] = []
    with console.model_progress():
        for name, look in _CHECKS.items():
            try:
                found[name] = look()
            except (MicropromptError, ToolError, project.CompileError) as error:
                problems.append(error)
                found[name] = {"problem": str(error)}
    if as_json:
        click.echo(json.dumps({"ok": not problems, **found}))
    else:
        for name, facts in found.items():
            _show(name, facts)
        _note_near_chance()
    if problems:
        if not as_json:
            complain(f"{len(problems)} of {len(found)} checks failed")
        ctx.exit(ENVIRONMENT)


def _versions() -> Facts:
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        **{package: version(package) for package in _PACKAGES},
    }


def _compiler() -> Facts:
    called = _verdict()
    return {"compiled": f"{called.program.name}, in memory", "mpc": str(Path(project.__file__).parent)}


def _cpu() -> Facts:
    found = cpu.cpu()
    return {
        "name": found.name,
        "features": list(found.features),
        "cores": cpu.usable_cores(),
        "threads": settings.current().threads,
    }


def _memory() -> Facts:
    home = settings.current().home
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    return {
        "total_gb": _gigabytes(cpu.total_memory()),
        "available_gb": _gigabytes(cpu.available_memory()),
        "home": str(home),
        "disk_free_gb": _gigabytes(shutil.disk_usage(there).free),
    }


def _model() -> Facts:
    name = settings.current().model
    if is_server(name):
        loaded.check(None)
        return {"name": name, "server": server(name).url}
    found = models.resolve(name)
    models.check_thoroughly(found, lambda doing, done, total: None)
    facts: Facts = {
        "name": found.info.name,
        "file": str(found.path),
        "sha256": found.info.sha256 or "not known",
        "hash": "as it should be" if found.info.sha256 else "not checked",
    }
    if found.prepared is not None:
        facts["type"] = found.prepared.type
        if found.prepared.attempts:
            facts["measured_on"] = "a busy machine; on a quiet one: mpc models prepare"
        facts["lanes"] = _lanes(found.prepared.lanes, found.prepared.lane_rates)
        facts["measured"] = [
            {
                "type": candidate.type,
                "batch_ms": candidate.batch_ms,
                "token_ms": candidate.token_ms,
                "agreement": candidate.agreement,
            }
            for candidate in found.prepared.candidates
        ]
    return facts


def _lanes(chosen: int, rates: Mapping[int, float]) -> str:
    """How many contexts share the cores when there are many calls, and why."""
    measured = ", ".join(f"{rate:.0f} with {lanes}" for lanes, rate in sorted(rates.items()))
    return f"{chosen} (tokens a second: {measured})"


@unrecorded()
def _call() -> Facts:
    if not is_server(settings.current().model):
        models.resolve(settings.current().model)  # a check downloads nothing
    called = _verdict()
    first = called.detail("Snow is expected in the hills.")
    again = called.detail("The wind will be strong tomorrow.")
    return {
        "answer": again.value,
        "confidence": round(again.confidence, 3),
        "first_ms": round(first.seconds * 1e3, 1),
        "warm_ms": round(again.seconds * 1e3, 1),
    }


def _verdict() -> functions.AnyPrompt:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "verdict.mp"
        path.write_text(_PROGRAM, encoding="utf-8")
        return functions.find_prompt(str(path), "verdict")


_CHECKS: Final[dict[str, Callable[[], Facts]]] = {
    "versions": _versions,
    "compiler": _compiler,
    "cpu": _cpu,
    "memory": _memory,
    "model": _model,
    "call": _call,
}


def _note_near_chance() -> None:
    with suppress(MicropromptError):  # settings that are wrong are among the problems found
        model = settings.current().model
        if near_chance.is_near_chance(model):
            near_chance.say(
                f"untuned choices with fewer than {project.ENOUGH_EXAMPLES} examples of a label may be near "
                f"chance on {model}: add examples, or `mpc tune FILE FUNCTION --on ROWS.jsonl`"
            )


def _gigabytes(size: int | None) -> float | None:
    return None if size is None else round(size / 1e9, 1)


def _show(name: str, facts: Facts) -> None:
    click.secho(name, bold=sys.stdout.isatty())
    for key, value in facts.items():
        if key == "measured" and isinstance(value, list):
            click.echo("  measured          16 tokens   one more   same answers")
            for row in value:
                click.echo(f"    {row['type']:<14}{_measured(row)}")
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, list) else value
            click.echo(f"  {key:<18}{shown}")


def _measured(row: Mapping[str, float | None]) -> str:
    batch_ms, token_ms, agreement = row["batch_ms"], row["token_ms"], row["agreement"]
    if batch_ms is None or token_ms is None or agreement is None:
        return "could not be tried"
    return f"{batch_ms:6.1f} ms{token_ms:8.1f} ms{agreement:14.0%}"
