"""From a model's name to what can be loaded: look for it, or fetch and prepare it first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from .. import cpu, settings
from ..errors import ModelError
from ..llamacpp.weights import Weights
from ..locations import is_path, located
from .files import Progress, check, check_hash, is_here, recorded, sha256, shipped_path, tell
from .header import kind_of
from .prepared import Prepared, is_whole, read_record
from .registry import ModelInfo, ModelKind, find, require

_progress: ContextVar[Progress | None] = ContextVar("progress", default=None)


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
    def kind(self) -> ModelKind:
        """Whether it is a language model or an embedder."""
        assert self.info.kind is not None  # it is read from a file's header at the latest when that is here
        return self.info.kind

    @property
    def layout(self) -> str:
        """How prompts are laid out for it: "plain" or "chat"."""
        return self.info.layout

    @property
    def lanes(self) -> int:
        """How many contexts of one thread answer many calls faster than one context of all threads; 1 if none
        do, or nobody has measured."""
        return self.prepared.lanes if self.prepared else 1

    def load(self) -> Weights:
        """Load it, after a process of its own has shown, once for each file and machine, that this is safe,
        and a language model was timed.

        Raises:
            ModelError: it isn't, or llama.cpp refuses the file.
        """
        # Not at the top: who only looks for a model starts no process.
        from .attuned import attuned
        from .trial import tried

        progress = _progress_now()
        file = tried(self.path, progress, self.kind)
        return (attuned(file, progress) if self.kind == "language" else file).load()


def resolve(name: str, base: Path | None = None, *, kind: ModelKind | None = None) -> ResolvedModel:
    """Find the model called `name`, or the file at that path, relative to `base`; only look at files.

    Raises:
        ModelError: there is no such model, it is not of this `kind`, it has not been pulled, or its file is
            damaged.
        ArgumentError: the path leads nowhere.
    """
    if is_path(name):
        own = _of_the_user(name, base)
        require(own.info, kind)
        return own
    info = recorded(find(name))
    require(info, kind)
    shipped = shipped_path(info)
    if not is_here(info):
        raise ModelError(f"the model `{info.name}` is not here yet", help=f"mpc models pull {info.name}")
    check(shipped, info)
    found = read_record(shipped, info)
    if found is not None and not is_whole(found, _say_nothing):
        found = None
    return ResolvedModel(info=info, shipped=shipped, path=found.path if found else shipped, prepared=found)


def ensure(
    name: str,
    base: Path | None = None,
    progress: Progress | None = None,
    *,
    kind: ModelKind | None = None,
) -> ResolvedModel:
    """As `resolve`, but pull and prepare the model first where that is still to be done, or to be done again.

    An embedder is used as it was fetched.

    What is done is told to `progress`; without one, to what `report_to` named, or to standard error.

    Raises:
        ModelError: as `resolve`; the model can't be fetched; or it is not here and `auto_pull` is off.
        ArgumentError: as `resolve`.
    """
    progress = progress or _progress_now()
    if not is_path(name):
        info = recorded(find(name))
        require(info, kind)
        _fetch(info, progress)
        info = recorded(info)
        if is_here(info):
            check_hash(shipped_path(info), info, progress, reread=False)
            if info.kind == "language":
                _prepare(shipped_path(info), info, progress)
    return resolve(name, base, kind=kind)


def check_thoroughly(found: ResolvedModel, progress: Progress) -> None:
    """Read the model's files again, and compare them with what was fetched and what was written.

    Raises:
        ModelError: one is damaged, or can't be read.
    """
    check_hash(found.shipped, found.info, progress)
    record = read_record(found.shipped, found.info)
    if record is None or record.path == found.shipped:
        return
    doing = f"checking {record.path.name}"
    if not record.path.is_file() or sha256(record.path, doing, progress, reread=True) != record.sha256:
        raise ModelError(
            f"the prepared file {record.path} is damaged: its sha256 is not the one that it was written with",
            help=f"mpc models prepare {found.info.name}",
        )


@contextmanager
def report_to(progress: Progress) -> Iterator[None]:
    """Let `ensure` tell `progress` what it does inside the block, also where a prompt function calls it."""
    before = _progress.set(progress)
    try:
        yield
    finally:
        _progress.reset(before)


def _progress_now() -> Progress:
    return _progress.get() or tell()


def _fetch(info: ModelInfo, progress: Progress) -> None:
    """Pull the model if it is not here, or not whole."""
    if not settings.current().auto_pull:
        return
    try:
        if is_here(info):
            check_hash(shipped_path(info), info, progress, reread=False)
            return
        progress(f"the model {info.name} is not here yet: fetching it once", 0, 0)
    except ModelError as error:
        progress(f"{error.message}: fetching it again", 0, 0)
    from .pull import pull  # not at the top: most processes have nothing to fetch

    pull(info.name, progress)


def _prepare(shipped: Path, info: ModelInfo, progress: Progress) -> None:
    """Prepare the model if that has not been done, or on a busy machine, or if the file is damaged now."""
    found = read_record(shipped, info)
    whole = found is not None and is_whole(found, progress)
    if found is not None and whole and not (found.is_provisional and cpu.is_quiet()):
        return
    from .prepare import prepare, restore  # not at the top: most processes have nothing to prepare

    if found is not None and not whole:
        progress(f"the prepared file {found.path.name} is damaged or gone", 0, 0)
        restore(shipped, info, found, progress)
        return
    if found is not None:
        progress(f"measuring {info.name} again: the machine was busy the last time", 0, 0)
    prepare(shipped, info, progress, stale=found)


def _of_the_user(name: str, base: Path | None) -> ResolvedModel:
    path = located(name, base)
    if not path.is_file():
        raise ModelError(
            f"there is no model file {path}", help="check the path; it is relative to the program"
        )
    info = ModelInfo(
        name=name,
        kind=kind_of(path),
        source=(),
        file=path.name,
        sha256=None,
        size=None,
        licence="unknown",
        layout="plain",
        context=None,
        description="a file of your own",
    )
    check(path, info)
    return ResolvedModel(info=info, shipped=path, path=path, prepared=None)


def _say_nothing(doing: str, done: int, total: int) -> None:
    pass
