"""Answers for the scripted engine: to any question of the System One API, by what it says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from microprompt.engines.scripted import Script
from microprompt.systemone.questions import FREE


def lines(question: str) -> list[str]:
    """The options of a question as they are listed, without what they begin with."""
    listed = (line for line in question.split("\n") if line[:1] == "-" or line.partition(". ")[0].isdigit())
    return [line.partition(" ")[2] for line in listed]


def preferring(weigh: Callable[[int, str], float]) -> Script:
    """Choices and scores as `weigh` has them, which is given the place of an option in the list, from 0, and
    its line; nouls that are rather true. Of a state without content, all are equally probable."""

    def choose(state: str, question: str, options: Sequence[str]) -> dict[str, float]:
        if state in FREE:
            return dict.fromkeys(options, 1.0)
        shown = lines(question)
        if not set(options) - set(map(str, range(len(options) + 1))):  # numbered, as they are listed
            return {label: weigh(place, shown[place]) for place, label in enumerate(options)}
        places = {label: place for place, line in enumerate(shown) for label in options if is_of(label, line)}
        return {label: weigh(places[label], shown[places[label]]) for label in options}

    def decide(state: str, question: str) -> dict[bool, float]:
        return dict.fromkeys((True, False), 1.0) if state in FREE else {True: 0.75, False: 0.25}

    answers: dict[str, Any] = {"noul": decide, "choice": choose, "score": choose}
    return answers


def is_of(label: str, line: str) -> bool:
    """Whether a line of a list is of the option with this label."""
    return line == label or line.startswith(f"{label}:")


BY_LENGTH: Script = preferring(lambda place, line: 1 + len(line))
"""Options with longer lines are more probable, wherever they stand."""
