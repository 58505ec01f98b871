"""Paths as they are meant and as people read them; also where the working folder was deleted meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

from ..diagnostics import ToolError


def absolute(path: Path) -> Path:
    """The path from the root of the file system, without `..` in it; links are kept.

    Raises `ToolError` for a path that is relative to a working folder that is gone.
    """
    try:
        return Path(os.path.abspath(path))
    except FileNotFoundError as error:
        raise ToolError("the working folder is gone", help="change to a folder that is there") from error


def shown(path: Path) -> str:
    """The path as people write it: relative to where they are, if it lies below."""
    try:
        here = Path.cwd()
    except FileNotFoundError:
        return path.as_posix()
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()
