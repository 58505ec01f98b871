"""What preparing a model found, and its record beside the model's file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from .. import storage
from ..cpu import cpu
from .files import Progress, sha256
from .registry import ModelInfo

_ATTEMPTS: Final = 3
"""After so many preparations on a machine that was never quiet, the best of the last one stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A type of weights, measured: milliseconds of a call's batch and of one decoded token.

    `agreement` is the share of the probes with the same answer as F16, the shipped type where that failed;
    `error` says why a type could not be tried.
    """

    type: str
    batch_ms: float | None = None
    token_ms: float | None = None
    agreement: float | None = None
    error: str | None = None

    @property
    def call_ms(self) -> float:
        """A batch and one token more: between a choice, which decodes nothing, and a text. Types with more
        bits are faster in batches and slower in single tokens."""
        if self.batch_ms is None or self.token_ms is None:
            return float("inf")
        return self.batch_ms + self.token_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The outcome: `path` is the file to load, `type` its candidate's, `lanes` how many contexts share the
    threads where there are many calls. The rest is how these were chosen; `call_token_ms` is what a token
    takes in a single call's batch, `lane_rates` are tokens a second by the number of lanes.

    `noise` is how much longer than the best, as a share, usual rounds took. Where that was much, because the
    machine was busy, `attempts` counts the preparations until now; otherwise it is 0.
    """

    path: Path
    sha256: str
    type: str
    candidates: tuple[Candidate, ...]
    call_token_ms: float
    lanes: int
    lane_rates: Mapping[int, float]
    noise: float
    attempts: int
    threads: int
    cpu: str
    features: tuple[str, ...]
    llama_cpp: str

    @property
    def is_provisional(self) -> bool:
        """Whether it should be measured again when the machine is quiet."""
        return 0 < self.attempts < _ATTEMPTS

    @property
    def batch_token_ms(self) -> float:
        """Milliseconds of a token in full batches, one context on all threads."""
        return 1e3 / self.lane_rates[1]


def read_record(shipped: Path, info: ModelInfo) -> Prepared | None:
    """What was found for this CPU and version of llama.cpp, whatever has become of the file since."""
    try:
        record = _read(_record_path(shipped, info))
        return Prepared(
            **{
                **record,
                "path": shipped.parent / record["path"],
                "candidates": tuple(Candidate(**candidate) for candidate in record["candidates"]),
                "lane_rates": {int(lanes): float(rate) for lanes, rate in record["lane_rates"].items()},
                "features": tuple(record["features"]),
            }
        )
    except (OSError, ValueError, KeyError, TypeError):  # none, damaged, or of another version: prepare again
        return None


def files_in_use(folder: Path) -> set[str]:
    """The names of the files that some record chose. A shared home may hold records of other CPUs."""
    found = set()
    for path in folder.glob("prepared-*.json"):
        with suppress(OSError, ValueError, KeyError, TypeError):
            found.add(str(_read(path)["path"]))
    return found


def _read(path: Path) -> dict[str, Any]:
    data = storage.unseal(storage.read_regular(path))
    if data is None:
        raise ValueError
    record: dict[str, Any] = json.loads(data)
    return record


def write_record(found: Prepared, shipped: Path, info: ModelInfo) -> None:
    """Keep what was found. Raises `OSError`."""
    record = json.dumps({**asdict(found), "path": found.path.name}, indent=2) + "\n"
    storage.replace(_record_path(shipped, info), storage.seal(record.encode()))


def is_whole(found: Prepared, progress: Progress) -> bool:
    """Whether the file is there and still what was written; read whole only if it has changed since."""
    doing = f"checking {found.path.name}"
    return found.path.is_file() and sha256(found.path, doing, progress) == found.sha256


def _record_path(shipped: Path, info: ModelInfo) -> Path:
    """Where the record for this CPU and version of llama.cpp lies."""
    key = "\0".join((str(info.sha256), cpu().identity, llama_cpp_version()))
    return shipped.parent / f"prepared-{hashlib.sha256(key.encode()).hexdigest()[:12]}.json"


@cache
def llama_cpp_version() -> str:
    """The version of the bindings, which bring their llama.cpp along."""
    return version("llama-cpp-python")
