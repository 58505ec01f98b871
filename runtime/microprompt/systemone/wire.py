"""What is asked and what is answered, as the System One API has it: one state, and questions about it.

The classes are those of the wire and of Python at once, so that there is one way to write a question down.
Fields of our own begin with `x_`. (Read from `typesafe-sdk` 0.7.5 and `jevcompat` 0.1.1.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from ..locations import MAX_SERVER_LEVELS, MAX_SERVER_OPTIONS
from .structured import StructuredText, require_text

MAX_QUESTIONS: Final = 1000
"""The most questions about one state."""

Order: TypeAlias = Literal["canonical", "averaged"]
"""The order in which options are shown: one that depends on the options alone, or several, of whose answers
the mean is taken."""

Name: TypeAlias = Annotated[str, AfterValidator(require_text)]


class _Asked(BaseModel):
    """What all questions have in common. What is misspelt is not passed over."""

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _only_known(cls, data: object) -> object:
        if isinstance(data, dict):
            for name in data:
                if name not in cls.model_fields and not str(name).startswith("x_"):
                    raise PydanticCustomError(
                        "extra_forbidden",
                        "There is no field {name}; the fields are {names}",
                        {"name": repr(name)[:60], "names": ", ".join(cls.model_fields)},
                    )
        return data


class NoulCriteria(_Asked):
    """What counts as a yes and what as a no; either may be left open."""

    true: StructuredText | None = None
    false: StructuredText | None = None


class NoulQuestion(_Asked):
    """A question that yes or no answers, or a statement that holds or does not.

    `instructions` may be absent where `criteria` describe an outcome. `x_function` names a function of the
    served program that answers instead; what it asks is then its own.
    """

    type: Literal["noul"] = "noul"
    instructions: StructuredText | None = None
    criteria: NoulCriteria | None = None
    x_function: str | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> NoulQuestion:
        told = self.criteria and (self.criteria.true, self.criteria.false) != (None, None)
        if self.instructions is None and not told and self.x_function is None:
            raise PydanticCustomError("missing", "A noul needs instructions, or criteria for an outcome")
        return self


class ChoiceQuestion(_Asked):
    """Which of 2 to 255 options holds: `criteria` has their names, each with what it means or `None`.

    With `x_function` they may be left out, for the function has options of its own.
    """

    type: Literal["choice"] = "choice"
    instructions: StructuredText | None = None
    criteria: Annotated[
        Mapping[Name, StructuredText | None] | None, Field(min_length=2, max_length=MAX_SERVER_OPTIONS)
    ] = None
    x_function: str | None = None

    @model_validator(mode="after")
    def _has_options(self) -> ChoiceQuestion:
        if self.criteria is None and self.x_function is None:
            raise PydanticCustomError("missing", "A choice needs criteria: its options")
        return self


class ScoreQuestion(_Asked):
    """How far something goes, on 2 to 10 levels: `criteria` describe them, the lowest first.

    With `x_function` they may be left out, for the function has levels of its own.
    """

    type: Literal["score"] = "score"
    instructions: StructuredText | None = None
    criteria: Annotated[
        list[StructuredText] | None, Field(min_length=2, max_length=MAX_SERVER_LEVELS)
    ] = None
    x_function: str | None = None

    @model_validator(mode="after")
    def _has_levels(self) -> ScoreQuestion:
        if self.criteria is None and self.x_function is None:
            raise PydanticCustomError("missing", "A score needs criteria: its levels")
        return self


AnyQuestion: TypeAlias = NoulQuestion | ChoiceQuestion | ScoreQuestion

TaggedQuestion: TypeAlias = Annotated[AnyQuestion, Field(discriminator="type")]


class SystemOneRequest(BaseModel):
    """A state and what is asked about it, each question under an id of the caller's."""

    model_config = ConfigDict(frozen=True)

    model: str
    state: StructuredText
    questions: Annotated[
        dict[Annotated[Name, Field(min_length=1)], TaggedQuestion],
        Field(min_length=1, max_length=MAX_QUESTIONS),
    ]
    x_order: Order | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_assets(cls, data: object) -> object:
        if isinstance(data, dict) and data.get("assets") is not None:
            raise PydanticCustomError("assets", "This server reads text only, and no assets")
        return data


# ---------------------------------------------------------------------------------------------- answers


class NoulAnswer(BaseModel):
    """`noul` is the probability of yes, from 0 to 1."""

    model_config = ConfigDict(frozen=True)

    type: Literal["noul"] = "noul"
    noul: float


class ChoiceAnswer(BaseModel):
    """The most probable option, and the probability of each, in the order of the question.

    `confidence` is 0 where all options are equally probable and 1 where there is no doubt
    (`choice_confidence`).
    """

    model_config = ConfigDict(frozen=True)

    type: Literal["choice"] = "choice"
    choice: str
    confidence: float
    probabilities: dict[str, float]


class ScoreAnswer(BaseModel):
    """The mean level, counted from 0, and the probability of each level by its number.

    `legend` has the levels as they were given; `confidence` is that of `score_confidence`.
    """

    model_config = ConfigDict(frozen=True)

    type: Literal["score"] = "score"
    score: float
    confidence: float
    legend: dict[str, StructuredText]
    probabilities: dict[str, float]


AnyAnswer: TypeAlias = NoulAnswer | ChoiceAnswer | ScoreAnswer


class TokenCounts(BaseModel):
    """Tokens of a request: those of all prompts about the state, each with the state, and those that were
    evaluated behind them."""

    model_config = ConfigDict(frozen=True)

    input_tokens: int
    output_tokens: int


class Decisions(BaseModel):
    """The answers by the ids of the questions, the name of the model that gave them, and what they cost."""

    model_config = ConfigDict(frozen=True)

    model: str
    answers: dict[str, Annotated[AnyAnswer, Field(discriminator="type")]]
    usage: TokenCounts

    def __getitem__(self, question: str) -> AnyAnswer:
        """The answer to a question, by its id."""
        return self.answers[question]

    @property
    def nouls(self) -> dict[str, NoulAnswer]:
        """The answers to nouls alone, for who wants their type known."""
        return {key: found for key, found in self.answers.items() if isinstance(found, NoulAnswer)}

    @property
    def choices(self) -> dict[str, ChoiceAnswer]:
        """The answers to choices alone."""
        return {key: found for key, found in self.answers.items() if isinstance(found, ChoiceAnswer)}

    @property
    def scores(self) -> dict[str, ScoreAnswer]:
        """The answers to scores alone."""
        return {key: found for key, found in self.answers.items() if isinstance(found, ScoreAnswer)}


def choice_answer(probabilities: Mapping[str, float]) -> ChoiceAnswer:
    """The answer that the probabilities of options make."""
    return ChoiceAnswer(
        choice=max(probabilities, key=lambda name: probabilities[name]),
        confidence=choice_confidence(tuple(probabilities.values())),
        probabilities=dict(probabilities),
    )


def score_answer(levels: Sequence[Any], probabilities: Sequence[float]) -> ScoreAnswer:
    """The answer that the probabilities of levels make."""
    return ScoreAnswer(
        score=sum(level * each for level, each in enumerate(probabilities)),
        confidence=score_confidence(probabilities),
        legend={str(number): level for number, level in enumerate(levels)},
        probabilities={str(number): each for number, each in enumerate(probabilities)},
    )


def choice_confidence(probabilities: Sequence[float]) -> float:
    """How far the most probable of n options is above chance: (p - 1/n) / (1 - 1/n), from 0 to 1."""
    chance = 1 / len(probabilities)
    return _within((max(probabilities) - chance) / (1 - chance))


def score_confidence(probabilities: Sequence[float]) -> float:
    """How near levels lie to the most probable one: 1 less their mean distance from it, as a share of the
    mean distance of n equally probable levels from their middle; from 0 to 1."""
    n = len(probabilities)
    mode = max(range(n), key=lambda level: probabilities[level])
    spread = sum(each * abs(level - mode) for level, each in enumerate(probabilities))
    return _within(1 - spread / (sum(abs(level - (n - 1) / 2) for level in range(n)) / n))


def _within(share: float) -> float:
    return min(1.0, max(0.0, share))
