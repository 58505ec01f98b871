"""Python programs that we start: pip, and the one that tries a model's file.

`python -m` looks for modules in the current folder first, which may be a project that was just cloned, with a
file called pip.py in it. So none of them has that folder on its path.
"""

from __future__ import annotations

import os
import sys


def command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module in a Python like this one."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environment(**more: str) -> dict[str, str]:
    """This process's environment, with `more`, for a child and what the child starts in its turn.

    The user's PYTHONPATH stays, but for entries that mean the current folder or one below it.
    """
    found = {**os.environ, **more, "PYTHONSAFEPATH": "1"}
    entries = found.pop("PYTHONPATH", "").split(os.pathsep)
    if absolute := [entry for entry in entries if os.path.isabs(entry)]:
        found["PYTHONPATH"] = os.pathsep.join(absolute)
    return found
