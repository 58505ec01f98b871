"""Heads from the source alone, kept in HOME/heads: what was fitted once is not fitted again.

A file holds the heads of one prompt on one model, under a checksum. It is a cache: whatever is wrong with a
file, the heads are fitted again.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Final

from .. import settings, storage
from ..abi import MAX_TENSORS
from ..errors import TuningError
from ..heads import tuning
from ..heads.tuning import Entry

LIMIT: Final = 500
"""Files that are kept; those that were written first go."""

_SUFFIX: Final = ".heads"
_FUNCTION: Final = "kept"


def find(key: str) -> Entry | None:
    """What was kept under a key, if it is still there and still the same."""
    path = _path(key)
    try:
        data = storage.unseal(storage.read_regular(path, MAX_TENSORS))
        if data is None:
            return None
        ((entry,),) = tuning.unpack(path, data).values()
    except (OSError, TuningError, ValueError):
        return None
    return entry


def keep(key: str, entry: Entry) -> None:
    """Keep an entry. Where there is no room for it, nothing is kept."""
    path = _path(key)
    with suppress(OSError):
        storage.make_private(path.parent)
        storage.replace(path, storage.seal(tuning.pack({_FUNCTION: (entry,)})), mode=storage.PRIVATE)
        _prune(path.parent)


def key_of(*parts: str) -> str:
    """The key for all that heads depend on."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", errors="surrogatepass")).hexdigest()


def _path(key: str) -> Path:
    return settings.current().home / "heads" / f"{key}{_SUFFIX}"


def _prune(folder: Path) -> None:
    files = sorted(folder.glob(f"*{_SUFFIX}"), key=lambda file: file.stat().st_mtime_ns)
    for file in files[: max(0, len(files) - LIMIT)]:
        file.unlink(missing_ok=True)
