"""Where the models lie on this machine, and the checks that a file is what it should be.

HOME/models/NAME/FILE.gguf               as shipped
HOME/models/NAME/FILE.TYPE.gguf          prepared: the same weights in a type that is faster here
HOME/models/NAME/prepared-KEY.json       what preparing measured, for one CPU and version of llama.cpp
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from .. import settings, storage
from ..errors import ModelError
from .registry import ModelInfo, find

if TYPE_CHECKING:
    from .prepare import Prepared

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with what is being done, how far it is and how far it will go; the last two are 0 for news alone."""

_progress: ContextVar[Progress | None] = ContextVar("progress", default=None)

_MAGIC: Final = b"GGUF"
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedModel:
    """A model that is here: `shipped` as it was fetched, `path` the file to load.

    `prepared` says how `path` was chosen; without it the two are the same file.
    """

    info: ModelInfo
    shipped: Path
    path: Path
    prepared: Prepared | None

    @property
    def layout(self) -> str:
        """How prompts are laid out for it: "plain" or "chat"."""
        return self.info.layout

    @property
    def lanes(self) -> int:
        """How many contexts of one thread answer many calls faster than one context of all threads; 1 if none
        do, or nobody has measured."""
        return self.prepared.lanes if self.prepared else 1

    @property
    def context(self) -> int | None:
        """The tokens it was trained for, where the registry knows."""
        return self.info.context


def resolve(name: str, base: Path | None = None) -> ResolvedModel:
    """Find the model called `name`, or the `.gguf` file at that path, relative to `base`; only look at files.

    Raises:
        ModelError: there is no such model, it has not been pulled, or its file is damaged.
    """
    if is_path(name):
        info, shipped = _of_the_user(name, base)
    else:
        info = find(name)
        shipped = shipped_path(info)
    if not shipped.is_file():
        raise ModelError(f"the model `{info.name}` is not here yet", help=f"mpc models pull {info.name}")
    check(shipped, info)
    if not info.source:
        return ResolvedModel(info=info, shipped=shipped, path=shipped, prepared=None)

    from .prepare import prepared  # not at the top: `prepare` needs this module

    found = prepared(shipped, info)
    return ResolvedModel(info=info, shipped=shipped, path=found.path if found else shipped, prepared=found)


def ensure(name: str, base: Path | None = None, progress: Progress | None = None) -> ResolvedModel:
    """As `resolve`, but pull and prepare the model first where that is still to be done.

    What is done is told to `progress`; without one, to what `report_to` named, or to standard error.

    Raises:
        ModelError: as `resolve`; the model can't be fetched; or it is not here and `auto_pull` is off.
    """
    progress = progress or _progress.get() or tell()
    if not is_path(name):
        from .prepare import prepare, prepared
        from .pull import pull

        info = find(name)
        shipped = shipped_path(info)
        if not shipped.exists() and settings.current().auto_pull:
            progress(f"the model {info.name} is not here yet: fetching it once", 0, 0)
            pull(name, progress)
        if shipped.exists():
            check(shipped, info)
            if prepared(shipped, info) is None:
                prepare(shipped, info, progress)
    return resolve(name, base)


def tell() -> Progress:
    """A progress that writes each new thing being done to standard error, as one line."""
    said: set[str] = set()

    def progress(doing: str, done: int, total: int) -> None:
        if doing not in said:
            said.add(doing)
            print(f"microprompt: {doing}", file=sys.stderr, flush=True)

    return progress


@contextmanager
def report_to(progress: Progress) -> Iterator[None]:
    """Let `ensure` tell `progress` what it does inside the block, also where a prompt function calls it."""
    before = _progress.set(progress)
    try:
        yield
    finally:
        _progress.reset(before)


def is_path(name: str) -> bool:
    """Whether `name` is the path of a file and not the name of a registered model."""
    return name.lower().endswith(".gguf")


def folder(info: ModelInfo) -> Path:
    """The folder that holds all that belongs to a registered model."""
    return settings.current().home / "models" / info.name


def shipped_path(info: ModelInfo) -> Path:
    """Where a registered model's file lies once it is pulled."""
    return folder(info) / info.file


def check(path: Path, info: ModelInfo) -> None:
    """Check what can be checked at every load: the size and the first bytes.

    Raises:
        ModelError: the file is damaged, or can't be read.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise ModelError(f"the model file {path} can't be read: {error.strerror}") from error
    if magic != _MAGIC:
        raise damaged(path, info, "it does not begin like a GGUF file")
    if info.size is not None and size != info.size:
        raise damaged(path, info, f"it has {size:,} bytes and should have {info.size:,}")


def check_hash(path: Path, info: ModelInfo, progress: Progress) -> None:
    """Check the whole file against its hash, where the registry knows one.

    Raises:
        ModelError: the file is damaged, or can't be read.
    """
    check(path, info)
    if info.sha256 is None or info.size is None:
        return
    digest = hashlib.sha256()
    done = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            done += len(chunk)
            progress(f"checking {info.name}", done, info.size)
    if digest.hexdigest() != info.sha256:
        raise damaged(path, info, "its sha256 is not the one in the registry")


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

    def wait(process: int | None) -> None:
        who = "another process" if process is None else f"process {process}"
        progress(f"waiting for {who}, which is busy with {info.name}", 0, 0)

    with ExitStack() as stack:
        try:
            place.mkdir(parents=True, exist_ok=True)
            stack.enter_context(storage.locked(place / ".lock", wait=wait))
        except OSError as error:
            raise ModelError(
                f"the folder {place} can't be written to: {error.strerror}",
                help="set MICROPROMPT_HOME to a folder of yours",
            ) from error
        yield place


def _of_the_user(name: str, base: Path | None) -> tuple[ModelInfo, Path]:
    path = ((base or Path.cwd()) / Path(name).expanduser()).resolve()
    if not path.is_file():
        raise ModelError(
            f"there is no model file {path}", help="check the path; it is relative to the program"
        )
    info = ModelInfo(
        name=name,
        source=(),
        file=path.name,
        sha256=None,
        size=None,
        licence="unknown",
        layout="plain",
        context=None,
        description="a file of your own",
    )
    return info, path
