"""A file with a line of JSON for each row of another, which an interrupted run goes on with.

OUT             the lines, in the order of the rows
.OUT.mpc        the note: who makes the lines, and a hash of every row, under a checksum
.OUT.mpc.lock   there while a run writes, so that two never do

The note says what the lines are made from, and is written once, before the first of them. How far a run came
is told by the lines themselves: each is appended whole, and a torn last one, such as a full disk leaves, is
cut off.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from . import storage
from .errors import JournalError

ERROR: Final = "error"
"""The key of a line that says why its row has no answer. Such a row is asked again by the next run."""

_HASH_LENGTH: Final = 16
_NO_LIMIT: Final = 1 << 62


class Journal:
    """The lines so far: `done` rows have one, and `failed` are the numbers of those without an answer."""

    def __init__(self, out: Path, lines: Sequence[bytes], failed: Sequence[int]) -> None:
        self._out = out
        self.done = len(lines)
        self.failed = tuple(failed)

    def append(self, line: Mapping[str, object]) -> None:
        """Add the line of the next row."""
        with self._naming_the_file(), self._out.open("ab", buffering=0) as file:
            left = memoryview(_encoded(line))
            while left:
                left = left[file.write(left) :]
        self.done += 1

    def correct(self, corrections: Mapping[int, Mapping[str, object]]) -> None:
        """Put other lines in place of those of some rows."""
        if not corrections:
            return
        lines = self._out.read_bytes().split(b"\n")
        for row, line in corrections.items():
            lines[row] = _encoded(line).removesuffix(b"\n")
        with self._naming_the_file():
            storage.replace(self._out, b"\n".join(lines))

    @contextmanager
    def _naming_the_file(self) -> Iterator[None]:
        """Let an error of writing, such as a full disk, say which file it was."""
        try:
            yield
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._out)) from error


@contextmanager
def journal(out: Path, maker: str, rows: Sequence[bytes]) -> Iterator[Journal]:
    """Begin the file `out`, or go on with it, for `rows`; `maker` is all else that the lines depend on.

    Rows that were answered have to be the same as before. There may be more, and those that failed may have
    been corrected.

    Raises:
        JournalError: `out` was made by another maker or from other rows, by hand, or is damaged.
        storage.HeldError: another run is writing it.
    """
    if os.path.lexists(out) and not os.path.isfile(out):
        raise JournalError(f"{out} is not a regular file", help="name another file with --out")
    out.parent.mkdir(parents=True, exist_ok=True)
    hashes = [hashlib.sha256(row).hexdigest()[:_HASH_LENGTH] for row in rows]
    with storage.locked(out.with_name(f".{out.name}.mpc.lock")):
        begun = _begun(out, maker, hashes)
        storage.replace(_note_of(out), _Note(maker, hashes).sealed())
        yield begun
        with out.open("rb") as file:
            os.fsync(file.fileno())


# ------------------------------------------------------------------------------------- what is there


def _begun(out: Path, maker: str, hashes: Sequence[str]) -> Journal:
    data = storage.read_regular(out, _NO_LIMIT) if out.exists() else b""
    if not data:
        out.touch()
        return Journal(out, [], [])
    note = _read_note(out)
    if note.maker != maker:
        raise _refusal(out, "was made by another program, model or version")
    *whole, torn = data.split(b"\n")
    if len(whole) > len(note.rows):
        raise _refusal(out, "has lines that no run has written")
    failed = [index for index, line in enumerate(whole) if _is_error(out, index, line)]
    answered = set(range(len(whole))) - set(failed)
    if len(whole) > len(hashes) or any(note.rows[index] != hashes[index] for index in answered):
        raise _refusal(out, "was made from other rows")
    if torn:
        os.truncate(out, len(data) - len(torn))
    return Journal(out, whole, failed)


def _is_error(out: Path, index: int, line: bytes) -> bool:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _refusal(out, f"is damaged: line {index + 1} is not what a run has written")
    return ERROR in found


def _encoded(line: Mapping[str, object]) -> bytes:
    # Half of a surrogate pair, which a row's id may hold, becomes the escape that JSON has for it.
    return f"{json.dumps(line, ensure_ascii=False)}\n".encode("utf-8", errors="backslashreplace")


# ------------------------------------------------------------------------------------------- the note


@dataclass(frozen=True, slots=True)
class _Note:
    maker: str
    rows: Sequence[str]

    def sealed(self) -> bytes:
        return storage.seal(json.dumps({"maker": self.maker, "rows": self.rows}).encode())


def _note_of(out: Path) -> Path:
    return out.with_name(f".{out.name}.mpc")


def _read_note(out: Path) -> _Note:
    path = _note_of(out)
    try:
        data = storage.unseal(storage.read_regular(path, _NO_LIMIT))
    except FileNotFoundError:
        raise _refusal(out, "was not begun by this command") from None
    except OSError as error:
        raise _refusal(out, f"its note {path} can't be read: {error.strerror}") from error
    try:
        note = json.loads(data or b"")
        return _Note(str(note["maker"]), [str(row) for row in note["rows"]])
    except (ValueError, KeyError, TypeError):
        raise _refusal(out, f"its note {path.name} is damaged, or another version's") from None


def _refusal(out: Path, why: str) -> JournalError:
    return JournalError(
        f"{out} is there already and {why}", help="delete it, or name another file with --out"
    )
