"""Files: read only if they can be, written whole or not at all, held against other processes, not kept open
where the process forks.

Standard library only; the compiler reads its sources and writes its modules with it too. While a file is
written it is called `.NAME.PID.tmp`, beside the one that it becomes, so that the last step is a rename and
what a killed process leaves behind can be told from what another one is just writing.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

MAX_TEXT: Final = 16_000_000
"""How many bytes a text that people write, such as a program or its settings, may have."""

PRIVATE: Final = 0o600
"""The mode of caches: answers and prompts are nobody else's business."""

_SEAL: Final = b"sha256:"
_SEAL_LENGTH: Final = len(_SEAL) + 64 + 1
_LEFTOVER: Final = re.compile(r"\.(.+)\.(\d+)\.tmp", re.DOTALL)


class NotAFileError(OSError):
    """What is at the path is not read: a folder, a pipe, a device, or a file that is too large."""


def read_regular(path: Path, limit: int = MAX_TEXT) -> bytes:
    """The bytes of a regular file of at most `limit` bytes. Never waits, and never reads on and on.

    Raises `NotAFileError` for anything else, and `OSError` when the file is not there or may not be read.
    """
    # Opened first and looked at then, so that it is the same file; without waiting, for a pipe's other end
    # may never come.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotAFileError(errno.EINVAL, "it is not a regular file", str(path))
        data = bytearray()
        while len(data) <= limit and (more := os.read(descriptor, min(limit + 1 - len(data), 1 << 20))):
            data += more
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise NotAFileError(errno.EFBIG, f"it has more than {limit:,} bytes", str(path))
    return bytes(data)


def make_private(folder: Path) -> None:
    """Make a folder, and those above it, for its owner alone. What is there already keeps its mode.

    Raises `OSError`.
    """
    if not folder.is_dir():
        make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def replace(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Give a file new contents in one step: a reader sees the old ones or the new ones, never a part.

    `mode` is that of the new file; without it, a file keeps the mode that it has. Raises `OSError`.
    """
    with replacing(path, mode=mode) as half:
        half.write_bytes(data)


@contextmanager
def replacing(path: Path, *, mode: int | None = None) -> Iterator[Path]:
    """The place to write what becomes `path` when the block ends well; on an error nothing is left of it.

    The data are on the disk before the name is: after a power cut the file is the old one or the new one.
    """
    sweep(path)
    half = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield half
        if mode is None and path.exists():
            mode = stat.S_IMODE(path.stat().st_mode)
        if mode is not None:
            half.chmod(mode)
        with half.open("rb+") as file:
            os.fsync(file.fileno())
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


def sweep(*paths: Path) -> None:
    """Delete what processes that are gone have left of writing `paths`."""
    for folder in {path.parent for path in paths}:
        names = {path.name for path in paths if path.parent == folder}
        with suppress(OSError):
            for found in folder.iterdir():
                match = _LEFTOVER.fullmatch(found.name)
                if match is not None and match[1] in names and not _is_alive(int(match[2])):
                    found.unlink(missing_ok=True)


def seal(data: bytes) -> bytes:
    """Data with a checksum in front, for `unseal`."""
    return _SEAL + hashlib.sha256(data).hexdigest().encode() + b"\n" + data


def unseal(sealed: bytes) -> bytes | None:
    """What was sealed; `None` if a bit of it has changed since."""
    data = sealed[_SEAL_LENGTH:]
    return data if seal(data) == sealed else None


class HeldError(Exception):
    """Another process holds the lock; `process` is its number, `None` where that can't be told."""

    def __init__(self, path: Path, process: int | None) -> None:
        holder = "another process" if process is None else f"process {process}"
        super().__init__(f"{path} is held by {holder}")
        self.process = process


@contextmanager
def locked(path: Path, *, wait: Callable[[int | None], None] | None = None) -> Iterator[None]:
    """Hold the lock file `path` against every other holder until the block, or this process, ends.

    Where another process holds it, `wait` is told which, and then it is waited for; without `wait`, that
    raises `HeldError`. Raises `OSError` when the file can't be made.
    """
    file = _hold(path, wait)
    try:
        file.truncate(0)
        file.write(str(os.getpid()).encode())
        file.flush()
        yield
    finally:
        # Deleted while it is still held: who gets hold of it afterwards sees that it is gone.
        with suppress(OSError):
            path.unlink()
        file.close()


def _hold(path: Path, wait: Callable[[int | None], None] | None) -> BinaryIO:
    while True:
        file = path.open("a+b")
        try:
            if not _take(file.fileno(), wait=False):
                holder = _holder(file)
                if wait is None:
                    raise HeldError(path, holder)
                wait(holder)
                _take(file.fileno(), wait=True)
            if _is_there(file, path):
                return file
        except BaseException:
            file.close()
            raise
        file.close()


def _holder(file: BinaryIO) -> int | None:
    try:
        file.seek(0)
        return int(file.read(20))
    except (OSError, ValueError):  # it has not written its number yet
        return None


def _is_there(file: BinaryIO, path: Path) -> bool:
    """Whether the open file is still the one at `path`, and not one that its last holder has deleted."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt
    import time

    # What is locked there can't be read by others, so it is a byte far behind the holder's number.
    _LOCKED_BYTE: Final = 1 << 30

    def _take(descriptor: int, *, wait: bool) -> bool:
        while True:
            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            except OSError:
                if not wait:
                    return False
                time.sleep(0.2)
            else:
                return True

else:
    import fcntl

    def _take(descriptor: int, *, wait: bool) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True


def _is_alive(process: int) -> bool:
    if os.name == "nt":
        return True  # there, asking with signal 0 would end it
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


# ---------------------------------------------------------------------------------------------- forks


class OpenFile:
    """A file that is kept open while it is used often, but not where this process forks.

    A child that has a file of SQLite open with its parent would believe that it holds the parent's locks. So
    it is closed before, and each side opens it again when it uses it.
    """

    def __init__(self) -> None:
        self.using = threading.Lock()
        """Held while the file is used."""
        _open_files.add(self)

    def release(self) -> None:
        """Let go of the file until it is used again; for who holds `using`."""
        raise NotImplementedError


_open_files: weakref.WeakSet[OpenFile] = weakref.WeakSet()
_forking = threading.Lock()
_released: list[OpenFile] = []


def _before_fork() -> None:
    _forking.acquire()  # two threads that fork at a time would take what the other has
    for file in list(_open_files):
        file.using.acquire()
        _released.append(file)
        file.release()


def _after_fork() -> None:
    """On either side: the thread that forked is in both, and holds them all."""
    for file in _released:
        file.using.release()
    _released.clear()
    _forking.release()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no forks
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
