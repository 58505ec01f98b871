"""The file of the record: bounded, shared by processes, whole after a kill, and never another's."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from microprompt.errors import ArgumentError
from microprompt.recording.entry import CallEntry, hash_of
from microprompt.recording.store import CallStore, RecordError, WantedCalls, count, distinct, latest, taken


def entry(
    text: str = "Hm.",
    *,
    time: float = 0.0,
    function: str = "ask",
    confidence: float | None = 0.5,
    error: str | None = None,
    trace: str = "t",
    keeps: bool = True,
) -> CallEntry:
    return CallEntry(
        time=time,
        trace=trace,
        span="s",
        parent=None,
        called="prompt",
        module="m",
        function=function,
        source="ask.mp",
        key="k",
        arguments={"text": text} if keeps else None,
        arguments_hash=hash_of({"text": text}),
        answer=None if error else {"value": text},
        confidence=confidence,
        model="tiny",
        answered_by="labels",
        ms=1.5,
        prompt_tokens=3,
        cached_tokens=2,
        decoded_tokens=1,
        abstained=True,
        escalated=False,
        error=error,
        message=error and "it broke",
    )


def texts(entries: Sequence[CallEntry]) -> list[str]:
    return [str((each.arguments or {})["text"]) for each in entries]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "calls.sqlite"


def write(path: Path, entries: Sequence[CallEntry], **bounds: int) -> None:
    store = CallStore(path, **bounds)
    store.write(entries)
    store.close()


def test_what_is_written_is_read(path: Path) -> None:
    written = [entry("a"), entry("b", error="ModelError", confidence=None), entry("c", keeps=False)]
    write(path, written)
    found = [*latest(path, WantedCalls())]
    assert [each.id for each in found] == [3, 2, 1]
    names = [name for name in CallEntry.__slots__ if name != "id"]
    for before, after in zip(written[::-1], found, strict=True):
        assert [getattr(before, name) for name in names] == [getattr(after, name) for name in names]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (WantedCalls(), "edcba"),
        (WantedCalls(function="other"), "d"),
        (WantedCalls(source="ask.mp", called="prompt"), "edcba"),
        (WantedCalls(source="elsewhere.mp"), ""),
        (WantedCalls(since=2.0), "edc"),
        (WantedCalls(below=0.5), "ba"),
        (WantedCalls(errors=True), "e"),
        (WantedCalls(answered=True), "dcba"),
        (WantedCalls(trace="u"), "c"),
        (WantedCalls(since=1.0, below=0.5), "b"),
    ],
    ids=str,
)
def test_calls_are_found_by_what_is_wanted(path: Path, wanted: WantedCalls, found: str) -> None:
    write(
        path,
        [
            entry("a", time=0.0, confidence=0.1),
            entry("b", time=1.0, confidence=0.2),
            entry("c", time=2.0, confidence=0.6, trace="u"),
            entry("d", time=3.0, confidence=0.7, function="other"),
            entry("e", time=4.0, confidence=None, error="ModelError"),
        ],
    )
    assert texts([*latest(path, wanted)]) == [*found]
    assert count(path, wanted) == len(found)
    assert texts([*latest(path, wanted, 1)]) == [*found[:1]]


def test_of_equal_arguments_the_newest_call_counts(path: Path) -> None:
    write(path, [entry("a", confidence=0.9), entry("b", confidence=0.3), entry("a", confidence=0.2)])
    write(path, [entry("c", confidence=None, error="ModelError"), entry("d", keeps=False)])
    assert distinct(path, WantedCalls()) == [4, 3, 2]
    assert distinct(path, WantedCalls(), unsure_first=True) == [3, 2, 4]
    assert texts([*taken(path, [2, 99, 3])]) == ["b", "a"]


def test_the_oldest_rows_go_when_there_are_too_many(path: Path) -> None:
    for start in range(0, 50, 5):
        write(path, [entry(str(number)) for number in range(start, start + 5)], max_rows=12)
    assert texts([*latest(path, WantedCalls())]) == [str(number) for number in range(49, 37, -1)]


def test_the_oldest_rows_go_when_they_take_too_much(path: Path) -> None:
    most = 400_000
    for number in range(100):
        write(path, [entry(f"{number} {'x' * 20_000}")], max_bytes=most)
    assert path.stat().st_size < 2 * most
    kept = [int(text.split()[0]) for text in texts([*latest(path, WantedCalls())])]
    assert 4 <= len(kept) <= 20
    assert kept == [*range(99, 99 - len(kept), -1)]


def test_a_row_that_is_too_large_alone_is_kept_until_the_next(path: Path) -> None:
    write(path, [entry("a"), entry("x" * 500_000)], max_bytes=100_000)
    assert len(texts([*latest(path, WantedCalls())])) == 1
    write(path, [entry("b")], max_bytes=100_000)
    assert texts([*latest(path, WantedCalls())]) == ["b"]


def test_a_database_of_another_kind_stays_as_it_is(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE precious (x)")
    before = path.read_bytes()
    with pytest.raises(RecordError, match="is a database, but no record of calls"):
        write(path, [entry()])
    assert path.read_bytes() == before
    with pytest.raises(ArgumentError, match="no record of calls"):
        count(path, WantedCalls())


def test_a_file_that_is_no_database_stays_as_it_is(path: Path) -> None:
    path.write_text("precious\n" * 500)
    with pytest.raises(sqlite3.DatabaseError):
        write(path, [entry()])
    assert path.read_text() == "precious\n" * 500
    with pytest.raises(ArgumentError, match="can't be read: file is not a database"):
        count(path, WantedCalls())


def test_a_record_of_another_version_is_refused(path: Path) -> None:
    write(path, [entry()])
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version = 99")
    with pytest.raises(RecordError, match="format 99"):
        write(path, [entry()])


def test_where_there_is_no_record_that_is_said(path: Path) -> None:
    with pytest.raises(ArgumentError, match="there is no record of calls at"):
        count(path, WantedCalls())


# ------------------------------------------------------------------------------------------ processes

CALLER = """
import sys, time
import microprompt
from microprompt.recording import writer
from microprompt.testing import scripted
from mpstd.request import Act, classify

name, calls = sys.argv[2], int(sys.argv[3])
microprompt.configure(record=sys.argv[1])
with scripted({"classify": {Act.question: 0.7, Act.command: 0.3}}):
    for number in range(calls):
        classify(f"{name} {number}")
        if number == 20:
            microprompt.flush()
            print("flushed", flush=True)
"""


def test_many_processes_write_at_a_time(path: Path) -> None:
    command = [sys.executable, "-c", CALLER, str(path)]
    callers = [subprocess.Popen([*command, str(n), "25"], stdout=subprocess.DEVNULL) for n in range(5)]
    assert [caller.wait(300) for caller in callers] == [0] * 5
    assert not path.with_name(f"{path.name}-wal").exists()
    found = texts([*latest(path, WantedCalls())])
    assert sorted(found) == sorted(f"{n} {number}" for n in range(5) for number in range(25))


def test_a_kill_costs_no_more_than_what_was_not_written(path: Path) -> None:
    command = [sys.executable, "-c", CALLER, str(path), "k", "1000000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as caller:
        assert caller.stdout is not None
        caller.stdout.readline()
        time.sleep(0.3)
        caller.kill()
    found = texts([*latest(path, WantedCalls())])
    assert len(found) >= 21
    assert found[::-1] == [f"k {number}" for number in range(len(found))]
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    write(path, [entry("after")])
    assert count(path, WantedCalls()) == len(found) + 1
