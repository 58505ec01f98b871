"""The bench of several questions about one text."""

from __future__ import annotations

import pytest

from .engines import GUIDANCE, OURS
from .states import QUESTIONS, prompts_of, rows, texts
from .states_worker import StateRun


def test_texts_begin_each_in_its_own_way_and_there_are_enough() -> None:
    found = texts(4 * len(QUESTIONS) + 1)
    assert len({text[:20] for text in found}) == len(found)
    with pytest.raises(ValueError, match="texts of"):
        texts(100)


def test_all_questions_begin_with_the_text_and_none_says_it_again() -> None:
    (text,) = texts(1)
    state, tails = prompts_of(text)
    assert state.endswith(text)
    assert all(tail.endswith("Message: the text above\nAnswer:") for tail in tails)


def test_all_questions_are_held_against_the_mean_of_one() -> None:
    def run(one: list[float], all: list[float], *answers: str) -> list[StateRun]:
        return [StateRun(one=one, all=all, one_cpu=one, all_cpu=[3.0], answers=[list(answers)])]

    ours, theirs = run([1.0, 3.0], [3.0, 3.0], "yes", "no"), run([2.0, 2.0], [8.0, 8.0], "yes", "yes")
    first, second = rows({OURS: ours, GUIDANCE: theirs})
    assert (first.one_ms, first.all_ms, first.times, first.agreement) == (2000, 3000, 1.5, 1)
    assert (second.times, second.cpu_times, second.agreement) == (4, 1.5, 0.5)
