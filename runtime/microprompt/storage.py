"""Files that we write: whole or not at all, and taken back only if they are what was written.

Standard library only; the compiler writes its modules with it too. While a file is written it is called
`.NAME.PID.tmp`, beside the one that it becomes, so that the last step is a rename and what a killed process
leaves behind can be told from what another one is just writing.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

PRIVATE: Final = 0o600
"""The mode of caches: answers and prompts are nobody else's business."""

_SEAL: Final = b"sha256:"
_SEAL_LENGTH: Final = len(_SEAL) + 64 + 1


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


def sweep(path: Path) -> None:
    """Delete what processes that are gone have left of writing `path`."""
    leftover = re.compile(re.escape(f".{path.name}.") + r"(\d+)\.tmp")
    with suppress(OSError):
        for found in path.parent.iterdir():
            match = leftover.fullmatch(found.name)
            if match is not None and not _is_alive(int(match[1])):
                found.unlink(missing_ok=True)


def seal(data: bytes) -> bytes:
    """Data with a checksum in front, for `unseal`."""
    return _SEAL + hashlib.sha256(data).hexdigest().encode() + b"\n" + data


def unseal(sealed: bytes) -> bytes | None:
    """What was sealed; `None` if a bit of it has changed since."""
    data = sealed[_SEAL_LENGTH:]
    return data if seal(data) == sealed else None


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
