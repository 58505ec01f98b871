"""Answers for the scripted engine: to any question of the System One API, by what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from microprompt.engines.scripted import Script


def listed(question: str) -> dict[str, str]:
    """The numbers of a question's list, each with the option behind it."""
    return dict(re.findall(r"^(\d+)\. (.*)$", question, flags=re.MULTILINE))


def preferring(weigh: Callable[[str, str], float]) -> Script:
    """Choices and scores as `weigh` has them, which is given a number and what stands behind it; nouls that
    are rather true."""

    def choose(state: str, question: str) -> dict[str, float]:
        return {number: weigh(number, option) for number, option in listed(question).items()}

    answers: dict[str, Any] = {"noul": {True: 0.75, False: 0.25}, "choice": choose, "score": choose}
    return answers


BY_LENGTH: Script = preferring(lambda number, option: 1 + len(option))
"""Options that are longer are more probable, wherever they stand."""
