"""The tuning file beside a source: `intake.tuning.json` beside `intake.mp`.

`mpc tune` writes it. Its outline is read here, and what is wrong with that becomes a diagnostic; the rest is
for the runtime to read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final, TypeGuard

from microprompt.abi import MAX_TENSORS, TENSORS_SUFFIX, TUNING_FORMAT, TUNING_SUFFIX
from microprompt.storage import NotAFileError

from ..diagnostics import Diagnostic, Reporter, ToolError
from ..source import Source, Span
from ..tuning import TunedEntry, TuningFile
from .looks import is_file, is_there, read, real, size
from .paths import shown

_START: Final = Span(0, 0)
_HELP: Final = "get it back from where the program is kept, or delete it and run `mpc tune` again"


def tuning_path(source: Path) -> Path:
    """Where the tuning of the source at this path lies."""
    return source.with_suffix(TUNING_SUFFIX)


def read_tuning(path: Path, root: Path, source: Source) -> tuple[TuningFile | None, list[Diagnostic]]:
    """The outline of the tuning of the source at `path`; `None` without one, and for one that is reported.

    Raises `ToolError` for a file that may not be read.
    """
    path, numbers = tuning_path(path), path.with_suffix(TENSORS_SUFFIX)
    if not is_there(path):
        return None, []
    place = Source(_beside(source.path), "", _beside(source.display))
    if not real(path).is_relative_to(real(root)):
        return None, _outside(place, path)
    try:
        text = _text(path)
        try:
            document = json.loads(text)
        except json.JSONDecodeError as error:
            place = Source(place.path, text, place.shown)
            raise _DamagedError("no JSON from here on", Span(error.pos, error.pos)) from error
        functions, tensors = _outline(document)
        _check_numbers(tensors, numbers, root)
    except _DamagedError as error:
        return None, _damaged(place, path, error)
    except (ValueError, RecursionError) as error:  # numbers and nesting that Python gives up on
        return None, _damaged(place, path, _DamagedError(f"not what it should be: {error}"))
    return TuningFile(path.name, numbers.name, place, functions), []


class _DamagedError(Exception):
    """The file is not as `mpc tune` wrote it; `span` is where that shows."""

    def __init__(self, problem: str, span: Span = _START) -> None:
        super().__init__(problem)
        self.span = span


def _text(path: Path) -> str:
    try:
        return read(path).decode()
    except NotAFileError as error:
        raise _DamagedError(f"not one that can be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise _DamagedError(f"no text: byte {error.start + 1:,} is not UTF-8") from error
    except OSError as error:
        raise ToolError(
            f"{shown(path)} cannot be read: {error.strerror or error}",
            help="check the path and its permissions",
        ) from error


# --------------------------------------------------------------------------------------------- outline


def _outline(document: object) -> tuple[Mapping[str, tuple[TunedEntry, ...]], object]:
    """The entries by the names of prompts, and what is said of the file with the numbers."""
    if not _is_object(document):
        raise _DamagedError("no JSON object")
    if document.get("format") != TUNING_FORMAT:
        raise _DamagedError(f"of another format than {TUNING_FORMAT}, which this mpc reads")
    functions = document.get("functions")
    if not _is_object(functions):
        raise _DamagedError("without `functions`")
    found = {}
    for name, entries in functions.items():
        if not isinstance(entries, list):
            raise _DamagedError(f"without a list of what was learnt of `{name}`")
        found[name] = tuple(_entry(entry, name) for entry in entries)
    return found, document.get("tensors")


def _entry(entry: object, name: str) -> TunedEntry:
    if not _is_object(entry) or not isinstance(key := entry.get("key"), str):
        raise _DamagedError(f"without the key of `{name}`")
    thresholds = entry.get("thresholds", {})
    if not _is_object(thresholds):
        raise _DamagedError(f"without the thresholds of `{name}` in an object")
    return TunedEntry(key, {threshold: _reach(found, name) for threshold, found in thresholds.items()})


def _reach(threshold: object, name: str) -> float:
    """The accuracy that a threshold of the prompt `name` was found for."""
    reach = threshold.get("reach") if _is_object(threshold) else None
    if not isinstance(reach, int | float):
        raise _DamagedError(f"without what the thresholds of `{name}` reach")
    return reach


def _check_numbers(said: object, path: Path, root: Path) -> None:
    """Raise `_DamagedError` unless the file with the numbers, as the outline names it, can be read."""
    if not _is_object(said) or said.get("file") != path.name:
        raise _DamagedError(f"about numbers in another file than {path.name}")
    if not is_file(path):
        raise _DamagedError(f"of no use: {path.name}, which has its numbers, is not beside it")
    if not real(path).is_relative_to(real(root)):
        raise _DamagedError(f"of no use: {path.name}, which has its numbers, is outside the project")
    if (found := size(path)) > MAX_TENSORS:
        raise _DamagedError(f"of no use: {path.name}, which has its numbers, has {found:,} bytes")


def _is_object(data: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(data, dict)


# ------------------------------------------------------------------------------------------ diagnostics


def _beside(name: str) -> str:
    return PurePosixPath(name).with_suffix(TUNING_SUFFIX).as_posix()


def _damaged(place: Source, path: Path, error: _DamagedError) -> list[Diagnostic]:
    reporter = Reporter(place)
    reporter.report("MP0803", error.span, f"the tuning file `{path.name}` is {error}", help=_HELP)
    return reporter.found


def _outside(place: Source, path: Path) -> list[Diagnostic]:
    reporter = Reporter(place)
    reporter.report(
        "MP0704",
        _START,
        f"`{path.name}` is a link to a file outside the project",
        help="copy the file into the project",
    )
    return reporter.found
