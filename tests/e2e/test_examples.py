"""What the project ships is up to date, and runs."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from mpc import project, render

ROOT = Path(__file__).resolve().parents[2]


def test_the_generated_modules_beside_their_sources_are_up_to_date() -> None:
    report = project.build([ROOT / "stdlib", ROOT / "examples"], check=True)

    assert report.ok, render.as_text(report.diagnostics) + str(report.files)
    assert len(report.files) >= 3


@pytest.mark.model
def test_the_intake_example_sorts_its_messages(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = ROOT / "examples" / "intake"
    monkeypatch.syspath_prepend(str(folder))

    runpy.run_path(str(folder / "main.py"), run_name="__main__")

    shown = capsys.readouterr().out
    assert shown.count(" product ") == 3
    assert "laptop" in shown


@pytest.mark.model
def test_the_six_decisions_of_the_demo_are_right(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "examples" / "decisions" / "main.py"), run_name="__main__")

    shown = capsys.readouterr().out
    answers = re.findall(r"^    (\w+), \d+% sure, \d+ ms$", shown, flags=re.M)
    assert answers == ["command", "fresh", "complex", "transient", "not_enough", "refine"]
