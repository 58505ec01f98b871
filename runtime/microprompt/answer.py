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

    `confidence` is the probability of the value under its constraint: for a choice p(label | prompt, labels),
    for guided text the product over its tokens, for a record the product over its fields. `distribution` maps
    every label's value to its probability (a choice only). `coverage` is the probability, before any
    constraint, that the model would have said one of the labels (a choice only): low means that the question
    does not suit the labels. `near_tie` says that somewhere the best label or token beat the next one by so
    little that the same call, among other calls, may give the other. `fields` has the same for each field of
    a record, by dotted name. `seconds` is wall time from call to answer. `returns` is the function's type.
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

    def to_json(self) -> dict[str, object]:
        """The answer as JSON data: what `mpc run --json` prints."""
        returns = kind(self.returns)
        return {
            "value": returns.to_data(self.value),
            "confidence": self.confidence,
            "distribution": None
            if self.distribution is None
            else {returns.key(value): p for value, p in self.distribution.items()},
            "coverage": self.coverage,
            "near_tie": self.near_tie,
            "usage": {
                "prompt_tokens": self.usage.prompt_tokens,
                "cached_tokens": self.usage.cached_tokens,
                "decoded_tokens": self.usage.decoded_tokens,
            },
            "seconds": self.seconds,
            "model": self.model,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldAnswer:
    """A record's field: as `Answer`, without what belongs to the whole call."""

    value: object
    confidence: float
    distribution: Mapping[object, float] | None
    coverage: float | None
