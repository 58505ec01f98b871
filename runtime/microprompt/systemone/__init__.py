"""The System One API: typed questions about one state, answered with probabilities."""

from __future__ import annotations

from .asking import adecide, decide
from .functions import Functions, QuestionError
from .wire import (
    AnyAnswer,
    AnyQuestion,
    ChoiceAnswer,
    ChoiceQuestion,
    Decisions,
    NoulAnswer,
    NoulCriteria,
    NoulQuestion,
    Order,
    ScoreAnswer,
    ScoreQuestion,
    TokenCounts,
)

__all__ = [
    "AnyAnswer",
    "AnyQuestion",
    "ChoiceAnswer",
    "ChoiceQuestion",
    "Decisions",
    "Functions",
    "NoulAnswer",
    "NoulCriteria",
    "NoulQuestion",
    "Order",
    "QuestionError",
    "ScoreAnswer",
    "ScoreQuestion",
    "TokenCounts",
    "adecide",
    "decide",
]
