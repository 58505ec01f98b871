"""The page of results says what was measured."""

from __future__ import annotations

import json
import re
from pathlib import Path

from .page import page

DOCS = Path(__file__).parents[2] / "runtime" / "docs"


def test_the_page_is_made_of_the_figures_beside_it() -> None:
    results = json.loads((DOCS / "performance.json").read_text(encoding="utf-8"))
    written = (DOCS / "performance.md").read_text(encoding="utf-8")
    assert "\n".join(page(results)) + "\n" == written


def test_plots_that_the_page_shows_are_there() -> None:
    written = (DOCS / "performance.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[[^]]*\]\(([^)]+)\)", written)
    assert shown
    assert all((DOCS / name).is_file() for name in shown)
