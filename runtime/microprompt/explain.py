"""What a call of a prompt function costs and why, as data: what `mpc explain FILE FUNCTION` prints."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from . import abi
from .scheduling.slots.described import SlotPlan, TrieBranch

if TYPE_CHECKING:
    from .prompts.tokenized import TokenizedPrompt
    from .scheduling.backend import Backend
    from .scheduling.program import TokenizedProgram

__all__ = ["Cost", "Explanation", "SlotPlan", "Speed", "TextPart", "TrieBranch", "explain"]

_ARGUMENT_TOKENS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What a token takes on this machine, measured, in milliseconds: in a single call's batch, and in a full
    one."""

    call_token_ms: float
    batch_token_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPart:
    """A piece of the prompt. `text` of a hole is its name in braces; `tokens` is `None` for it."""

    text: str
    tokens: int | None
    is_hole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """About how long the prompt of a call takes on this machine, in milliseconds, if it has been measured:
    `cold` with the prefix to evaluate, `warm` with the prefix in the cache, both for arguments of
    `argument_tokens` in all."""

    cold_ms: float
    warm_ms: float
    argument_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One function on one model. Token counts: `prefix_tokens` is evaluated once and kept in the KV cache,
    `call_tokens` is paid at each call beside the arguments; an answer takes about `expected_tokens`, and
    `max_tokens` at most, if the context has room for them. `waves` are the names of the slots that are
    decoded side by side, if the fields are independent."""

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
    context: int
    cost: Cost | None
    slots: tuple[SlotPlan, ...]
    waves: tuple[tuple[str, ...], ...]

    def to_json(self) -> dict[str, object]:
        """As JSON data."""
        return asdict(self)


def explain(
    bound: TokenizedProgram, *, backend: Backend, layout: str, speed: Speed | None = None
) -> Explanation:
    """Explain a program that is bound to a backend's tokens; runs nothing on the model."""
    program = bound.program
    parts = _parts(bound.prompt)
    first = next((index for index, part in enumerate(parts) if part.is_hole), len(parts))
    return Explanation(
        function=program.name,
        source=f"{program.source}:{program.line}",
        model=backend.name,
        layout=layout,
        prefix=tuple(parts[:first]),
        tail=tuple(parts[first:]),
        prefix_tokens=len(bound.prefix),
        call_tokens=bound.call_tokens,
        expected_tokens=bound.answer.expected_tokens,
        max_tokens=bound.answer.max_tokens,
        context=backend.n_context,
        cost=_cost(speed, bound),
        slots=bound.answer.explain(),
        waves=bound.answer.waves(),
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


def _parts(prompt: TokenizedPrompt) -> list[TextPart]:
    parts = []
    for segment, tokens in zip(prompt.segments, prompt.counts, strict=True):
        if isinstance(segment, abi.Hole):
            name = ".".join((segment.parameter, *segment.path))
            parts.append(TextPart(text=f"{{{name}}}", tokens=None, is_hole=True))
        else:
            parts.append(TextPart(text=segment.text, tokens=tokens, is_hole=False))
    return parts
