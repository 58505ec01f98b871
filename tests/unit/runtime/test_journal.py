"""A file of lines for rows: what goes on, what is cut off, and what is refused."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from microprompt import storage
from microprompt.errors import JournalError
from microprompt.journal import journal

ROWS = [b"a", b"b", b"c", b"d"]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "out.jsonl"


def write(
    out: Path, rows: list[bytes] = ROWS, *, upto: int = 4, fail: tuple[int, ...] = (), maker: str = "me"
) -> int:
    """Write lines up to a row, and tell from which row on."""
    with journal(out, maker, rows) as kept:
        begun = kept.done
        for index in range(kept.done, upto):
            kept.append({"error": "no"} if index in fail else {"row": rows[index].decode()})
    return begun


def lines(out: Path) -> list[object]:
    return [json.loads(line) for line in out.read_text().splitlines()]


@pytest.mark.parametrize("stop", range(5))
def test_a_run_goes_on_where_the_last_one_stopped(out: Path, stop: int) -> None:
    write(out, upto=stop)
    assert write(out) == stop
    assert lines(out) == [{"row": row.decode()} for row in ROWS]


@pytest.mark.parametrize("torn", [b"{", b'{"row": "c"}', b"\0" * 5000, b"\xff\xfe"])
def test_a_torn_last_line_is_cut_off(out: Path, torn: bytes) -> None:
    write(out, upto=2)
    with out.open("ab") as file:
        file.write(torn)
    assert write(out) == 2
    assert lines(out) == [{"row": row.decode()} for row in ROWS]


def test_failed_rows_are_told_and_corrected_in_their_places(out: Path) -> None:
    write(out, fail=(1, 3))
    with journal(out, "me", [b"a", b"B", b"c", b"d"]) as kept:
        assert (kept.done, kept.failed) == (4, (1, 3))
        kept.correct({1: {"row": "B"}})
    assert lines(out) == [{"row": "a"}, {"row": "B"}, {"row": "c"}, {"error": "no"}]


@pytest.mark.parametrize("rows", [[b"A", b"b", b"c", b"d"], [b"a"], [b"b", b"a", b"c", b"d"]])
def test_other_rows_are_refused(out: Path, rows: list[bytes]) -> None:
    write(out, upto=2)
    with pytest.raises(JournalError, match="other rows"):
        write(out, rows)


def test_rows_that_have_no_line_yet_may_change(out: Path) -> None:
    write(out, upto=2)
    assert write(out, [b"a", b"b", b"C"], upto=3) == 2


def test_another_maker_is_refused(out: Path) -> None:
    write(out)
    with pytest.raises(JournalError, match="another program"):
        write(out, maker="you")


def note(out: Path) -> Path:
    return out.with_name(".out.jsonl.mpc")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"\xff" * 100,
        storage.seal(b"[1]"),
        storage.seal(b'{"maker": 1}'),
        storage.seal(b"nonsense"),
    ],
)
def test_a_damaged_or_foreign_note_is_named(out: Path, data: bytes) -> None:
    write(out)
    before = out.read_bytes()
    note(out).write_bytes(data)
    with pytest.raises(JournalError, match=r"its note \.out\.jsonl\.mpc is damaged"):
        write(out)
    assert out.read_bytes() == before


def test_a_flipped_bit_in_the_note_is_seen(out: Path) -> None:
    write(out)
    data = bytearray(note(out).read_bytes())
    data[-5] ^= 1
    note(out).write_bytes(data)
    with pytest.raises(JournalError, match="damaged"):
        write(out)


def test_an_output_without_a_note_is_somebody_elses(out: Path) -> None:
    write(out)
    note(out).unlink()
    with pytest.raises(JournalError, match="not begun"):
        write(out)


@pytest.mark.parametrize("line", [b"\n", b"precious\n", b"[1]\n", b"\xff\n"])
def test_a_damaged_line_in_the_middle_is_named(out: Path, line: bytes) -> None:
    write(out, upto=3)
    found = out.read_bytes().splitlines(keepends=True)
    out.write_bytes(b"".join([found[0], line, found[2]]))
    with pytest.raises(JournalError, match="line 2"):
        write(out)


def test_lines_that_no_run_has_written_are_refused(out: Path) -> None:
    write(out)
    with out.open("ab") as file:
        file.write(b"{}\n")
    with pytest.raises(JournalError, match="no run has written"):
        write(out, [*ROWS, b"e"])


def test_two_runs_never_write_one_file(out: Path) -> None:
    with journal(out, "me", ROWS), pytest.raises(storage.HeldError), journal(out, "me", ROWS):
        pass


def test_after_a_run_there_are_the_file_and_its_note(out: Path) -> None:
    write(out)
    assert sorted(path.name for path in out.parent.iterdir()) == [".out.jsonl.mpc", "out.jsonl"]


def test_text_that_utf8_lacks_is_escaped(out: Path) -> None:
    with journal(out, "me", ROWS) as kept:
        kept.append({"id": "\ud800\u00e9"})
    assert json.loads(out.read_bytes()) == {"id": "\ud800\u00e9"}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no full disk here")
def test_a_full_disk_names_the_file(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with journal(out, "me", ROWS) as kept:
        monkeypatch.setattr(kept, "_out", Path("/dev/full"))
        with pytest.raises(OSError, match="/dev/full") as caught:
            kept.append({})
        assert caught.value.errno == errno.ENOSPC
        assert kept.done == 0
