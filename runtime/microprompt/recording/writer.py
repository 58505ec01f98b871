"""Writes entries to the record behind the callers' backs.

A call hands its entry over and goes on; a thread writes many of them in one transaction, at least four times
a second. What is wrong with the file is said once, and costs no call more than its entry: who asks a model is
to notice nothing of a full disk.
"""

from __future__ import annotations

import atexit
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from ..storage import OpenFile
from .entry import CallEntry
from .keys import Keys
from .store import CallStore, RecordError

Finishing: TypeAlias = Callable[[Keys], CallEntry]
"""What makes an entry of what a call handed over: what takes time is left to the thread that writes."""

_MOST_WAITING: Final = 20_000
"""Entries that may wait to be written; those that come while there are so many are lost."""

_BATCH: Final = 500  # entries after which the thread does not wait for more
_INTERVAL: Final = 0.25  # seconds that an entry waits for others
_IDLE: Final = 10.0  # seconds without entries after which the file is closed
_STUBBORN: Final = 5.0  # seconds for which a file that others hold is tried
_MOST_SAID: Final = 20  # different troubles
_AT_EXIT: Final = 10.0  # seconds that the end of the process waits

_log = logging.getLogger("microprompt.recording")


class RecordWriter(OpenFile):
    """Writes one record. Safe from any thread; nothing here raises."""

    def __init__(self, store: CallStore, path: Path) -> None:
        super().__init__()
        self._store = store
        self._path = path
        self._changed = threading.Condition()
        self._waiting: list[Finishing] = []
        self._handed_over = 0
        self._done = 0
        self._is_hurried = False
        self._thread: threading.Thread | None = None
        self._keys = Keys()
        self._said: set[str] = set()

    def put(self, finishing: Finishing) -> None:
        """Hand an entry over."""
        with self._changed:
            if len(self._waiting) >= _MOST_WAITING:
                self._say(f"calls come faster than {self._path} is written, and some are not recorded")
                return
            self._waiting.append(finishing)
            self._handed_over += 1
            if self._thread is None:
                self._start()
            elif len(self._waiting) in (1, _BATCH):
                self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        """Wait until all is written that was handed over, at most `timeout` seconds; whether it is."""
        end = time.monotonic() + timeout
        with self._changed:
            wanted = self._handed_over
            while self._done < wanted and self._thread is not None:
                self._is_hurried = True
                self._changed.notify_all()
                left = end - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            return self._done >= wanted

    def release(self) -> None:
        """Let go of the file until there is more to write; for who holds `using`."""
        try:
            self._store.close()
        except sqlite3.Error as error:
            self._say(f"{self._path} can't be closed: {error}")

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="microprompt-record", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # too many threads, or the process ends
            self._done += len(self._waiting)
            self._waiting.clear()
            self._say(f"calls are not recorded: {error}")
        else:
            self._thread = thread

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._waiting and not self._changed.wait_for(lambda: self._waiting, _IDLE):
                    self._thread = None
                    break
                end = time.monotonic() + _INTERVAL
                while len(self._waiting) < _BATCH and not self._is_hurried:
                    left = end - time.monotonic()
                    if left <= 0:
                        break
                    self._changed.wait(left)
                batch, self._waiting = self._waiting, []
                self._is_hurried = False
            self._write(batch)
            with self._changed:
                self._done += len(batch)
                self._changed.notify_all()
        # Nobody calls any more. Another thread may have begun meanwhile, which opens the file again.
        with self.using:
            self.release()

    def _write(self, batch: list[Finishing]) -> None:
        entries = [entry for finishing in batch if (entry := self._finished(finishing)) is not None]
        end = time.monotonic() + _STUBBORN
        while entries:
            try:
                with self.using:
                    self._store.write(entries)
            except sqlite3.OperationalError as error:
                is_held = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
                if is_held and time.monotonic() < end:
                    time.sleep(0.05)
                    continue
                self._give_up(error)
            except Exception as error:  # whatever it is, the thread goes on
                self._give_up(error)
            return

    def _finished(self, finishing: Finishing) -> CallEntry | None:
        try:
            return finishing(self._keys)
        except Exception as error:  # of the user's classes, for one; what it says may quote arguments
            self._say(f"some calls can't be recorded: {type(error).__name__}")
            return None

    def _give_up(self, error: Exception) -> None:
        with self.using:
            self.release()
        why = error.strerror or error if isinstance(error, OSError) else error
        where = "" if isinstance(error, RecordError) else f" in {self._path}"
        self._say(f"calls are not recorded{where}: {why}")

    def _say(self, message: str) -> None:
        """Say what is wrong, each thing once."""
        if message not in self._said and len(self._said) < _MOST_SAID:
            self._said.add(message)
            _log.warning("%s", message)


_writers: dict[Path, RecordWriter] = {}
_lock = threading.Lock()


def writer_of(path: Path) -> RecordWriter:
    """What writes the record at `path` in this process."""
    found = _writers.get(path)
    if found is None:
        with _lock:
            found = _writers.get(path)
            if found is None:
                found = _writers[path] = RecordWriter(CallStore(path), path)
    return found


def flush(timeout: float = _AT_EXIT) -> bool:
    """Wait until all calls that have ended are in the record, at most `timeout` seconds; whether they are.

    The end of the process does that too, but not what kills it.
    """
    end = time.monotonic() + timeout
    written = [writer.flush(max(0.0, end - time.monotonic())) for writer in list(_writers.values())]
    return all(written)


@atexit.register
def _end() -> None:
    """Write what waits, and leave nothing beside the file."""
    flush()
    for writer in list(_writers.values()):
        if writer.using.acquire(timeout=1.0):
            writer.release()
            writer.using.release()


def _after_fork() -> None:
    """In a child process: the threads did not come along, and what waits there is the parent's to write."""
    global _lock
    _lock = threading.Lock()
    _writers.clear()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no forks
    os.register_at_fork(after_in_child=_after_fork)
