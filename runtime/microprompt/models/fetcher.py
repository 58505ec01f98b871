"""Run a program that fetches something, and pass on how far it is."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .. import children
from .files import Progress

_PROGRESS: Final = re.compile(r"Progress (\d+) of (\d+)")
"""How pip says it, with `--progress-bar raw`, since pip 24.1; ours say it alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a program ended: its status, the last line that it printed, and its complaints."""

    status: int
    last: str
    complaints: str


def run(command: Sequence[str], doing: str, progress: Progress, **environment: str) -> Outcome:
    """Run a command to its end, with more in its environment; telling `progress` of each line that says how
    far it is. An exception meanwhile ends the program.

    Raises `OSError` if it can't be started.
    """
    progress(doing, 0, 0)
    last = ""
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints,
        subprocess.Popen(
            command,
            env=children.environment(**environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as program,
    ):
        try:
            assert program.stdout is not None
            for line in program.stdout:
                if (match := _PROGRESS.match(line)) is not None:
                    progress(doing, int(match[1]), int(match[2]))
                else:
                    last = line
        except BaseException:
            program.kill()
            raise
        status = program.wait()
        complaints.seek(0)
        return Outcome(status=status, last=last, complaints=complaints.read())
