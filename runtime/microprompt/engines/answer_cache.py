"""Answers kept across processes: what a deterministic call gave, by all that it depends on.

One SQLite file, shared by every process that uses the same home. It is a cache: whatever is wrong with it,
the model is asked instead.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from ..errors import EngineError
from ..scheduling.program import TokenizedProgram
from ..scheduling.slots import Decided

LIMIT: Final = 100_000
"""Answers that are kept; the oldest ones go."""

_CREATE: Final = "CREATE TABLE IF NOT EXISTS answers (key BLOB UNIQUE NOT NULL, text TEXT NOT NULL)"
_SELECT: Final = "SELECT text FROM answers WHERE key = ?"
_INSERT: Final = "INSERT OR REPLACE INTO answers (key, text) VALUES (?, ?)"
_PRUNE: Final = "DELETE FROM answers WHERE rowid <= (SELECT max(rowid) FROM answers) - ?"
_PRUNE_EVERY: Final = 1000
_PATIENCE: Final = 0.2  # seconds to wait for another process; the model takes no longer


class AnswerStore:
    """Texts by keys in an SQLite file in WAL mode. Safe from any thread and process; nothing here raises."""

    def __init__(self, path: Path, limit: int = LIMIT) -> None:
        self._path = path
        self._limit = limit
        self._lock = threading.Lock()
        self._open: sqlite3.Connection | None = None
        self._written = 0

    def get(self, key: bytes) -> str | None:
        """The text that was kept, if it is still there."""
        with self._lock:
            try:
                found = self._connection().execute(_SELECT, (key,)).fetchone()
                return None if found is None else str(found[0])
            except (sqlite3.Error, OSError) as error:
                self._give_up(error)
                return None

    def put(self, key: bytes, text: str) -> None:
        """Keep a text."""
        with self._lock:
            try:
                connection = self._connection()
                connection.execute(_INSERT, (key, text))
                if self._written % _PRUNE_EVERY == 0:
                    connection.execute(_PRUNE, (self._limit,))
                self._written += 1
            except (sqlite3.Error, OSError) as error:
                self._give_up(error)

    def close(self) -> None:
        with self._lock:
            self._disconnect()

    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._open = sqlite3.connect(
                self._path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
            )
            self._open.execute("PRAGMA journal_mode = WAL")
            self._open.execute("PRAGMA synchronous = NORMAL")
            self._open.execute(_CREATE)
        return self._open

    def _give_up(self, error: sqlite3.Error | OSError) -> None:
        """Forget the connection, and a file that is damaged. One that is only busy or full stays."""
        self._disconnect()
        if type(error) is sqlite3.DatabaseError:  # its subclasses are for other troubles
            for suffix in ("", "-wal", "-shm"):
                with suppress(OSError):
                    self._path.with_name(self._path.name + suffix).unlink()

    def _disconnect(self) -> None:
        if self._open is not None:
            with suppress(sqlite3.Error):
                self._open.close()
            self._open = None


def key_of(bound: TokenizedProgram, tokens: Sequence[int], model: str) -> bytes:
    """What stands for a call: the prompt's tokens, the plan, the settings, and `model`, which stands for the
    weights and the engine's version."""
    using = bound.program.using
    settings = [using.temperature, using.seed, using.max_tokens, using.independent]
    parts = [model, bound.prefix, list(tokens), bound.answer.key(), settings]
    return hashlib.sha256(json.dumps(parts).encode()).digest()


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
