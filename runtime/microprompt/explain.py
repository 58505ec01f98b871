"""What a call of a prompt function costs and why, as data: what `mpc explain FILE FUNCTION` prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final

from .scheduling.slots.described import SlotPlan, TrieBranch

if TYPE_CHECKING:
    from .scheduling.backend import Backend
    from .scheduling.program import TokenizedProgram

__all__ = [
    "CalledPlan",
    "ChoicePlan",
    "Cost",
    "Explanation",
    "PartPlan",
    "SlotPlan",
    "Speed",
    "TextPart",
    "TrieBranch",
    "explain",
]

_ARGUMENT_TOKENS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What a token takes on this machine, measured, in milliseconds: in a single call's batch, and in a full
    one."""

    call_token_ms: float
    batch_token_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPart:
    """A piece of the prompt. `text` of a hole is its name in braces; `tokens` is `None` for it, and for all
    that a server is asked."""

    text: str
    tokens: int | None
    is_hole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """About how long the prompt of a call takes on this machine, in milliseconds, if it has been measured:
    `cold` with the prefix to evaluate, `warm` with the prefix in the cache, both for arguments of
    `argument_tokens` in all. `read` is for a call that is decided on hidden states: it evaluates the
    arguments alone, through the first layers only."""

    cold_ms: float
    warm_ms: float
    argument_tokens: int
    read_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartPlan:
    """A piece of evidence for a choice, in words, and its weight."""

    evidence: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoicePlan:
    """What decides a choice, `name` in a record ("" for the whole answer).

    `answered_by` is what an answer will say; `origin` where the head is from: "tuning", "source", "call"
    where each call brings its options along (of more than `shortlist`, so many come into question), or
    "labels" where the labels are scored and no head decides. Of `examples` of the source, left out in turn,
    `right` come out right, and `chance` when the most frequent label is always said; `None` where there are
    none, or it is tuned. `report` is what the tuning file says of how it was tuned.
    """

    name: str
    answered_by: str
    origin: str
    parts: tuple[PartPlan, ...]
    calibrated: bool
    examples: int | None = None
    right: int | None = None
    chance: int | None = None
    report: Mapping[str, object] | None = None
    shortlist: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LargerPlan:
    """The model that unsure answers are put to as well: what decides `choice` there, and why it has a tuning
    that is not used, if so."""

    model: str
    choice: ChoicePlan
    untuned: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalledPlan:
    """A prompt that the body calls, as it is written there, and what one call of it costs; it may be called
    as often as a loop goes round, and not where a condition does not hold."""

    text: str
    plan: Explanation


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One function on one model. Token counts: `prefix_tokens` is evaluated once and kept in the KV cache,
    `call_tokens` is paid at each call beside the arguments; an answer takes about `expected_tokens`, and
    `max_tokens` at most, if the context has room for them. `waves` are the names of the slots that are
    decoded side by side, if the fields are independent. Before it answers, the model writes up to
    `reasoning` tokens, which are among those of the answer.

    `choices` say what decides them. An answer less sure than `escalate_below` is put to the model of
    `escalate_to` as well, and what both say is added up; one less sure than `abstain_below` is none.
    `untuned` says why there is a tuning that is not used. `nested` are the records that contain themselves,
    and how many of each circle lie inside one another at most.
    `calls` are the prompts that are answered before, side by side. `state` is the parameter that is laid out
    first, if one is: its tokens are evaluated once for all that is asked about it within a while.

    `server` is the URL of the server that answers, where the model does not run on this machine: `tail` is
    then what it is asked, and all counts of tokens are 0, for it counts them in its own way.
    """

    function: str
    source: str
    model: str
    layout: str
    prefix: tuple[TextPart, ...]
    tail: tuple[TextPart, ...]
    prefix_tokens: int
    call_tokens: int
    expected_tokens: int
    max_tokens: int
    reasoning: int | None
    context: int
    cost: Cost | None
    slots: tuple[SlotPlan, ...]
    waves: tuple[tuple[str, ...], ...]
    choices: tuple[ChoicePlan, ...] = ()
    abstain_below: float | None = None
    escalate_below: float | None = None
    escalate_to: LargerPlan | None = None
    untuned: str | None = None
    nested: Mapping[str, int] = field(default_factory=dict)
    calls: tuple[CalledPlan, ...] = ()
    state: str | None = None
    server: str | None = None

    def to_json(self) -> dict[str, object]:
        """As JSON data."""
        return asdict(self)


def explain(
    bound: TokenizedProgram, *, backend: Backend, layout: str, speed: Speed | None = None
) -> Explanation:
    """Explain a program that is bound to a backend's tokens; runs nothing on the model."""
    program = bound.program
    return Explanation(
        function=program.name,
        source=f"{program.source}:{program.line}",
        model=backend.name,
        layout=layout,
        prefix=tuple(TextPart(text=text, tokens=tokens, is_hole=False) for text, tokens in bound.prompt.head),
        tail=tuple(
            TextPart(text=text, tokens=tokens, is_hole=tokens is None) for text, tokens in bound.prompt.tail
        ),
        prefix_tokens=len(bound.prefix),
        call_tokens=bound.call_tokens,
        expected_tokens=bound.answer.expected_tokens,
        max_tokens=bound.answer.max_tokens,
        reasoning=program.using.reasoning,
        context=backend.n_context,
        cost=_cost(speed, bound),
        slots=bound.answer.explain(),
        waves=bound.answer.waves(),
        nested=bound.plan.kind.nested(),
        state=program.arrangement.state,
    )


def _cost(speed: Speed | None, bound: TokenizedProgram) -> Cost | None:
    if speed is None:
        return None
    warm = (bound.call_tokens + _ARGUMENT_TOKENS) * speed.call_token_ms
    return Cost(
        cold_ms=round(len(bound.prefix) * speed.batch_token_ms + warm, 1),
        warm_ms=round(warm, 1),
        argument_tokens=_ARGUMENT_TOKENS,
    )
