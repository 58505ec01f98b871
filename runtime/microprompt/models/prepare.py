"""Find the fastest type of weights that keeps a model's answers, once for each CPU and version of llama.cpp.

Which type is fastest depends on the CPU's instructions and on which kernels llama.cpp has for them: SmolLM2
runs 2.7 times faster as BF16 than as the shipped Q4_1 where there is AVX512-BF16, and hardly faster where
there is not. So it is measured. Types that would round the weights once more (Q8_0, Q4_0) change answers and
are no candidates. Weights that are not quantised gain nothing from another type, and neither do those of
types with fast kernels, such as Q4_K; with more than 2 GB in F16, the disk is spared. Such a model is
measured as it is: what a call costs, and how many contexts should share the cores.

Answers are compared with those of F16, not of the shipped type: kernels for quantised weights round the
activations too, some to 8 bits, so there the shipped type is the one that strays. Its distribution over the
next token is 0.006 nats from that of F32 on AVX512-VNNI, F16's is 0.00001 and BF16's 0.0002.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .. import settings, storage
from ..cpu import cpu
from ..errors import ModelError
from .attuned import attuned
from .files import Progress, check_hash, locked, sha256
from .prepared import (
    Candidate,
    Prepared,
    files_in_use,
    is_whole,
    llama_cpp_version,
    read_record,
    write_record,
)
from .registry import ModelInfo
from .trial import tried

if TYPE_CHECKING:
    from ..llamacpp.measure import Timing
    from ..llamacpp.weights import WeightsFile

_MIN_GAIN: Final = 0.10
_MIN_AGREEMENT: Final = 0.99


def prepare(shipped: Path, info: ModelInfo, progress: Progress, stale: Prepared | None = None) -> Prepared:
    """Measure the candidates and keep the best beside the shipped file.

    `stale` is what the caller found and wants to have measured again. Where another process has put something
    else in its place by the time that the folder is ours, that is taken: of many that start together, one
    measures.

    Raises:
        ModelError: the shipped file is damaged, can't be loaded, or there is no room for the candidates.
    """
    with locked(info, progress) as folder, _disk_errors_named(info, folder):
        now = read_record(shipped, info)
        if now is not None and now != stale and is_whole(now, progress):
            return now
        check_hash(shipped, info, progress)
        progress(f"preparing {info.name} for this CPU, once; this takes some seconds", 0, 0)
        for left in folder.glob(".prepare-*"):  # of a process that was killed: the lock is ours
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".prepare-") as made:
            found = _choose(shipped, info, Path(made), stale, progress)
            if found.path != shipped:
                with storage.replacing(found.path) as half:
                    (Path(made) / found.path.name).replace(half)
        write_record(found, shipped, info)
        _delete_unused(shipped)
    progress(f"prepared {info.name}: using it as {found.type}", 0, 0)
    if found.attempts:
        again = f"mpc models prepare {info.name}"
        progress(f"the machine was busy, so another type may be faster; when it is quiet: {again}", 0, 0)
    return found


def restore(shipped: Path, info: ModelInfo, found: Prepared, progress: Progress) -> Prepared:
    """Write a prepared file again that is damaged or gone, in the type that was measured to be the best; if
    that does not give the file of the record, prepare anew.

    Raises:
        ModelError: as `prepare`.
    """
    with locked(info, progress) as folder, _disk_errors_named(info, folder):
        if is_whole(found, progress):  # another process was here before
            return found
        check_hash(shipped, info, progress)
        progress(f"writing {info.name} as {found.type}", 0, 0)
        with suppress(_IsAnother), storage.replacing(found.path) as half:
            _requantise(shipped, half, found.type)
            if sha256(half, f"checking {found.path.name}", progress) != found.sha256:
                raise _IsAnother
            return found
    return prepare(shipped, info, progress, stale=found)


class _IsAnother(Exception):
    """What was written is not what the record says."""


@contextmanager
def _disk_errors_named(info: ModelInfo, folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelError(
            f"the model {info.name} can't be prepared in {folder}: {error.strerror or error}",
            help="make room there, or set MICROPROMPT_HOME to a folder on another disk",
        ) from error


def _requantise(shipped: Path, target: Path, type: str) -> None:
    """Raises `OSError` if the disk is full, `ModelError` if llama.cpp can't write this type."""
    # Not at the top: it loads NumPy, which who only looks for a model doesn't need.
    from ..llamacpp.measure import requantise

    try:
        requantise(shipped, target, type, settings.current().threads)
    except ModelError as error:
        if shutil.disk_usage(target.parent).free < shipped.stat().st_size:  # llama.cpp does not say why
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise


def _choose(
    shipped: Path, info: ModelInfo, scratch: Path, stale: Prepared | None, progress: Progress
) -> Prepared:
    """Measure the candidates, written into `scratch`; the path in the outcome is where the best belongs."""
    from ..llamacpp import measure  # as in `_requantise`

    threads = settings.current().threads
    own, *others = measure.types_to_try(shipped)
    paths = {own: shipped}
    failed: list[Candidate] = []
    for type in others:
        progress(f"writing {info.name} as {type}", 0, 0)
        target = scratch / f"{shipped.stem}.{type}.gguf"
        try:
            _requantise(shipped, target, type)
            tried(target, progress)
        except ModelError as error:
            failed.append(Candidate(type=type, error=error.message))
        else:
            paths[type] = target
    measured, timings = _measured(paths, threads, progress)
    noise = round(measure.spread_of(timings), 3)
    best = choose(measured, noise)
    timing = timings[measured.index(best)]
    progress("timing batches in contexts side by side", 0, 0)
    lane_rates = measure.lane_rates(attuned(tried(paths[best.type], progress), progress), threads)
    rates = {lanes: round(rate, 1) for lanes, rate in lane_rates.items()}
    return Prepared(
        path=shipped.parent / paths[best.type].name,
        sha256=sha256(paths[best.type], f"checking {info.name} as {best.type}", progress),
        type=best.type,
        candidates=(*measured, *failed),
        call_token_ms=round(timing.batch_ms / measure.CALL_TOKENS, 3),
        lanes=choose_lanes(rates),
        lane_rates=rates,
        noise=noise,
        attempts=0 if noise <= measure.MAX_SPREAD else 1 + (stale.attempts if stale else 0),
        threads=threads,
        cpu=cpu().name,
        features=cpu().features,
        llama_cpp=llama_cpp_version(),
    )


def choose(measured: Sequence[Candidate], noise: float = 0.0) -> Candidate:
    """The candidate to use: the fastest one whose answers are no less exact than those of the first, which
    is the shipped type. Its gain has to be worth the disk space, and more than the noise."""
    shipped = measured[0]
    assert shipped.agreement is not None
    needed = min(shipped.agreement, _MIN_AGREEMENT)
    good = [
        candidate
        for candidate in measured[1:]
        if candidate.call_ms * (1 + noise) <= shipped.call_ms * (1 - _MIN_GAIN)
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


def _measured(
    paths: Mapping[str, Path], threads: int, progress: Progress
) -> tuple[tuple[Candidate, ...], list[Timing]]:
    from ..llamacpp import measure  # as in `_requantise`

    files = [attuned(tried(path, progress), progress) for path in paths.values()]
    progress(f"timing {', '.join(paths)} on {threads} {'core' if threads == 1 else 'cores'}", 0, 0)
    timings = measure.time_calls(files, threads)
    agreements = _agreements(dict(zip(paths, files, strict=True)), threads, progress)
    candidates = tuple(
        Candidate(
            type=type,
            batch_ms=round(timing.batch_ms, 2),
            token_ms=round(timing.token_ms, 2),
            agreement=agreements[type],
        )
        for type, timing in zip(paths, timings, strict=True)
    )
    return candidates, timings


def _agreements(files: Mapping[str, WeightsFile], threads: int, progress: Progress) -> Mapping[str, float]:
    """By types, the share of the probes that each answers as F16 does, or as the shipped one without that."""
    from ..llamacpp import measure  # as in `_requantise`

    if len(files) == 1:
        return dict.fromkeys(files, 1.0)
    progress("comparing their answers", 0, 0)
    answers = {type: measure.probe(file, threads) for type, file in files.items()}
    reference = answers.get("F16", next(iter(answers.values())))
    return {type: measure.agreement(found, reference) for type, found in answers.items()}


def _delete_unused(shipped: Path) -> None:
    used = {shipped.name, *files_in_use(shipped.parent)}
    for path in shipped.parent.glob(f"{shipped.stem}.*.gguf"):
        if path.name not in used:
            path.unlink()
