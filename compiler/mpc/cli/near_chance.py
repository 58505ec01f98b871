"""A line on standard error about a choice that is likely to be wrong, and what would make it right.

Label scores of a small model are near chance; with a few examples of each label, or after `mpc tune`, other
evidence answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import click

from microprompt import settings
from microprompt.errors import MicropromptError
from microprompt.types import kind
from mpc import project

from .functions import AnyPrompt


def note_choices(choices: Sequence[project.BareChoice]) -> None:
    """Say so of every such choice."""
    for choice in choices:
        _note(
            project.shown(choice.file), choice.function, _model(choice.model), choice.labels, choice.lacking
        )


def note_function(file: str, called: AnyPrompt) -> None:
    """Say so of a prompt function of `file`, if it is such a choice."""
    program = called.program
    options = kind(program.returns).options()
    if options is None or program.tuning is not None or program.using.is_scored:
        return
    # None is no label where it is what an unsure answer becomes.
    labels = len(options) - (program.using.abstain is not None)
    lacking = project.lacking(labels, (example.answer for example in program.examples))
    model = _model(program.using.model.name if program.using.model else None)
    _note(file, program.name, model, labels, lacking)


def is_near_chance(model: str | None) -> bool:
    """Whether this is a registered model whose label scores are known to be near chance."""
    from microprompt.models import REGISTRY  # not at the top: most programs need no such line

    return model is not None and model in REGISTRY and REGISTRY[model].near_chance


def say(note: str) -> None:
    """Write a note to standard error."""
    click.echo(f"note: {note}", err=True)


def _model(named: str | None) -> str | None:
    """The model that a prompt asks; `None` where settings that are wrong keep that from being known."""
    if named is not None:
        return named
    with suppress(MicropromptError):  # a command that asks the model says what is wrong with them
        return settings.current().model
    return None


def _note(file: str, function: str, model: str | None, labels: int, lacking: int) -> None:
    if not lacking or not is_near_chance(model):
        return
    which = f"{lacking} of its {labels} labels have" if lacking < labels else "its labels have"
    say(
        f"{function} is untuned, and {which} fewer than {project.ENOUGH_EXAMPLES} examples; on {model} such "
        f"answers may be near chance: add examples, or `mpc tune {file} {function} --on ROWS.jsonl`"
    )
