"""What a flow decided on its way, as data: each call with what answered it, how sure that was, and its
time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, Literal, TypeAlias, TypeVar

from .answer import Answer
from .program import Signature
from .types import kind

R = TypeVar("R", covariant=True)

Called: TypeAlias = Literal["prompt", "flow", "function"]
"""What a flow calls; a function is one of Python."""

CACHE: Final = "cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A call that a flow made, and what came of it.

    `line` is the flow's line that made it. Calls of one `wave` were made side by side; waves are counted from
    1 in each flow. `answer` is that of a prompt, with all that it tells. `decisions` are those on the way: of
    a flow that was called, or of a function of Python that calls prompts. `seconds` is wall time.
    """

    called: Called
    line: int
    wave: int
    arguments: Mapping[str, object]
    value: object
    seconds: float
    answer: Answer[object] | None = None
    decisions: tuple[Decision, ...] = ()
    signature: Signature = field(repr=False)

    @property
    def function(self) -> str:
        """The name of what was called."""
        return self.signature.name

    @property
    def confidence(self) -> float | None:
        """How sure a prompt was (see `Answer`); `None` of all else."""
        return None if self.answer is None else self.answer.confidence

    @property
    def distribution(self) -> Mapping[object, float] | None:
        """Over the labels of a prompt that is a choice; `None` of all else."""
        return None if self.answer is None else self.answer.distribution

    @property
    def answered_by(self) -> str:
        """What answered: of a prompt what `Answer.answered_by` says, or "cache" where the answer was kept
        from an earlier call; "flow" and "function" of the others."""
        if self.answer is None:
            return self.called
        return CACHE if self.answer.is_kept else self.answer.answered_by

    @property
    def escalated(self) -> bool:
        """Whether a prompt was put to a larger model as well."""
        return self.answer is not None and self.answer.first is not None

    def to_json(self) -> dict[str, object]:
        """As JSON data."""
        return {
            "function": self.function,
            "called": self.called,
            "line": self.line,
            "wave": self.wave,
            "arguments": data_of(self.signature, self.arguments),
            "value": kind(self.signature.returns).to_data(self.value),
            **self._answer_to_json(),
            "answered_by": self.answered_by,
            "seconds": self.seconds,
            **({"decisions": [each.to_json() for each in self.decisions]} if self.decisions else {}),
        }

    def _answer_to_json(self) -> dict[str, object]:
        if self.answer is None:
            return {}
        told = self.answer.to_json()
        of_prompts = ("confidence", "calibrated", "distribution", "abstained", "near_tie", "usage", "model")
        return {**{name: told[name] for name in of_prompts}, "escalated": self.escalated}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace(Generic[R]):
    """The value of a flow, and the decisions that led to it, in the order in which the flow names them.

    `source` and `line` say where the flow is written. `seconds` is wall time.
    """

    value: R
    arguments: Mapping[str, object]
    decisions: tuple[Decision, ...]
    seconds: float
    source: str
    line: int
    signature: Signature = field(repr=False)

    @property
    def function(self) -> str:
        """The name of the flow."""
        return self.signature.name

    def walk(self) -> Iterator[Decision]:
        """All decisions at any depth, each before those on its way."""
        yield from _walk(self.decisions)

    def to_json(self) -> dict[str, object]:
        """As JSON data."""
        return {
            "function": self.function,
            "source": f"{self.source}:{self.line}",
            "arguments": data_of(self.signature, self.arguments),
            "value": kind(self.signature.returns).to_data(self.value),
            "seconds": self.seconds,
            "decisions": [each.to_json() for each in self.decisions],
        }

def data_of(signature: Signature, arguments: Mapping[str, object]) -> dict[str, object]:
    """Arguments as JSON data."""
    return {
        parameter.name: kind(parameter.type).to_data(arguments[parameter.name])
        for parameter in signature.parameters
    }


def _walk(decisions: tuple[Decision, ...]) -> Iterator[Decision]:
    for each in decisions:
        yield each
        yield from _walk(each.decisions)
