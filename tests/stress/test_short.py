"""The search for faults, for a few seconds and always with the same inputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from .__main__ import run


@pytest.mark.parametrize(
    ("area", "tries"), [("generator", 25), ("mutator", 80), ("faults", 1), ("calls", 15)]
)
def test_a_short_search_finds_nothing(area: str, tries: int, tmp_path: Path) -> None:
    found = run(area, 1, tmp_path / "program", known=set(), tries=tries)
    assert not found, "\n\n".join(f"{finding.kind}\n{finding.detail}\n{finding.files}" for finding in found)
