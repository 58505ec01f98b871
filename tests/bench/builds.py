"""What a build costs: a module of 1,000 prompts, checked, built, and built again with nothing changed.

    python -m tests.bench.builds [--prompts N] [--rounds N]

Each is a process of its own, from its start to its end, and they take turns. Processor seconds are what a
command uses; those on the clock, which a user waits, are more of them on a machine that is busy.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

import click

from .engines import ROOT
from .report import warn_if_busy

TARGETS: Final = {"check": 2.0, "build": 3.0, "rebuild": 0.3}
"""Seconds that each may take for 1,000 prompts."""

_SUBJECTS: Final = (
    *("parcel", "invoice", "refund", "booking", "tenancy", "warranty", "delivery", "password", "salary"),
    *("allergy", "ticket", "repair", "meeting", "contract", "garden", "engine", "recipe", "concert"),
)
_STATES: Final = ("late", "lost", "broken", "paid twice", "cancelled", "wrong", "unclear", "fine")
_GROUP: Final = '''\
enum Kind{n} "what the message about a {subject} is":
    report      "says that something about the {subject} is {state}"
    question    "wants to know something about the {subject}"
    wish as "request"
    thanks
    other       "anything else"

record Case{n} "a message about a {subject}":
    kind: Kind{n}
    urgency: int(1..5)          "1 can wait, 5 is now"
    warranty: bool              "whether it is said to be under warranty"
    since: date(2000-01-01..2039-12-31)? = none "when the {subject} was first {state}"
    amount: decimal(0.00..9999.99)? = none
    words: list[str(1..30)](..4) "what to look for in the archive"
    summary: str(1..80)         "the problem in a few words"

# Which of them is it?
prompt kind{n}(message: str) -> Kind{n}:
    Say what the message about a {subject} is.

    Message: {{message}}
    Kind:
examples:
    "The {subject} number {n} is {state}, and nobody answers the phone." -> report
    "Could you tell me how long a {subject} takes in group {n}?" -> question
    "Please send the papers for {subject} {n} again." -> wish
    "Many thanks for your help with the {subject} {n}!" -> thanks
    "This is no. {n}, ringing about nothing in particular." -> other
tests:
    "My {subject} has been {state} since Monday, number {n}." -> report
    "When will {subject} {n} be over?" -> question

prompt is_about{n}(message: str) -> bool:
    Say whether the message is about a {subject} that is {state}.

    Message: {{message}}
examples:
    "The {subject} {n} is {state}." -> true
    "The weather in town {n} is bad." -> false

prompt read{n}(message: str) -> Case{n}:
    Read the message about a {subject} and fill in the case. Dates without a year are of this year,
    amounts are in euros, and what the message does not say is left out.

    Message: {{message}}

    Case:
examples:
    "Since 4 March 2023 the {subject} {n} is {state}. I paid 48.00 and want it back." ->
        Case{n}(kind=report, urgency=4, warranty=false, since=2023-03-04, amount=48.00,
            words=["{subject}", "number {n}"], summary="wants {n} paid back")
    "Which of you looks after a {subject}? Mine, {n}, is new." ->
        Case{n}(kind=question, urgency=2, warranty=true, words=["new"], summary="looks for somebody")

prompt urgency{n}(message: str, context: str) -> int(1..5):
    How urgent is the message about a {subject}? 1 can wait, 5 is now.

    Known so far: {{context}}
    Message: {{message}}
    Urgency:
examples:
    "It is {state} and I leave in an hour.", "{subject} {n}" -> 5
    "Please see to it today.", "{subject} {n}" -> 4
    "Some time this week will do.", "{subject} {n}" -> 3
    "Before the end of the month, please.", "{subject} {n}" -> 2
    "No hurry with this.", "{subject} {n}" -> 1
using:
    temperature = 0

prompt summary{n}(message: str) -> str(1..120):
    Say in one sentence what the writer of the message wants done about the {subject}.

    Message: {{message}}
    Wanted:
using:
    max_tokens = 60
    seed = {n}

prompt words{n}(message: str) -> list[str(1..30)](1..6):
    List the words by which a message about a {subject} is found in the archive.

    Message: {{message}}
examples:
    "The {subject} {n} is {state} again." -> ["{subject}", "{state}"]

prompt kinds{n}(message: str) -> set[Kind{n}]:
    A message about a {subject} may be several things at once. Say which.

    Message: {{message}}
examples:
    "Thanks! But is the {subject} {n} still {state}?" -> {{thanks, question}}

prompt number{n}(message: str) -> span(message, /[A-Z]{{1,3}}-[0-9]{{2,6}}/)?:
    Copy the number of the {subject} out of the message.

    Message: {{message}}
    Number:

prompt reply{n}(message: str, notes: list[str], formal: bool = true) -> str:
    Answer the message about a {subject}.
    {{if formal}}Write as an office does, with the full name.{{else}}Write as a friend does.{{end}}
    {{for note in notes}}
    - {{note}}
    {{end}}

    Message: {{message}}
    Answer:

prompt route{n}(case: Case{n}) -> ("front desk" | "workshop" | "accounts")?:
    Which team takes this case of a {subject}?

    Case: {{case}}
    Team:
using:
    timeout = 30
'''
_PROMPTS_IN_GROUP: Final = 10


def program(prompts: int) -> str:
    """A module of so many prompts, a multiple of ten: choices, records and texts, types and examples."""
    groups = [
        _GROUP.format(
            n=n, subject=_SUBJECTS[n % len(_SUBJECTS)], state=_STATES[n // len(_SUBJECTS) % len(_STATES)]
        )
        for n in range(prompts // _PROMPTS_IN_GROUP)
    ]
    return "\n".join(['"""Messages to a customer service."""\n', *groups])


@click.command()
@click.option("--prompts", default=1000, show_default=True, type=click.IntRange(min=10), help="Prompts.")
@click.option("--rounds", default=7, show_default=True, type=click.IntRange(min=1), help="Runs of each.")
def main(prompts: int, rounds: int) -> None:
    """Measure, and print the least and the median of the rounds."""
    warn_if_busy()
    with tempfile.TemporaryDirectory(prefix="builds-") as name:
        found = list(_rounds(Path(name), program(prompts), rounds))
    click.echo(f"{prompts:,} prompts, {rounds} rounds; seconds on the clock, and of the processor")
    for what, target in TARGETS.items():
        clock, used = ([run[what][of] for run in found] for of in (0, 1))
        click.echo(
            f"{what:8} {min(clock):5.2f} at least, {median(clock):5.2f} as a rule   "
            f"{min(used):5.2f}, {median(used):5.2f}   (may take {target:g})"
        )


def _rounds(folder: Path, text: str, rounds: int) -> Iterator[dict[str, tuple[float, float]]]:
    (folder / "service.mp").write_text(text, encoding="utf-8")
    module = folder / "service.py"
    for number in range(rounds + 1):
        module.unlink(missing_ok=True)
        found = {
            "check": _seconds(folder, "check"),
            "build": _seconds(folder, "build"),
            "rebuild": _seconds(folder, "build"),
        }
        if number:  # the first round leaves Python's bytecode
            yield found


def _seconds(folder: Path, command: str) -> tuple[float, float]:
    """What `mpc` takes for the folder's module, on the clock and of the processor."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("compiler", "runtime", "stdlib")),
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
        "MICROPROMPT_HOME": str(folder / "home"),
    }
    before, start = os.times(), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "mpc", command, "service.mp"],
        cwd=folder,
        env=environment,
        capture_output=True,
        check=True,
    )
    end, after = time.perf_counter(), os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return end - start, used


if __name__ == "__main__":
    main()
