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

from .failures import Failure

_FILES: Final[Mapping[str, str]] = {
    "pyproject.toml": """\
[project]
name = "PROJECT-NAME"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["microprompt"]

[tool.microprompt]
model = "smollm2-135m"
""",
    "intake.mp": '''\
"""Intake: what does the user want?"""

enum Act:
    question  "asks for information"
    command   "asks for something to be done"

prompt classify(text: str) -> Act:
    Classify this input as a question or a command.

    Input: {text}
examples:
    "What is the capital of Washington?" -> question
    "Turn off the lights in the hall." -> command
    "How long does the train to Turin take?" -> question
    "Remind me to call the dentist." -> command
    "Who wrote this report?" -> question
    "Book a table for two." -> command
tests:
    "Where is the nearest station?" -> question
    "Close the door, please." -> command
''',
    "main.py": '''\
"""Ask the prompt functions of intake.mp; build them first with `mpc build`."""

from intake import classify

for text in ("What is the capital of Norway?", "Send the letter to Anna."):
    answer = classify.detail(text)
    print(f"{answer.value:12} {answer.confidence:.2f}  {text}")
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
        (folder / path).write_text(text.replace("PROJECT-NAME", name), encoding="utf-8")
        click.echo(f"wrote {project.shown(folder / path)}")
    click.echo(
        f"\nnext:\n  cd {shlex.quote(str(folder))}\n  mpc build\n  mpc test\n  python main.py", err=True
    )


def _project_name(folder: Path) -> str:
    """The folder's name in the letters that a project's name may have."""
    plain = unicodedata.normalize("NFKD", folder.resolve().name).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", plain).strip("-") or "prompts"
