"""What writes the record: behind the callers' backs, whatever is wrong with the file."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

import microprompt
from microprompt.recording import store, writer
from microprompt.recording.entry import CallEntry
from microprompt.recording.store import CallStore, WantedCalls, count
from microprompt.testing import scripted

from .asked import SCRIPT, Act, classify, recorded


def test_threads_write_one_record(record: Path) -> None:
    def call(name: int) -> None:
        for number in range(25):
            classify(f"{name} {number}")

    with scripted(SCRIPT):
        threads = [threading.Thread(target=call, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = [str((each.arguments or {})["text"]) for each in recorded(record)]
    assert sorted(found) == sorted(f"{name} {number}" for name in range(8) for number in range(25))


def test_an_idle_writer_lets_go_of_the_file_and_goes_on_later(record: Path) -> None:
    with scripted(SCRIPT):
        classify("a")
        recorded(record)
        for thread in threading.enumerate():
            if thread.name == "microprompt-record":
                thread.join(10)
                assert not thread.is_alive()
        assert not record.with_name(f"{record.name}-wal").exists()
        classify("b")
    assert len(recorded(record)) == 2


def test_a_file_that_others_hold_fails_and_slows_no_call(
    record: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(writer, "_STUBBORN", 0.1)
    monkeypatch.setattr(store, "_PATIENCE", 0.1)
    with scripted(SCRIPT):
        classify("a")
        recorded(record)
        with closing(sqlite3.connect(record, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for text in "bcd":
                assert classify(text) is Act.question
                assert microprompt.flush()
            other.execute("ROLLBACK")
        classify("e")
    assert [each.arguments for each in recorded(record)] == [{"text": "a"}, {"text": "e"}]
    assert [each.message for each in caplog.records] == [
        f"calls are not recorded in {record}: database is locked"
    ]


def test_a_file_that_is_held_for_a_while_is_waited_for(record: Path) -> None:
    with scripted(SCRIPT):
        classify("a")
        recorded(record)
        with closing(sqlite3.connect(record, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            classify("b")
            assert not microprompt.flush(0.3)
            other.execute("ROLLBACK")
    assert len(recorded(record)) == 2


def test_a_full_disk_is_said_once(
    record: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(self: CallStore, entries: Sequence[CallEntry]) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with scripted(SCRIPT):
        with monkeypatch.context() as patch:
            patch.setattr(CallStore, "write", full)
            for text in "abc":
                classify(text)
                assert microprompt.flush()
        classify("d")
    assert [each.arguments for each in recorded(record)] == [{"text": "d"}]
    assert [each.message for each in caplog.records] == [
        f"calls are not recorded in {record}: database or disk is full"
    ]


def test_a_place_where_no_file_can_be_fails_no_call(
    tmp_path: Path, record: Path, caplog: pytest.LogCaptureFixture
) -> None:
    microprompt.configure(record=tmp_path)
    with scripted(SCRIPT):
        assert classify("a") is Act.question
    assert microprompt.flush()
    assert [each.message for each in caplog.records] == [
        f"calls are not recorded in {tmp_path}: Is a directory"
    ]


def test_calls_that_come_faster_than_they_are_written_are_lost_not_kept_waiting(
    record: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(writer, "_MOST_WAITING", 5)
    monkeypatch.setattr(writer, "_INTERVAL", 60.0)
    with scripted(SCRIPT):
        for number in range(9):
            classify(str(number))
    assert len(recorded(record)) == 5
    assert [each.message for each in caplog.records] == [
        f"calls come faster than {record} is written, and some are not recorded"
    ]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no forks")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_both_sides_of_a_fork_record(record: Path) -> None:
    with scripted(SCRIPT):
        classify("a")
        recorded(record)
        classify("b")  # may be waiting yet: it is the parent's
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with scripted(SCRIPT):
                classify("c")
            status = 0 if microprompt.flush(60) else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with scripted(SCRIPT):
        classify("d")
    found = [str((each.arguments or {})["text"]) for each in recorded(record)]
    assert sorted(found) == ["a", "b", "c", "d"]
    assert count(record, WantedCalls()) == 4
