"""Where the models lie on this machine, and the checks that a file is what it should be.

HOME/models/NAME/FILE.gguf               as shipped
HOME/models/NAME/FILE.TYPE.gguf          prepared: the same weights in a type that is faster here
HOME/models/NAME/prepared-KEY.json       what preparing measured, for one CPU and version of llama.cpp
HOME/models/NAME/fetched.json            what the registry doesn't know, of a file that came by its place

The last is written when a file comes from Hugging Face for the first time: its hash, to which it is held
afterwards, and the commit, from which it is fetched again should it get lost.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias

from .. import settings, storage
from ..errors import ModelError
from .facts import recall, remember
from .registry import HubFile, ModelInfo, ModelKind

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with what is being done, how far it is and how far it will go; the last two are 0 for news alone."""

_MAGIC: Final = b"GGUF"
_CHUNK: Final = 1 << 20


def tell() -> Progress:
    """A progress that writes each new thing being done to standard error, as one line."""
    said: set[str] = set()

    def progress(doing: str, done: int, total: int) -> None:
        if doing not in said:
            said.add(doing)
            print(f"microprompt: {doing}", file=sys.stderr, flush=True)

    return progress


def folder(info: ModelInfo) -> Path:
    """The folder that holds all that belongs to a model that is fetched."""
    return settings.current().home / "models" / re.sub("[:/]", "--", info.name)


def shipped_path(info: ModelInfo) -> Path:
    """Where such a model's file lies once it is pulled."""
    return folder(info) / info.file


def is_here(info: ModelInfo) -> bool:
    """Whether its file has come, and it is known which file that has to be."""
    return info.sha256 is not None and shipped_path(info).is_file()


def recorded(info: ModelInfo) -> ModelInfo:
    """The same, with what was found out when its file came for the first time if the registry doesn't know
    it."""
    if not isinstance(info.source, HubFile) or info.sha256 is not None:
        return info
    try:
        data = storage.unseal(storage.read_regular(_record_path(info)))
        found = {} if data is None else json.loads(data)
        return replace(
            info,
            source=replace(info.source, revision=found["commit"]),
            sha256=found["sha256"],
            size=found["size"],
            kind=found["kind"],
        )
    except (OSError, ValueError, KeyError):  # it has not come yet, or the record is damaged: fetch it again
        return info


def record(info: ModelInfo, *, commit: str, kind: ModelKind, sha256: str, size: int) -> None:
    """Keep what was found out of a file, for `recorded`. Raises `OSError`."""
    found = {"commit": commit, "kind": kind, "sha256": sha256, "size": size}
    storage.replace(_record_path(info), storage.seal(json.dumps(found).encode()))


def _record_path(info: ModelInfo) -> Path:
    return folder(info) / "fetched.json"


def check(path: Path, info: ModelInfo) -> None:
    """Check what can be checked in no time: the size and the first bytes.

    Raises:
        ModelError: the file is damaged, or can't be read.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise _unreadable(path, error) from error
    if magic != _MAGIC:
        raise damaged(path, info, "it does not begin like a GGUF file")
    if info.size is not None and size != info.size:
        raise damaged(path, info, f"it has {size:,} bytes and should have {info.size:,}")


def check_hash(path: Path, info: ModelInfo, progress: Progress, *, reread: bool = True) -> None:
    """Check the whole file against its hash, where the registry knows one.

    With `reread` off, the hash is taken from the last time if the file has not changed since.

    Raises:
        ModelError: the file is damaged, or can't be read.
    """
    check(path, info)
    if info.sha256 is not None and sha256(path, f"checking {info.name}", progress, reread) != info.sha256:
        raise damaged(path, info, "its sha256 is not the one in the registry")


def sha256(path: Path, doing: str, progress: Progress, reread: bool = False) -> str:
    """The hash of a file's bytes; that of the last time if the file has not changed since, unless `reread`.

    Raises:
        ModelError: the file can't be read.
    """
    try:
        if not reread and isinstance(known := recall("sha256", path), str):
            return known
        digest = hashlib.sha256()
        done = 0
        with path.open("rb") as file:
            total = os.fstat(file.fileno()).st_size
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                done += len(chunk)
                progress(doing, done, total)
    except OSError as error:
        raise _unreadable(path, error) from error
    remember("sha256", path, digest.hexdigest())
    return digest.hexdigest()


def damaged(path: Path, info: ModelInfo, why: str) -> ModelError:
    """The error for a file that is not what it should be, with the next step."""
    again = f"mpc models pull {info.name}" if info.source else "get the file again from where it came"
    return ModelError(f"the model file {path} is damaged: {why}", help=again)


@contextmanager
def locked(info: ModelInfo, progress: Progress) -> Iterator[Path]:
    """Hold a model's folder against other processes, and give it. The lock falls when the process ends.

    Raises:
        ModelError: the folder can't be made or written to.
    """
    place = folder(info)

    def wait(holder: int | None) -> None:
        other = "another process" if holder is None else f"process {holder}"
        progress(f"waiting for {other}, which is busy with {info.name}", 0, 0)

    with ExitStack() as held:
        try:
            storage.make_private(place)
            held.enter_context(storage.locked(place / ".lock", wait=wait))
        except OSError as error:
            raise ModelError(
                f"the folder {place} can't be written to: {error.strerror}",
                help="set MICROPROMPT_HOME to a folder of yours",
            ) from error
        yield place


def _unreadable(path: Path, error: OSError) -> ModelError:
    return ModelError(f"the model file {path} can't be read: {error.strerror}")
