"""What a call gives back beside the plain value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from .types import DeclaredType, kind

R = TypeVar("R", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one call.

    `prompt_tokens` is the whole prompt; `cached_tokens` of them came from the KV cache; `decoded_tokens` is
    what the model evaluated after the prompt (0 for a choice that the prompt's own pass decides).
    """

    prompt_tokens: int
    cached_tokens: int
    decoded_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[R]):
    """A value and how sure the model was of it.

    `confidence` is the probability of the value under its constraint: for a choice p(label | what was asked,
    labels), for guided text the product over its tokens, for a record the product over its fields. It is how
    often such an answer is right only where it is `calibrated`: where a head answers that was fitted on
    labelled rows and whose probabilities held on rows that it had not seen. Else it orders answers, and says
    no more.

    `distribution` maps every label's value to its probability (a choice only). `mean` is its mean (a choice
    among whole numbers only). `coverage` is the probability, before any constraint, that the model would have
    said one of the labels (only where label scores were asked): low means that the question does not suit the
    labels. `answered_by` names the evidence that a choice was decided on: "labels", "readout", "embedder", or
    some of them joined by "+"; it is "model" for guided text and whole records.

    `near_tie` says that somewhere the best label or token beat the next one by so little that the same call,
    among other calls, may give the other. `fields` has the same for each field of a record, by dotted name.
    `abstained` says that the value is `None` because the confidence was under the prompt's threshold;
    `confidence` and `distribution` are then those of the label that would have been the answer. Of a call
    that went on to a larger model, `first` is what the smaller one said and `second` what the larger one
    said; the answer is that of both, and `model` and `answered_by` name both. `seconds` is wall time from
    call to answer. `returns` is the function's type.
    """

    value: R
    confidence: float
    distribution: Mapping[object, float] | None
    coverage: float | None
    fields: Mapping[str, FieldAnswer]
    near_tie: bool
    usage: Usage
    seconds: float
    model: str
    returns: DeclaredType = field(repr=False)
    answered_by: str = "model"
    calibrated: bool = False
    abstained: bool = False
    first: Answer[R] | None = None
    second: Answer[R] | None = None

    @property
    def mean(self) -> float | None:
        """The mean of the distribution over whole numbers; `None` for other types."""
        return _mean(self.distribution)

    def to_json(self) -> dict[str, object]:
        """The answer as JSON data: what `mpc run --json` prints."""
        returns = kind(self.returns)
        mean = {} if self.mean is None else {"mean": self.mean}
        both = {
            name: answer.to_json()
            for name, answer in (("first", self.first), ("second", self.second))
            if answer is not None
        }
        return {
            "value": returns.to_data(self.value),
            "confidence": self.confidence,
            "calibrated": self.calibrated,
            "answered_by": self.answered_by,
            "abstained": self.abstained,
            "distribution": None
            if self.distribution is None
            else {returns.key(value): p for value, p in self.distribution.items()},
            **mean,
            "coverage": self.coverage,
            "near_tie": self.near_tie,
            "usage": {
                "prompt_tokens": self.usage.prompt_tokens,
                "cached_tokens": self.usage.cached_tokens,
                "decoded_tokens": self.usage.decoded_tokens,
            },
            "seconds": self.seconds,
            "model": self.model,
            **both,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldAnswer:
    """A record's field: as `Answer`, without what belongs to the whole call."""

    value: object
    confidence: float
    distribution: Mapping[object, float] | None
    coverage: float | None
    answered_by: str = "model"
    calibrated: bool = False

    @property
    def mean(self) -> float | None:
        """The mean of the distribution over whole numbers; `None` for other types."""
        return _mean(self.distribution)


def _mean(distribution: Mapping[object, float] | None) -> float | None:
    if distribution is None:
        return None
    mean = 0.0
    for value, probability in distribution.items():
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        mean += probability * value
    return mean
