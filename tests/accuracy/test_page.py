"""The page of results is the one that the measured figures make, and README says the same."""

from __future__ import annotations

import json
import re
from typing import Any

from .page import FOLDER, page
from .tasks import DECISIONS, ROOT

RESULTS: dict[str, Any] = json.loads((FOLDER / "accuracy.json").read_text(encoding="utf-8"))
ESCALATED: dict[str, Any] = json.loads((FOLDER / "escalation.json").read_text(encoding="utf-8"))
PAGE = (FOLDER / "accuracy.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_page_is_made_from_the_figures() -> None:
    assert "\n".join(page(RESULTS, ESCALATED)) + "\n" == PAGE


def test_rows_of_tables_are_as_wide_as_their_heads() -> None:
    tables = re.findall(r"(?:^\|.*\n)+", PAGE, flags=re.MULTILINE)
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1, table


def test_links_of_the_page_lead_somewhere() -> None:
    heads = {_anchor(line) for line in PAGE.splitlines() if line.startswith("#")}
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        assert target[1:] in heads if target.startswith("#") else (FOLDER / target).exists(), target


def test_readme_says_what_is_shipped_as_the_page_does() -> None:
    said = dict(re.findall(r"^\| `(std\.[a-z.]+)` \| .*? \| (\.\d+ .*?) \|$", README, flags=re.MULTILINE))
    assert said == {task.title: _shipped(task.name) for task in DECISIONS}


def test_the_library_points_to_the_page() -> None:
    for source in {task.source for task in DECISIONS}:
        assert str((FOLDER / "accuracy.md").relative_to(ROOT)) in source.read_text(encoding="utf-8")


def _anchor(head: str) -> str:
    return re.sub(r"[^\w -]", "", head.lstrip("# ")).lower().replace(" ", "-")


def _shipped(name: str) -> str:
    """The cells of README: accuracy with its interval, and the calibration error."""
    (task,) = (task for task in RESULTS["tasks"] if task["name"] == name)
    (way,) = (way for way in task["ways"] if way["name"] == "shipped")
    figures = (way["accuracy"], *way["interval"], way["ece"])
    accuracy, low, high, ece = (f"{each:.3f}".lstrip("0") for each in figures)
    return f"{accuracy} [{low}, {high}] | {ece}"
