"""What was found out about large files, kept in HOME/facts for as long as they stay as they are.

To hash a model's file takes a second, to try it in a process of its own several, so neither is done at every
load. A file is taken for unchanged while its inode, its size and its time of change are the same: whatever
writes to a file, or puts another in its place, changes one of them, and a new name changes none. What they
don't show is a disk that forgets; for that, `mpc doctor` reads the files again.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from .. import settings, storage

_here: dict[Path, object] = {}
"""What this process has found out; all that it has where the home can't be written to."""


def recall(kind: str, path: Path, *depends: str) -> object | None:
    """What `remember` was told of this file, if the file, and all else that it `depends` on, is the same."""
    try:
        place = _place(kind, path, depends)
        if place in _here:
            return _here[place]
        data = storage.unseal(storage.read_regular(place))
        return None if data is None else json.loads(data)
    except (OSError, ValueError):  # nothing was remembered, or it is damaged: find out again
        return None


def remember(kind: str, path: Path, fact: object, *depends: str) -> None:
    """Keep a fact, which is JSON data. Without room on the disk it will be found out again."""
    with suppress(OSError):
        place = _place(kind, path, depends)
        _here[place] = fact
        storage.make_private(place.parent)
        storage.replace(place, storage.seal(json.dumps(fact).encode()), mode=storage.PRIVATE)


def _place(kind: str, path: Path, depends: tuple[str, ...]) -> Path:
    file = path.stat()
    parts = (kind, *map(str, (file.st_ino, file.st_size, file.st_mtime_ns)), *depends)
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
    return settings.current().home / "facts" / f"{kind}-{key}"
