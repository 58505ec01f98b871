"""Which type of question of the System One API a choice is: one that a server is asked, or that a function
answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from ..locations import MAX_SERVER_LEVELS

QuestionType: TypeAlias = Literal["noul", "choice", "score"]


def question_type(options: Sequence[object]) -> QuestionType:
    """The type of the question that has these options."""
    if len(options) == 2 and all(isinstance(each, bool) for each in options):
        return "noul"
    return "score" if _are_levels(options) else "choice"


def _are_levels(options: Sequence[object]) -> bool:
    """Whether these are whole numbers, each one more than the one before. Numbers with gaps are no levels: in
    a score they would lie as far apart as the others."""
    numbers = [each for each in options if type(each) is int]
    if not 2 <= len(options) <= MAX_SERVER_LEVELS or len(numbers) < len(options):
        return False
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))
