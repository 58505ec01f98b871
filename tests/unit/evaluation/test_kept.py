"""The last evaluation of a function is found again."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from microprompt import settings
from microprompt.evaluation import kept


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MICROPROMPT_HOME", str(tmp_path / "home"))
    (tmp_path / "a.mp").write_text("# a program")
    return tmp_path / "a.mp"


def test_the_last_one_of_each_function_is_kept_with_the_source_that_it_was_made_of(source: Path) -> None:
    assert kept.last(source, "f") is None
    kept.keep(source, "f", {"n": 1})
    kept.keep(source, "g", {"n": 2})
    kept.keep(source, "f", {"n": 3})
    found = kept.last(source, "f")
    assert found is not None
    assert (found.report, found.source) == ({"n": 3}, sha256(source.read_bytes()).hexdigest())


def test_the_oldest_go_first(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_MOST", 2)
    for name in ("f", "g", "h"):
        kept.keep(source, name, {})
    folder = settings.current().home / "evaluations"
    assert len(list(folder.iterdir())) == 2


def test_what_is_damaged_is_none(source: Path) -> None:
    kept.keep(source, "f", {"n": 1})
    (path,) = (settings.current().home / "evaluations").iterdir()
    path.write_bytes(path.read_bytes()[:-3])
    assert kept.last(source, "f") is None


def test_what_cannot_be_written_is_no_reason_to_fail(source: Path, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("in the way")
    kept.keep(source, "f", {"n": 1})
    assert kept.last(source, "f") is None
