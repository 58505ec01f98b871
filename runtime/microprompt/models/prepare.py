"""Find the fastest type of weights that keeps a model's answers, once for each CPU and version of llama.cpp.

Which type is fastest depends on the CPU's instructions and on which kernels llama.cpp has for them: SmolLM2
runs 2.7 times faster as BF16 than as the shipped Q4_1 where there is AVX512-BF16, and hardly faster where
there is not. So it is measured. Types that would round the weights once more (Q8_0, Q4_0) change answers and
are no candidates; weights that are not quantised gain nothing from another type.

Answers are compared with those of F16, not of the shipped type: kernels for quantised weights round the
activations too, some to 8 bits, so there the shipped type is the one that strays. Its distribution over the
next token is 0.006 nats from that of F32 on AVX512-VNNI, F16's is 0.00001 and BF16's 0.0002.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from .. import settings
from ..cpu import cpu
from ..errors import ModelError
from .files import Progress, check_hash, locked
from .registry import ModelInfo

_MIN_GAIN: Final = 0.10  # less is within the noise of a busy machine, and not worth the disk space
_MIN_AGREEMENT: Final = 0.99

CALL_TOKENS: Final = 16
"""Tokens of a call's batch, as it is timed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A type of weights, measured: milliseconds of a call's 16-token batch and of one decoded token.

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
    threads where there are many calls. The rest is how these were chosen; `lane_rates` are tokens a second by
    the number of lanes."""

    path: Path
    type: str
    candidates: tuple[Candidate, ...]
    lanes: int
    lane_rates: Mapping[int, float]
    threads: int
    cpu: str
    features: tuple[str, ...]
    llama_cpp: str

    @property
    def call_token_ms(self) -> float:
        """Milliseconds of a token in a single call's batch."""
        [batch_ms] = [found.batch_ms for found in self.candidates if found.type == self.type]
        return (batch_ms or 0.0) / CALL_TOKENS

    @property
    def batch_token_ms(self) -> float:
        """Milliseconds of a token in full batches, one context on all threads."""
        return 1e3 / self.lane_rates[1]


def prepare(shipped: Path, info: ModelInfo, progress: Progress) -> Prepared:
    """Measure the candidates and keep the best beside the shipped file; again, if it was done before.

    Raises:
        ModelError: the shipped file is damaged, can't be loaded, or there is no room for the candidates.
    """
    with locked(info, progress) as folder:
        check_hash(shipped, info, progress)
        progress(f"preparing {info.name} for this CPU, once; this takes some seconds", 0, 0)
        for left in folder.glob(".prepare-*"):  # of a process that was killed: the lock is ours
            shutil.rmtree(left, ignore_errors=True)
        try:
            with tempfile.TemporaryDirectory(dir=folder, prefix=".prepare-") as made:
                found = _choose(shipped, info, Path(made), progress)
                if found.path != shipped:
                    os.replace(Path(made) / found.path.name, found.path)
            _write_record(found, info)
        except OSError as error:
            raise ModelError(
                f"the model {info.name} can't be prepared in {folder}: {error.strerror or error}",
                help="make room there, or set MICROPROMPT_HOME to a folder on another disk",
            ) from error
        _delete_unused(shipped)
    progress(f"prepared {info.name}: using it as {found.type}", 0, 0)
    return found


def prepared(shipped: Path, info: ModelInfo) -> Prepared | None:
    """What an earlier `prepare` found for this CPU and version of llama.cpp, if its file is still here."""
    try:
        record = json.loads(_record_path(shipped.parent, info).read_text(encoding="utf-8"))
        path = shipped.parent / record["file"]
        if path.stat().st_size != record["size"]:
            return None
        return Prepared(
            path=path,
            type=record["type"],
            candidates=tuple(Candidate(**candidate) for candidate in record["candidates"]),
            lanes=record["lanes"],
            lane_rates={int(lanes): float(rate) for lanes, rate in record["lane_rates"].items()},
            threads=record["threads"],
            cpu=record["cpu"],
            features=tuple(record["features"]),
            llama_cpp=record["llama_cpp_python"],
        )
    except (OSError, ValueError, KeyError, TypeError):  # no record, or none that can be read: prepare again
        return None


def _choose(shipped: Path, info: ModelInfo, scratch: Path, progress: Progress) -> Prepared:
    """Measure the candidates, written into `scratch`; the path in the outcome is where the best belongs."""
    from ..llamacpp.measure import EXACT_TYPES, file_type, lane_rates, requantise

    threads = settings.current().threads
    own = file_type(shipped)
    files = {own: shipped}
    failed: list[Candidate] = []
    for type in EXACT_TYPES if own not in {"F32", *EXACT_TYPES} else ():
        progress(f"writing {info.name} as {type}", 0, 0)
        target = scratch / f"{shipped.stem}.{type}.gguf"
        try:
            requantise(shipped, target, type, threads)
        except ModelError as error:
            if shutil.disk_usage(scratch).free < shipped.stat().st_size:  # llama.cpp does not say why
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
            failed.append(Candidate(type=type, error=error.message))
        else:
            files[type] = target
    measured = _measured(files, threads, progress)
    best = choose(measured)
    progress("timing batches in contexts side by side", 0, 0)
    rates = {lanes: round(rate, 1) for lanes, rate in lane_rates(files[best.type], threads).items()}
    return Prepared(
        path=shipped.parent / files[best.type].name,
        type=best.type,
        candidates=(*measured, *failed),
        lanes=choose_lanes(rates),
        lane_rates=rates,
        threads=threads,
        cpu=cpu().name,
        features=cpu().features,
        llama_cpp=_llama_cpp_version(),
    )


def choose(measured: Sequence[Candidate]) -> Candidate:
    """The candidate to use: the fastest one whose answers are no less exact than those of the first, which
    is the shipped type."""
    shipped = measured[0]
    assert shipped.agreement is not None
    needed = min(shipped.agreement, _MIN_AGREEMENT)
    good = [
        candidate
        for candidate in measured[1:]
        if candidate.call_ms <= shipped.call_ms * (1 - _MIN_GAIN)
        and candidate.agreement is not None
        and candidate.agreement >= needed
    ]
    return min(good, key=lambda candidate: candidate.call_ms, default=shipped)


def choose_lanes(rates: Mapping[int, float]) -> int:
    """The number of lanes to use: the fewest that no more of them beat by the least gain."""
    best = 1
    for lanes, rate in sorted(rates.items()):
        if rate >= rates[best] * (1 + _MIN_GAIN):
            best = lanes
    return best


def _measured(files: Mapping[str, Path], threads: int, progress: Progress) -> tuple[Candidate, ...]:
    from ..llamacpp.measure import agreement, time_calls

    progress(f"timing {', '.join(files)} on {threads} {'core' if threads == 1 else 'cores'}", 0, 0)
    timings = time_calls(list(files.values()), threads)
    progress("comparing their answers", 0, 0)
    reference = files.get("F16", next(iter(files.values())))
    agreements = [
        1.0 if path == reference else agreement(path, reference, threads) for path in files.values()
    ]
    return tuple(
        Candidate(
            type=type,
            batch_ms=round(timing.batch_ms, 2),
            token_ms=round(timing.token_ms, 2),
            agreement=agreement,
        )
        for type, timing, agreement in zip(files, timings, agreements, strict=True)
    )


def _write_record(found: Prepared, info: ModelInfo) -> None:
    record = {
        "model": info.name,
        "sha256": info.sha256,
        "file": found.path.name,
        "size": found.path.stat().st_size,
        "type": found.type,
        "candidates": [asdict(candidate) for candidate in found.candidates],
        "lanes": found.lanes,
        "lane_rates": found.lane_rates,
        "threads": found.threads,
        "cpu": found.cpu,
        "features": found.features,
        "llama_cpp_python": found.llama_cpp,
    }
    path = _record_path(found.path.parent, info)
    half = path.with_suffix(".tmp")
    half.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    os.replace(half, path)


def _record_path(folder: Path, info: ModelInfo) -> Path:
    key = "\0".join((str(info.sha256), cpu().identity, _llama_cpp_version()))
    return folder / f"prepared-{hashlib.sha256(key.encode()).hexdigest()[:12]}.json"


def _delete_unused(shipped: Path) -> None:
    """Delete the prepared files that no record names. A shared home may hold files for other CPUs."""
    used = {shipped.name}
    for record in shipped.parent.glob("prepared-*.json"):
        used.add(json.loads(record.read_text(encoding="utf-8"))["file"])
    for path in shipped.parent.glob(f"{shipped.stem}.*.gguf"):
        if path.name not in used:
            path.unlink()


@cache
def _llama_cpp_version() -> str:
    return version("llama-cpp-python")
