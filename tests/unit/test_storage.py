from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from microprompt import storage


def dead_process() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    storage.replace(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["a.txt"]


def test_what_fails_half_way_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    with pytest.raises(FileNotFoundError), storage.replacing(path):
        pass  # nothing was written
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_a_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a.txt"
    path.touch()
    path.chmod(mode)
    storage.replace(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_private_file_is_ours_alone(tmp_path: Path) -> None:
    storage.replace(tmp_path / "a.txt", b"new", mode=storage.PRIVATE)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o600


def test_only_what_dead_processes_left_is_swept(tmp_path: Path) -> None:
    (tmp_path / f".a.txt.{dead_process()}.tmp").touch()
    (tmp_path / f".a.txt.{os.getppid()}.tmp").touch()
    (tmp_path / f".b.txt.{dead_process()}.tmp").touch()
    kept = {name for name in names(tmp_path) if f".{os.getppid()}." in name or name.startswith(".b.")}
    storage.replace(tmp_path / "a.txt", b"new")
    assert set(names(tmp_path)) == {"a.txt", *kept}


def test_sealed_data_come_back() -> None:
    assert storage.unseal(storage.seal(b"data\n")) == b"data\n"


@pytest.mark.parametrize("place", [0, 10, 75])
def test_a_flipped_bit_breaks_the_seal(place: int) -> None:
    sealed = bytearray(storage.seal(b"some data"))
    sealed[place] ^= 1
    assert storage.unseal(bytes(sealed)) is None


def test_a_torn_file_has_no_seal() -> None:
    assert storage.unseal(storage.seal(b"some data")[:-1]) is None
    assert storage.unseal(b"") is None


def test_many_files_are_swept_at_once(tmp_path: Path) -> None:
    folders = (tmp_path / "one", tmp_path / "two")
    for folder in folders:
        folder.mkdir()
        (folder / f".a.txt.{dead_process()}.tmp").touch()
    storage.sweep(*(folder / "a.txt" for folder in folders))
    assert [names(folder) for folder in folders] == [[], []]


# --------------------------------------------------------------------------------------------- reading


def test_a_regular_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"12345")
    assert storage.read_regular(path, 5) == b"12345"
    with pytest.raises(storage.NotAFileError, match="more than 4 bytes"):
        storage.read_regular(path, 4)


def a_folder(path: Path) -> None:
    path.mkdir()


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def an_endless_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [a_folder, a_pipe, an_endless_device])
def test_what_is_no_regular_file_is_not_read(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "a.txt")
    with pytest.raises(storage.NotAFileError, match="not a regular file"):
        storage.read_regular(tmp_path / "a.txt")


def test_a_file_that_is_not_there_is_an_ordinary_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        storage.read_regular(tmp_path / "a.txt")


# --------------------------------------------------------------------------------------------- locking


HOLDER = """
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from microprompt import storage
with storage.locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        yield child


def test_a_lock_that_is_held_says_by_whom(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with another_holder(path) as holder:
        with pytest.raises(storage.HeldError) as caught, storage.locked(path):
            pass
        assert caught.value.process == holder.pid


def test_a_lock_that_is_held_can_be_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    told: list[int | None] = []
    with another_holder(path) as holder:

        def wait(process: int | None) -> None:
            told.append(process)
            assert holder.stdin is not None
            holder.stdin.close()

        with storage.locked(path, wait=wait):
            assert told == [holder.pid]
            assert path.read_text() == str(os.getpid())


def test_a_lock_falls_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with another_holder(path) as holder:
        holder.kill()
    with storage.locked(path):
        pass


def test_nothing_is_left_of_a_lock(tmp_path: Path) -> None:
    with storage.locked(tmp_path / "lock"):
        assert names(tmp_path) == ["lock"]
    assert names(tmp_path) == []
