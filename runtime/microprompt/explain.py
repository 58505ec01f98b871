"""What a call of a prompt function costs and why, as data: what `mpc explain FILE FUNCTION` prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from . import abi
from .answer import label_key
from .prompts.trie import Trie
from .types.values import describe

if TYPE_CHECKING:
    from .prompts.tokenized import BoundProgram, BoundSlot
    from .scheduling.backend import Backend

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
class Branch:
    """A token of a trie and what follows it. `label` is set where the token tells a label from all others."""

    token: str
    label: str | None
    evaluated: bool
    children: tuple[Branch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotPlan:
    """How a field ("" for a whole answer) is decoded.

    `passes` is how many forward passes a choice takes; for a guided slot it is `None`, and `max_tokens`
    bounds them. `forced` are tokens that all labels share.
    """

    name: str
    type: str
    kind: str
    labels: int | None
    passes: int | None
    max_tokens: int
    forced: tuple[str, ...]
    trie: tuple[Branch, ...]
    grammar: str | None


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
    `call_tokens` is paid at each call beside the arguments, `answer_tokens` is the longest answer. `waves`
    are the names of the slots that are decoded side by side, if the fields are independent."""

    function: str
    source: str
    model: str
    layout: str
    prefix: tuple[TextPart, ...]
    tail: tuple[TextPart, ...]
    prefix_tokens: int
    call_tokens: int
    answer_tokens: int
    context: int
    cost: Cost | None
    slots: tuple[SlotPlan, ...]
    waves: tuple[tuple[str, ...], ...]

    def to_json(self) -> dict[str, object]:
        """As JSON data."""
        return asdict(self)


def explain(bound: BoundProgram, *, backend: Backend, layout: str, speed: Speed | None = None) -> Explanation:
    """Explain a program that is bound to a backend's tokens; runs nothing on the model."""
    program = bound.program
    parts = _parts(bound)
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
        answer_tokens=bound.bound,
        context=backend.n_context,
        cost=_cost(speed, bound),
        slots=tuple(_slot(slot, backend) for slot in bound.slots),
        waves=tuple(tuple(bound.slots[index].slot.name for index in wave) for wave in bound.waves),
    )


def _cost(speed: Speed | None, bound: BoundProgram) -> Cost | None:
    if speed is None:
        return None
    warm = (bound.call_tokens + _ARGUMENT_TOKENS) * speed.call_token_ms
    return Cost(
        cold_ms=round(len(bound.prefix) * speed.batch_token_ms + warm, 1),
        warm_ms=round(warm, 1),
        argument_tokens=_ARGUMENT_TOKENS,
    )


def _parts(bound: BoundProgram) -> list[TextPart]:
    parts = []
    for segment, tokens in zip(bound.segments, bound.counts, strict=True):
        if isinstance(segment, abi.Hole):
            name = ".".join((segment.parameter, *segment.path))
            parts.append(TextPart(text=f"{{{name}}}", tokens=None, is_hole=True))
        else:
            parts.append(TextPart(text=segment.text, tokens=tokens, is_hole=False))
    return parts


def _slot(slot: BoundSlot, backend: Backend) -> SlotPlan:
    from .prompts.tokenized import BoundChoice
    from .scheduling.decoding import MAX_PATHS

    if isinstance(slot, BoundChoice):
        trie = slot.trie
        return SlotPlan(
            name=slot.slot.name,
            type=describe(slot.slot.type),
            kind="choice",
            labels=len(trie.labels),
            passes=max(1, -(-len(trie.paths) // MAX_PATHS)),
            max_tokens=slot.bound,
            forced=tuple(_text(token, backend) for token in trie.common),
            trie=_branches(trie, list(map(label_key, slot.values)), range(len(trie.labels)), 0, backend),
            grammar=None,
        )
    return SlotPlan(
        name=slot.slot.name,
        type=describe(slot.slot.type),
        kind="guided",
        labels=None,
        passes=None,
        max_tokens=slot.bound,
        forced=(),
        trie=(),
        grammar=slot.grammar,
    )


def _branches(
    trie: Trie, names: Sequence[str], labels: Sequence[int], depth: int, backend: Backend
) -> tuple[Branch, ...]:
    """What may follow at a depth where `labels` have not parted yet."""
    by_token: dict[int, list[int]] = {}
    for label in labels:
        by_token.setdefault(trie.edges[label][depth][1], []).append(label)
    found = []
    for token, inside in by_token.items():
        # The last edge of a label is one that no other label has.
        last = len(trie.edges[inside[0]]) == depth + 1
        found.append(
            Branch(
                token=_text(token, backend),
                label=names[inside[0]] if last else None,
                evaluated=not last,
                children=() if last else _branches(trie, names, inside, depth + 1, backend),
            )
        )
    return tuple(found)


def _text(token: int, backend: Backend) -> str:
    return backend.piece(token).decode(errors="backslashreplace")
