"""The last evaluation of each function, kept in `home`, so that it can be looked at again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from .. import settings, storage

_FOLDER: Final = "evaluations"
_MOST: Final = 500
"""Evaluations that are kept; the oldest goes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEvaluation:
    """An evaluation as JSON data (`Evaluation.to_json`), when it was made, and the SHA-256 of the source file
    that it was made of, in hexadecimal."""

    made: datetime
    source: str
    report: Mapping[str, object]

    def to_json(self) -> dict[str, object]:
        """As JSON data."""
        return {"made": self.made.isoformat(timespec="seconds"), "source": self.source, "report": self.report}


def keep(source: Path, function: str, report: Mapping[str, object]) -> None:
    """Keep an evaluation of a function that the file `source` declares, in place of the one before. That it
    can't be written is no reason for an evaluation to fail."""
    with suppress(OSError):
        digest = hashlib.sha256(storage.read_regular(source)).hexdigest()
        found = KeptEvaluation(made=datetime.now(UTC), source=digest, report=report)
        path = _place(source, function)
        storage.make_private(path.parent)
        storage.replace(path, storage.seal(json.dumps(found.to_json()).encode()), mode=storage.PRIVATE)
        _sweep(path.parent)


def last(source: Path, function: str) -> KeptEvaluation | None:
    """The last evaluation of a function; `None` where there is none that can be read."""
    try:
        data = storage.unseal(storage.read_regular(_place(source, function)))
        found = json.loads(data or b"")
        made = datetime.fromisoformat(found["made"])
        return KeptEvaluation(made=made, source=found["source"], report=found["report"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _place(source: Path, function: str) -> Path:
    name = hashlib.sha256(f"{os.path.realpath(source)}\0{function}".encode()).hexdigest()[:32]
    return settings.current().home / _FOLDER / f"{name}.json"


def _sweep(folder: Path) -> None:
    found = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
    for path in found[:-_MOST]:
        path.unlink(missing_ok=True)
