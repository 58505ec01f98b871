"""`mpc new`: a small project that works."""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from mpc import project

from . import near_chance
from .failures import Failure

_MODEL: Final = "smollm2-135m"

_FILES: Final[Mapping[str, str]] = {
    "pyproject.toml": """\
[project]
name = "PROJECT-NAME"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["microprompt"]

[tool.microprompt]
model = "MODEL-NAME"
""",
    "intake.mp": '''\
"""Intake: what is a message to the shop about?"""

enum Topic:
    delivery  "when and where a parcel arrives"
    payment   "prices, invoices and refunds"
    account   "signing in, passwords and personal data"

prompt classify(message: str) -> Topic:
    Say what the message to the shop is about.

    Message: {message}
examples:
    "My parcel should have been here on Monday." -> delivery
    "Can you send it to my office instead of my flat?" -> delivery
    "The tracking page hasn't moved for three days." -> delivery
    "The courier left the box at the wrong house." -> delivery
    "How long does shipping to Norway take?" -> delivery
    "I was charged twice for the same order." -> payment
    "When do I get my money back?" -> payment
    "Could I have the invoice as a PDF?" -> payment
    "My card was declined, is there another way to pay?" -> payment
    "Why is the total higher than in the basket?" -> payment
    "I can't log in any more." -> account
    "The link to reset my password has expired." -> account
    "Please delete all the data you have about me." -> account
    "How do I change the email address I signed up with?" -> account
    "Someone else seems to be using my login." -> account
tests:
    "Where is my package?" -> delivery
    "I'd like a refund, please." -> payment
    "I forgot my password." -> account
''',
    "main.py": '''\
"""Ask the prompt function of intake.mp; build it first with `mpc build`."""

from intake import classify

for message in ("The driver never rang the bell.", "Do you take credit cards?", "My profile is locked."):
    answer = classify.detail(message)
    print(f"{answer.value:10} {answer.confidence:.2f}  {message}")
''',
    ".gitignore": ".mpc/\n__pycache__/\n",
}


@click.command(short_help="Start a project.")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
def command(folder: Path) -> None:
    """Make the folder DIR with a prompt function, its tests, and a program that calls it."""
    if folder.exists() and any(folder.iterdir()):
        raise Failure(f"{folder} is not empty", help="name a folder that is not there yet")
    folder.mkdir(parents=True, exist_ok=True)
    name = _project_name(folder)
    for path, text in _FILES.items():
        text = text.replace("PROJECT-NAME", name).replace("MODEL-NAME", _MODEL)
        (folder / path).write_text(text, encoding="utf-8")
        click.echo(f"wrote {project.shown(folder / path)}")
    click.echo(
        f"\nnext:\n  cd {shlex.quote(str(folder))}\n  mpc build\n  mpc test\n  python main.py", err=True
    )
    near_chance.say(
        f"classify is untuned and goes by its examples, for {_MODEL} alone is near chance; with rows of your "
        "own, `mpc tune intake.mp classify --on ROWS.jsonl`"
    )


def _project_name(folder: Path) -> str:
    """The folder's name in the letters that a project's name may have."""
    plain = unicodedata.normalize("NFKD", folder.resolve().name).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", plain).strip("-") or "prompts"
