from __future__ import annotations

import os
import stat
import subprocess
import sys
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
