"""Nothing is learnt from another test, nor kept where a user's heads are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from microprompt import settings
from microprompt.deciding import evidence


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Iterator[Path]:
    """A cache folder of the test's own."""
    evidence.forget()
    settings.configure(home=tmp_path / "home")
    yield tmp_path / "home"
    settings.reset()
