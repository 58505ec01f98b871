"""The file of the record: one table in SQLite, in WAL mode, that any number of processes write and read.

A row is written whole or not at all, and a process that is killed takes only what it had not written yet. The
oldest rows go when there are too many, or when they take too much room.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .. import storage
from ..errors import ArgumentError
from ..trace import Called
from .entry import COLUMNS, CallEntry, from_row, to_row

MAX_ROWS: Final = 1_000_000
"""Calls that are kept; the oldest go."""

MAX_BYTES: Final = 1 << 30
"""What they may take in the file; the oldest go."""

_PATIENCE: Final = 1.0  # seconds to wait for another process that writes; no call waits for it
_WAL_BYTES: Final = 16 << 20  # of the log beside the file, once it has been written back
_AT_A_TIME: Final = 100
_FORMAT: Final = 1
_OURS: Final = 0x6D707263  # "mprc": what SQLite says of a file that is a record

_TEXT: Final = "TEXT NOT NULL"
_TYPES: Final = {
    "id": "INTEGER PRIMARY KEY",
    **dict.fromkeys(("time", "ms"), "REAL NOT NULL"),
    **dict.fromkeys(("trace", "span", "called", "module", "function", "source", "arguments_hash"), _TEXT),
    **dict.fromkeys(("abstained", "escalated"), "INTEGER NOT NULL"),
    **dict.fromkeys(("prompt_tokens", "cached_tokens", "decoded_tokens"), "INTEGER"),
    "confidence": "REAL",
}
_COLUMNS: Final = ", ".join(f"{name} {_TYPES.get(name, 'TEXT')}" for name in COLUMNS)
_CREATE: Final = (
    f"CREATE TABLE calls ({_COLUMNS})",
    "CREATE INDEX calls_by_function ON calls (function, id)",
    "CREATE INDEX calls_by_trace ON calls (trace)",
    f"PRAGMA application_id = {_OURS}",
    f"PRAGMA user_version = {_FORMAT}",
)
_INSERT: Final = (
    f"INSERT INTO calls ({', '.join(COLUMNS[1:])}) VALUES ({', '.join('?' * (len(COLUMNS) - 1))})"
)
_SELECT: Final = f"SELECT {', '.join(COLUMNS)} FROM calls"


class RecordError(Exception):
    """The file can't be written or read as a record. The message says why."""


# ---------------------------------------------------------------------------------------------- writing


class CallStore:
    """The file, for one who writes. Every method raises `RecordError`, `sqlite3.Error` and `OSError`."""

    def __init__(self, path: Path, *, max_rows: int = MAX_ROWS, max_bytes: int = MAX_BYTES) -> None:
        self._path = path
        self._max_rows = max_rows
        self._max_bytes = max_bytes
        self._open: sqlite3.Connection | None = None

    def write(self, entries: Sequence[CallEntry]) -> None:
        """Add entries, all or none of them, and let the oldest go."""
        connection = self._connection()
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_INSERT, map(to_row, entries))
            self._prune(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Let go of the file; the next `write` opens it again."""
        connection, self._open = self._open, None
        if connection is not None:
            connection.close()

    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            storage.make_private(self._path.parent)
            # SQLite gives what it puts beside the file the file's own mode.
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, storage.PRIVATE))
            connection = sqlite3.connect(
                self._path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
            )
            try:
                _prepare(connection, self._path)
            except BaseException:
                connection.close()
                raise
            self._open = connection
        return self._open

    def _prune(self, connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM calls WHERE id <= (SELECT max(id) FROM calls) - ?", (self._max_rows,))
        while self._bytes(connection) > self._max_bytes:
            first, last = connection.execute("SELECT min(id), max(id) FROM calls").fetchone()
            if first is None or first == last:
                return
            connection.execute("DELETE FROM calls WHERE id <= ?", (first + (last - first) // 10,))

    def _bytes(self, connection: sqlite3.Connection) -> int:
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make a new file a record. One that something else has made stays as it is."""
    _is_record(connection, path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not _is_record(connection, path):  # of several processes that come at once, one makes it
            for statement in _CREATE:
                connection.execute(statement)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _is_record(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the file is a record; it is none yet if it is empty. Raises `RecordError` for another one."""
    if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        return False
    if connection.execute("PRAGMA application_id").fetchone()[0] != _OURS:
        raise RecordError(f"{path} is a database, but no record of calls")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != _FORMAT:
        raise RecordError(f"{path} is a record of another version of microprompt (format {version})")
    return True


# ---------------------------------------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedCalls:
    """Which calls are wanted: those for which all of it holds that is said.

    `since` is in seconds since 1970. `below` is a confidence that theirs is under. With `errors` they are
    those without an answer, with `answered` the others. `trace` is how the number of theirs begins.
    """

    function: str | None = None
    source: str | None = None
    called: Called | None = None
    since: float | None = None
    below: float | None = None
    errors: bool = False
    answered: bool = False
    trace: str | None = None

    def sql(self) -> tuple[str, list[object]]:
        """The condition, and what fills its places."""
        said: list[tuple[str, object]] = [
            ("function = ?", self.function),
            ("source = ?", self.source),
            ("called = ?", self.called),
            ("time >= ?", self.since),
            ("confidence < ?", self.below),
            ("trace >= ?", self.trace),
            ("trace < ?", self.trace and f"{self.trace}g"),  # behind all that go on with a digit
        ]
        conditions = [condition for condition, value in said if value is not None]
        conditions += ["error IS NOT NULL"] * self.errors + ["error IS NULL"] * self.answered
        return " AND ".join(conditions) or "1", [value for _, value in said if value is not None]


def latest(path: Path, wanted: WantedCalls, limit: int | None = None) -> Iterator[CallEntry]:
    """The calls that are wanted, the newest first, at most `limit`. Raises `ArgumentError`."""
    condition, values = wanted.sql()
    with _reading(path) as connection:
        query = f"{_SELECT} WHERE {condition} ORDER BY id DESC LIMIT ?"
        for row in connection.execute(query, (*values, -1 if limit is None else limit)):
            yield from_row(row)


def distinct(path: Path, wanted: WantedCalls, *, unsure_first: bool = False) -> list[int]:
    """The numbers of the calls that are wanted and whose arguments are known: of equal arguments the newest
    call. The newest of all come first or, with `unsure_first`, the least sure, and those without an answer
    last. Raises `ArgumentError`."""
    condition, values = wanted.sql()
    order = "confidence IS NULL, confidence, last DESC" if unsure_first else "last DESC"
    # Beside a lone max(), SQLite takes other columns from the row that has it.
    query = f"""SELECT max(id) AS last, confidence FROM calls WHERE {condition} AND arguments IS NOT NULL
        GROUP BY function, source, arguments_hash ORDER BY {order}"""
    with _reading(path) as connection:
        return [row[0] for row in connection.execute(query, values)]


def taken(path: Path, ids: Sequence[int]) -> Iterator[CallEntry]:
    """The calls of these numbers, in this order, that are still there. They are read a few at a time, so that
    the file is free meanwhile. Raises `ArgumentError`."""
    for start in range(0, len(ids), _AT_A_TIME):
        some = ids[start : start + _AT_A_TIME]
        with _reading(path) as connection:
            query = f"{_SELECT} WHERE id IN ({', '.join('?' * len(some))})"
            found = {entry.id: entry for entry in map(from_row, connection.execute(query, some))}
        yield from (found[number] for number in some if number in found)


def count(path: Path, wanted: WantedCalls) -> int:
    """How many calls are wanted. Raises `ArgumentError`."""
    condition, values = wanted.sql()
    with _reading(path) as connection:
        return int(connection.execute(f"SELECT count(*) FROM calls WHERE {condition}", values).fetchone()[0])


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """The file, for one who reads, and changes nothing."""
    if not path.is_file():
        raise ArgumentError(
            f"there is no record of calls at {path}", help="the setting `record` turns it on, and names it"
        )
    address = f"{path.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=_PATIENCE)) as found:
            if not _is_record(found, path):
                raise RecordError(f"{path} is empty")
            yield found
    except RecordError as error:
        raise ArgumentError(str(error), help="name the file of the setting `record`") from error
    except (sqlite3.Error, ValueError) as error:
        raise ArgumentError(f"the record {path} can't be read: {error}") from error
