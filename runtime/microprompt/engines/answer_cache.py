"""Answers kept across processes: what a deterministic call gave, by all that it depends on.

One SQLite file, shared by every process that uses the same home. It is a cache: whatever is wrong with it,
the model is asked instead.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from .. import abi, storage
from ..errors import EngineError
from ..scheduling.program import TokenizedProgram
from ..scheduling.slots import Decided

LIMIT: Final = 100_000
"""Answers that are kept; the oldest ones go."""

# SQLite's pages have no checksums, so each row has one. Texts are bytes: of damaged ones it makes no errors.
_CREATE: Final = """CREATE TABLE IF NOT EXISTS kept
    (key BLOB UNIQUE NOT NULL, text BLOB NOT NULL, digest BLOB NOT NULL)"""
_SELECT: Final = "SELECT text, digest FROM kept WHERE key = ?"
_INSERT: Final = "INSERT OR REPLACE INTO kept (key, text, digest) VALUES (?, ?, ?)"
_PRUNE: Final = "DELETE FROM kept WHERE rowid <= (SELECT max(rowid) FROM kept) - ?"
_PRUNE_EVERY: Final = 1000
_PATIENCE: Final = 0.2  # seconds to wait for another process; the model takes no longer

_DAMAGE: Final = frozenset(
    (
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
    )
)
"""What SQLite says of a damaged file. The last three blame the statements, which are always the same."""

_TROUBLES: Final = (sqlite3.Error, OSError, UnicodeError)  # the last, for a message that quotes damaged text

NO_PART_OF_THE_KEY: Final = frozenset({"model", "timeout", "decide", "abstain", "escalate", "retries"})
"""The settings of a prompt that can't change what an engine answers. What stands for the weights stands for
the model; the last four are for who asks the engine (`deciding`)."""


class AnswerStore(storage.OpenFile):
    """Texts by keys in an SQLite file in WAL mode. Safe from any thread and process; nothing here raises."""

    def __init__(self, path: Path, limit: int = LIMIT) -> None:
        super().__init__()
        self._path = path
        self._limit = limit
        self._open: sqlite3.Connection | None = None
        self._written = 0

    def get(self, key: bytes) -> str | None:
        """The text that was kept, if it is still there and still the same."""
        with self.using:
            try:
                return self._find(key)
            except _TROUBLES as error:
                self._give_up(error)
                return None

    def put(self, key: bytes, text: str) -> None:
        """Keep a text."""
        with self.using:
            try:
                data = text.encode()
                self._connection().execute(_INSERT, (key, data, _digest(key, data)))
                if self._find(key) is None:
                    raise sqlite3.DatabaseError("the index of the answers does not lead to what was written")
                if self._written % _PRUNE_EVERY == 0:
                    self._connection().execute(_PRUNE, (self._limit,))
                self._written += 1
            except _TROUBLES as error:
                self._give_up(error)

    def _find(self, key: bytes) -> str | None:
        found = self._connection().execute(_SELECT, (key,)).fetchone()
        if found is None:
            return None
        text, digest = found
        whole = isinstance(text, bytes) and digest == _digest(key, text)
        return text.decode() if whole else None

    def close(self) -> None:
        with self.using:
            self.release()

    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            storage.make_private(self._path.parent)
            # SQLite gives what it puts beside the file the file's own mode.
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, storage.PRIVATE))
            self._path.chmod(storage.PRIVATE)
            self._open = sqlite3.connect(
                self._path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
            )
            self._open.execute("PRAGMA journal_mode = WAL")
            self._open.execute("PRAGMA synchronous = NORMAL")
            self._open.execute(_CREATE)
        return self._open

    def _give_up(self, error: Exception) -> None:
        """Forget the connection, and a file that is damaged. One that is only busy or full stays."""
        self.release()
        # The low byte is the kind of trouble, the rest says more of it. Without one, it is ours or Python's.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        if code in _DAMAGE and not isinstance(error, OSError):
            for suffix in ("", "-wal", "-shm"):
                with suppress(OSError):
                    self._path.with_name(self._path.name + suffix).unlink()

    def release(self) -> None:
        """Let go of the file until it is used again."""
        if self._open is not None:
            with suppress(sqlite3.Error):
                self._open.close()
            self._open = None


def _digest(key: bytes, text: bytes) -> bytes:
    return hashlib.sha256(key + text).digest()


def key_of(bound: TokenizedProgram, tokens: Sequence[int], model: str) -> bytes:
    """What stands for a call: the prompt's tokens, the plan, the settings, and `model`, which stands for the
    weights and the engine's version."""
    parts = [model, bound.prefix, list(tokens), bound.answer.key(), _settings(bound.program.using)]
    return hashlib.sha256(json.dumps(parts).encode()).digest()


def _settings(using: abi.Using) -> dict[str, str]:
    """All that can change an answer: a setting that is added is among them unless it is said not to be."""
    names = [field.name for field in dataclasses.fields(using) if field.name not in NO_PART_OF_THE_KEY]
    return {name: repr(getattr(using, name)) for name in names}


def to_text(bound: TokenizedProgram, parts: Decided, *, near_tie: bool) -> str:
    """What was decided in the leaves, as JSON text."""
    fields = {leaf.name: leaf.keep(parts[leaf.name]) for leaf in bound.answer.leaves() if leaf.name in parts}
    return json.dumps({"near_tie": near_tie, "fields": fields})


def from_text(bound: TokenizedProgram, text: str) -> tuple[Decided, bool] | None:
    """The parts and `near_tie` of `to_text`; `None` if the text is not one of its."""
    leaves = {leaf.name: leaf for leaf in bound.answer.leaves()}
    try:
        kept = json.loads(text)
        parts = {name: leaves[name].recall(field) for name, field in kept["fields"].items()}
        bound.value(parts)
        return parts, bool(kept["near_tie"])
    except (ValueError, LookupError, TypeError, AttributeError, EngineError):
        return None
