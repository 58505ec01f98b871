"""`mpc decide`: ask questions about a text that no program has."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from microprompt import decide, rows
from microprompt.storage import read_regular
from microprompt.systemone import AnyAnswer, ChoiceAnswer, Decisions, NoulAnswer, ScoreAnswer
from microprompt.systemone.structured import laid_out

from . import console
from .failures import Failure
from .output import print_json

_MAX_FILE: Final = 1 << 24
_BAR: Final = 30
_SHOWN: Final = 8  # options of a choice on a terminal: those that are most probable


@click.command(short_help="Ask questions about a text.")
@click.argument("state", metavar="STATE")
@click.option("--noul", "nouls", multiple=True, metavar="QUESTION", help="A question of yes or no.")
@click.option(
    "--choice",
    "choices",
    multiple=True,
    metavar="QUESTION=A|B|...",
    help="A question whose answer is one of the options.",
)
@click.option(
    "--score",
    "scores",
    multiple=True,
    metavar="QUESTION=LOW|...|HIGH",
    help="A question whose answer is a level, the lowest first.",
)
@click.option(
    "--questions",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of JSON: an object with questions of the System One API, by their ids.",
)
@click.option("--model", help="The model that is asked: its name, or the path of its file.")
@click.option("--averaged", is_flag=True, help="Show the options of a choice in several orders.")
@click.option("--json", "as_json", is_flag=True, help="Print the answers as the System One API has them.")
def command(
    state: str,
    nouls: tuple[str, ...],
    choices: tuple[str, ...],
    scores: tuple[str, ...],
    path: Path | None,
    model: str | None,
    averaged: bool,
    as_json: bool,
) -> None:
    """Ask questions about STATE, a text (- reads it from standard input), and print the probability of every
    answer. The text is evaluated once for all questions.

    mpc decide "I was charged twice." --noul "Is it urgent?" --choice "Which team?=billing|sales|other"
    """
    questions = {} if path is None else _read(path)
    for asked in nouls:
        questions[asked] = {"type": "noul", "instructions": asked}
    for asked in choices:
        question, parts = _split(asked, "--choice")
        questions[question] = {
            "type": "choice",
            "instructions": question,
            "criteria": dict.fromkeys(parts),
        }
    for asked in scores:
        question, parts = _split(asked, "--score")
        questions[question] = {"type": "score", "instructions": question, "criteria": parts}
    if not questions:
        raise click.UsageError("there is no question; ask one with --noul, --choice, --score or --questions")
    about = sys.stdin.read() if state == "-" else state
    with console.model_progress():
        found = decide(
            about,
            questions,
            model=model,
            order="averaged" if averaged else "canonical",
        )
    if as_json:
        print_json(found.model_dump(mode="json"))
    elif sys.stdout.isatty():
        _show(found)
    else:
        for id, answer in found.answers.items():
            for number, (outcome, probability) in enumerate(_outcomes(answer)):
                click.echo(f"{'' if number else id}\t{outcome}\t{probability:.3f}")


def _read(path: Path) -> dict[str, Any]:
    try:
        text = read_regular(path, _MAX_FILE).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Failure(f"{path} is not UTF-8", help="save it as UTF-8") from None
    found = rows.read_json(text)
    if not isinstance(found, dict):
        raise Failure(
            f"{path} is not a JSON object of questions",
            help='write {"urgent": {"type": "noul", "instructions": "Is it urgent?"}}',
        )
    return found


def _split(asked: str, option: str) -> tuple[str, list[str]]:
    question, is_there, listed = asked.rpartition("=")
    parts = [part.strip() for part in listed.split("|")]
    if not is_there or not question.strip() or len(set(parts)) < len(parts):
        raise click.BadParameter(
            f"{asked!r} is not a question with different answers, as in 'Which team?=billing|sales'",
            param_hint=option,
        )
    return question.strip(), parts


def _outcomes(answer: AnyAnswer) -> list[tuple[str, float]]:
    """What may be the answer, in words, with its probability: of a choice the most probable first."""
    match answer:
        case NoulAnswer(noul=noul):
            return [("yes", noul), ("no", 1 - noul)]
        case ChoiceAnswer(probabilities=probabilities):
            return sorted(probabilities.items(), key=lambda each: -each[1])
        case ScoreAnswer(probabilities=probabilities, legend=legend):
            return [(f"{level} {laid_out(legend[level])}", each) for level, each in probabilities.items()]


def _show(found: Decisions) -> None:
    """A table with a bar for each outcome, and a line below each question that says how sure it is."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(overflow="fold", ratio=1)
    table.add_column(width=_BAR)
    table.add_column(justify="right")
    for id, answer in found.answers.items():
        table.add_row(Text(id, style="bold"), "", Text(_summary(answer), style="dim"))
        outcomes = _outcomes(answer)
        best = max(probability for _, probability in outcomes)
        shown = outcomes[:_SHOWN] if isinstance(answer, ChoiceAnswer) else outcomes
        for outcome, probability in shown:
            is_best = probability == best
            bar = ProgressBar(1, probability, width=_BAR, complete_style="green" if is_best else "blue")
            table.add_row(Text(f"  {outcome}", style="green" if is_best else ""), bar, f"{probability:.3f}")
        if rest := outcomes[len(shown) :]:
            table.add_row(f"  {len(rest)} more", "", f"{sum(each for _, each in rest):.3f}")
    Console().print(table)


def _summary(answer: AnyAnswer) -> str:
    match answer:
        case NoulAnswer():
            return ""
        case ChoiceAnswer(confidence=confidence):
            return f"confidence {confidence:.2f}"
        case ScoreAnswer(score=score, confidence=confidence):
            return f"score {score:.2f}, confidence {confidence:.2f}"
