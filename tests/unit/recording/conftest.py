"""A record of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import microprompt
from microprompt import settings
from microprompt.recording import writer


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file that calls are recorded in."""
    monkeypatch.setattr(writer, "_IDLE", 0.2)  # nothing is open when the folder goes
    path = tmp_path / "record" / "calls.sqlite"
    microprompt.configure(record=path)
    yield path
    microprompt.flush()
    settings.reset()
