"""The curve of an escalation, and the section that shows it."""

from __future__ import annotations

import numpy as np
import pytest

from microprompt.deciding.escalation import added

from .escalation import curve, lines

LABELS = np.array([0, 0, 1, 1])
FIRST = np.log(np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.55, 0.45]]))
SECOND = np.log(np.array([[0.2, 0.8], [0.8, 0.2], [0.2, 0.8], [0.2, 0.8]]))


def test_the_least_sure_rows_go_on_first() -> None:
    points = curve(FIRST, SECOND, LABELS, (0.0, 0.25, 0.5, 1.0))
    assert [point["accuracy"] for point in points] == [0.5, 0.75, 1.0, 0.75]


def test_what_both_say_is_right_where_the_surer_one_is() -> None:
    (point,) = curve(FIRST, added(FIRST, SECOND), LABELS, (1.0,))
    assert point["accuracy"] == 1.0


def test_the_section_has_a_row_for_each_pair() -> None:
    points = curve(FIRST, added(FIRST, SECOND), LABELS, (0.0, 0.3, 1.0))
    found = {
        "name": "taskclass",
        "model": "large",
        "n": 4,
        "alone": {"tuned": points[0]},
        "curves": [
            {"first": "shipped", "second": "tuned", "answered_by": "both, added up", "points": points}
        ],
    }
    *_, header, rule, row = lines(found)
    assert header.count("|") == rule.count("|") == row.count("|")
    assert "| shipped | tuned | both, added up | 0.500 | 0.750 [" in row
    assert points[0]["interval"] == pytest.approx([0.15, 0.85], abs=0.01)
