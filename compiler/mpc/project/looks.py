"""What a build asks of the file system, noted: another one that is given the same answers comes to the same.

All of the room asks here, so nothing that a module depends on can be forgotten.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeAlias

from microprompt.storage import read_regular

Looks: TypeAlias = dict[str, dict[str, str]]
"""The answers by question and path."""

_noted: Final[ContextVar[Looks | None]] = ContextVar("_noted", default=None)
_drafts: Final[ContextVar[Mapping[str, bytes] | None]] = ContextVar("_drafts", default=None)


def is_file(path: Path) -> bool:
    return _ask("is a file", path) == str(True)


def is_there(path: Path) -> bool:
    """Whether there is anything, be it a link that leads nowhere."""
    return _ask("is there", path) == str(True)


def real(path: Path) -> Path:
    """The absolute path without links. One of a circle of links stays as it is."""
    return Path(_ask("is really", path))


def size(path: Path) -> int:
    """The bytes of a file. Raises `OSError`."""
    return int(_ask("has bytes", path))


def read(path: Path) -> bytes:
    """As `storage.read_regular`; of a file with a draft, that."""
    data = _contents(path)
    _note("holds", path, _hash(data))
    return data


@contextmanager
def drafted(drafts: Mapping[Path, str]) -> Iterator[None]:
    """Let files, by their absolute paths, hold other texts in the block, such as those in an editor."""
    before = _drafts.set({os.path.realpath(path): text.encode() for path, text in drafts.items()})
    try:
        yield
    finally:
        _drafts.reset(before)


@contextmanager
def noting(looks: Looks) -> Iterator[None]:
    """Add to `looks` what is asked in the block."""
    before = _noted.set(looks)
    try:
        yield
    finally:
        _noted.reset(before)


def joined(several: Iterable[Looks]) -> Looks:
    """All of them as one."""
    found: Looks = {}
    for looks in several:
        for question, answers in looks.items():
            found.setdefault(question, {}).update(answers)
    return found


def answer(question: str, path: str) -> str:
    """What the file system says now. Raises `OSError`."""
    return _QUESTIONS[question](path)


def are_the_same(looks: Mapping[str, Mapping[str, str]], ask: Callable[[str, str], str] = answer) -> bool:
    """Whether the file system gives the same answers still. `ask` is `answer`, or keeps what that says."""
    try:
        return all(
            ask(question, path) == before
            for question, answers in looks.items()
            for path, before in answers.items()
        )
    except OSError:
        return False


_QUESTIONS: Final[Mapping[str, Callable[[str], str]]] = {
    "is a file": lambda path: str(os.path.isfile(path)),
    "is there": lambda path: str(os.path.lexists(path)),
    "is really": os.path.realpath,
    "has bytes": lambda path: str(os.path.getsize(path)),
    "holds": lambda path: _hash(_contents(Path(path))),
}


def _ask(question: str, path: Path) -> str:
    found = answer(question, str(path))
    _note(question, path, found)
    return found


def _contents(path: Path) -> bytes:
    drafts = _drafts.get()
    found = drafts.get(os.path.realpath(path)) if drafts else None
    return read_regular(path) if found is None else found


def _note(question: str, path: Path, answer: str) -> None:
    looks = _noted.get()
    if looks is not None:
        looks.setdefault(question, {})[str(path)] = answer


def _hash(data: bytes) -> str:
    return sha256(data).hexdigest()
