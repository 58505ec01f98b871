"""The report: one file that loads nothing, runs nothing and shows every text as text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from microprompt.evaluation.report import report
from microprompt.evaluation.rows import LabelledRows
from microprompt.evaluation.run import Evaluation, compare, run
from microprompt.evaluation.variants import Variant
from microprompt.testing import scripted

from .programs import Act, Ticket, classify, triage

HOSTILE = '<script>alert("x")</script><img src=http://example.org/x.png> & $\\alpha$ \u65e5'


def evaluation() -> Evaluation:
    """Two variants; in a mistake and a warning stands what no page should run."""
    rows = LabelledRows(
        source="<rows>.jsonl",
        lines=(1, 2),
        arguments=({"text": HOSTILE}, {"text": "Go."}),
        warnings=(f"a warning: {HOSTILE}",),
        labels=(Act.question, Act.command),
    )
    with scripted({"classify": {Act.command: 0.75, Act.question: 0.25}}):
        variants = [Variant(name=name, function=classify) for name in ("one<b>", "two")]
        return compare("classify", rows, tuple(run(each, rows, lambda more: None) for each in variants))


@pytest.fixture(scope="module")
def page() -> str:
    return report(evaluation())


class Tags(HTMLParser):
    """Counts tags, and keeps every value of an attribute that could make a browser load something."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag not in ("meta", "html"):
            self.open.append(tag)
        self.loaded += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "data")]

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("meta", "html"):
            assert self.open.pop() == tag


def test_tags_are_closed_and_nothing_is_loaded_or_run(page: str) -> None:
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert tags.seen.isdisjoint({"script", "img", "link", "iframe", "object", "b"})
    assert all(each.startswith("#") for each in tags.loaded)
    assert "url(http" not in page
    assert "@import" not in page


def test_texts_are_escaped(page: str) -> None:
    assert "&lt;script&gt;alert(&quot;x&quot;)" in page
    assert "\u65e5" in page


def test_the_figures_are_there(page: str) -> None:
    assert "1 of 2 right, accuracy 0.500 [0.095, 0.905]" in page
    assert "a warning: " in page
    assert "one&lt;b&gt;" in page
    assert "+0 -0, p = 1" in page
    assert page.count("<svg") == 4


def test_a_page_has_both_schemes_and_the_charts_take_its_colour(page: str) -> None:
    assert "color-scheme: light dark" in page
    assert "prefers-color-scheme: dark" in page
    assert "currentColor" in page
    assert "#010203" not in page


def test_the_same_evaluation_gives_the_same_bytes() -> None:
    found = evaluation()
    assert report(found) == report(found)


def test_a_record_has_a_part_for_every_field() -> None:
    ticket = Ticket(act=Act.question, urgency=3, note="a")
    rows = LabelledRows(
        source="rows.jsonl", lines=(1,), arguments=({"text": "x"},), warnings=(), labels=(ticket,)
    )
    with scripted({"triage": ticket}):
        found = compare("triage", rows, (run(Variant(name="it", function=triage), rows, lambda more: None),))
    headings = re.findall("<h3>(.*?)</h3>", report(found))
    assert headings == ["act: Act", headings[1], "urgency: int(1..5)", headings[1], "note: str"]
