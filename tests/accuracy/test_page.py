"""The page of results says what was measured."""

from __future__ import annotations

import json

from .page import FOLDER, page


def test_the_page_is_made_of_the_figures_beside_it() -> None:
    results = json.loads((FOLDER / "accuracy.json").read_text(encoding="utf-8"))
    written = (FOLDER / "accuracy.md").read_text(encoding="utf-8")
    assert "\n".join(page(results)) + "\n" == written
