"""The files that the studio was started for: their texts, what the compiler says of them, their modules."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Final

from microprompt import storage

from .. import project
from ..diagnostics import Diagnostic, ToolError
from ..flows import FlowOutline

_BOM: Final = "\ufeff"


class UnknownFileError(Exception):
    """There is no such file among those that the studio was started for."""


class ChangedOnDiskError(Exception):
    """The file is not the one that was edited any more; `now` is what it holds."""

    def __init__(self, now: Text) -> None:
        super().__init__("the file has changed on disk since it was opened")
        self.now = now


@dataclass(frozen=True, slots=True)
class Text:
    """What a file holds, with `\\n` line ends; `version` stands for its bytes."""

    text: str
    version: str


@dataclass(frozen=True, slots=True)
class _Loaded:
    module: ModuleType
    watched: project.Watched


class Workspace:
    """Safe from several threads. Files are called as messages call them, relative to the current folder.

    `drafts` are texts of files, by these names, that have not been saved.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)
        self._known: Mapping[str, Path] = {}
        self._loaded: dict[Path, _Loaded] = {}
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._searched: set[Path] = set()

    def close(self) -> None:
        """Let functions of Python no longer be found."""
        self._stack.close()

    def files(self) -> Mapping[str, Path]:
        """The files by their names, in the order of their paths; those that lead out of what was named are
        left out.

        Raises `ToolError` for a path that is gone.
        """
        found = {project.shown(path): path for path in project.collect(self._paths)}
        self._known = {file: path for file, path in found.items() if self._is_inside(path)}
        return self._known

    def path(self, file: str) -> Path:
        """Where a file is. Raises `UnknownFileError`."""
        # Folders are gone through only for what was not there the last time.
        found = self._known.get(file) or self.files().get(file)
        if found is None or not self._is_inside(found):
            raise UnknownFileError(file)
        return found

    def _is_inside(self, path: Path) -> bool:
        """Whether a file really lies in what was named."""
        real = Path(os.path.realpath(path))
        return any(real.is_relative_to(os.path.realpath(root)) for root in self._paths)

    # -------------------------------------------------------------------------------------------- texts

    def read(self, file: str) -> Text:
        """What a file holds. Raises `UnknownFileError`, and `ToolError` if that is no text."""
        return _read(self.path(file), file)

    def save(self, file: str, text: str, version: str) -> str:
        """Write a file that holds what `version` stands for still, and return its new version.

        Raises `ChangedOnDiskError` and `UnknownFileError`.
        """
        path = Path(os.path.realpath(self.path(file)))
        with self._lock:
            now = _read(path, file)
            if now.version != version:
                raise ChangedOnDiskError(now)
            data = text.encode()
            storage.replace(path, data)
        return _version(data)

    def check(self, file: str, drafts: Mapping[str, str]) -> tuple[Diagnostic, ...]:
        """What the compiler says of a file and of those that it imports."""
        path = self.path(file)
        with self._drafted(drafts):
            return project.check([path])

    # ------------------------------------------------------------------------------------------ modules

    def load(self, file: str, drafts: Mapping[str, str]) -> ModuleType:
        """The module of a file; the same one as long as nothing that it depends on has changed.

        Raises `project.CompileError`, `ToolError` and `UnknownFileError`.
        """
        path = self.path(file)
        with self._lock, self._drafted(drafts):
            found = self._loaded.get(path)
            if found is None or found.watched.has_changed():
                if path.parent not in self._searched:
                    # Until the end: functions of Python may import what they need at their first call.
                    self._stack.enter_context(project.python_path(path))
                    self._searched.add(path.parent)
                watched = project.watch([path])
                found = self._loaded[path] = _Loaded(project.load(path), watched)
            return found.module

    def outline(self, file: str, flow: str, drafts: Mapping[str, str]) -> FlowOutline | None:
        """A flow before it runs; `None` where there is none of this name. Raises as `load`."""
        path = self.path(file)
        with self._drafted(drafts):
            return project.flow_outline(path, flow)

    @contextmanager
    def _drafted(self, drafts: Mapping[str, str]) -> Iterator[None]:
        with project.drafted({self.path(file): text for file, text in drafts.items()}):
            yield


def _read(path: Path, file: str) -> Text:
    try:
        data = storage.read_regular(path)
        text = data.decode()
    except OSError as error:
        message = f"{file} can't be read: {error.strerror or error}"
        raise ToolError(message, help="check its permissions") from error
    except UnicodeDecodeError as error:
        raise ToolError(f"{file} is not text in UTF-8", help="save it as UTF-8") from error
    text = text.removeprefix(_BOM).replace("\r\n", "\n").replace("\r", "\n")
    return Text(text, _version(data))


def _version(data: bytes) -> str:
    return sha256(data).hexdigest()
