"""A program met with a vocabulary: its prefix, tails and labels as tokens, done once for each engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeAlias

from .. import abi
from ..errors import PromptTooLong
from ..scheduling.backend import Backend
from ..scheduling.decoding import MAX_PATHS
from ..types.values import quoted
from .layout import Argument, Literal, Segment, hole_text, lay_out
from .plan import Choice, Guided, Plan, Slot, make_plan
from .trie import Trie, build_trie

if TYPE_CHECKING:
    from llguidance import LLMatcher


@dataclass(frozen=True, slots=True)
class Tail:
    """A hole behind the prefix: the space that leads to it, if any, and the tokens that come after it."""

    hole: abi.Hole
    lead: str
    after: tuple[int, ...]


class BoundChoice:
    """A choice with the trie of its labels. `sequences` are those it takes beside the cursor's own."""

    def __init__(self, slot: Slot, shape: Choice, backend: Backend) -> None:
        self.slot = slot
        self.values = tuple(value for value, _ in shape.options)
        self.trie: Trie = build_trie(
            [backend.tokenize(text + slot.after, control=False) for _, text in shape.options]
        )
        self.bound = self.usual = len(self.trie.nodes) + max(map(len, self.trie.labels))
        self.sequences = min(len(self.trie.paths), MAX_PATHS)


class BoundGuided:
    """A guided slot with its grammar; the matcher is built at first use and copied for each call."""

    sequences = 0

    def __init__(self, slot: Slot, shape: Guided, backend: Backend) -> None:
        self.slot = slot
        self.shape = shape
        self.bound = shape.max_bytes + len(slot.after.encode())
        self.usual = min(self.bound, USUAL_TOKENS)
        start = f"start: {quoted(shape.space)} {shape.expression} {quoted(slot.after)}"
        self.grammar = "\n".join(["%llguidance {}", start, *shape.terminals, ""])
        self._backend = backend

    def matcher(self) -> LLMatcher:
        return self._first.deep_copy()

    def value(self, text: bytes) -> object:
        """The value of what was written, the text after the slot included."""
        return self.shape.value(text.decode().removesuffix(self.slot.after))

    @cached_property
    def _first(self) -> LLMatcher:
        return self._backend.matcher(self.grammar)


USUAL_TOKENS: Final = 32
"""What a guided text takes as a rule. Its bound is in bytes, for a token has at least one; most have four."""

BoundSlot: TypeAlias = BoundChoice | BoundGuided


def _waves(slots: Sequence[BoundSlot]) -> Iterator[tuple[int, ...]]:
    """The indexes of slots to decode side by side, in as many sequences as one token may belong to."""
    wave: list[int] = []
    room = MAX_PATHS + 1
    for index, slot in enumerate(slots):
        if wave and slot.sequences + 1 > room:
            yield tuple(wave)
            wave, room = [], MAX_PATHS + 1
        wave.append(index)
        room -= slot.sequences + 1
    yield tuple(wave)


class BoundProgram:
    """A program in one model's tokens.

    `counts` are the tokens of each segment (`None` for a hole). `prefix` is evaluated once and kept;
    `call_tokens` are evaluated first in each call beside the arguments, the leads among them. `lead` is
    forced text between cue and answer; where fields are independent there are `leads`, one for each slot, and
    `waves`: the indexes of the slots that are decoded side by side. `bound` is the most tokens an answer can
    take, `usual` what most answers take, and `sequences` the most sequences.
    """

    def __init__(self, program: abi.Program, backend: Backend, *, chat: bool) -> None:
        self.program = program
        self.plan: Plan = make_plan(
            program.returns, "" if chat else " ", independent=program.using.independent
        )
        self.segments: tuple[Segment, ...] = lay_out(program, backend.template if chat else None)
        self._backend = backend
        self._limit = backend.n_context
        prefix: list[int] = list(backend.start_tokens())
        counts: list[int | None] = []
        tails: list[Tail] = []
        lead = ""
        for segment in self.segments:
            if isinstance(segment, abi.Hole):
                tails.append(Tail(segment, lead, ()))
                counts.append(None)
                lead = ""
                continue
            tokens, lead = self._tokens(segment, lead)
            counts.append(len(tokens))
            if tails:
                last = tails[-1]
                tails[-1] = Tail(last.hole, last.lead, last.after + tuple(tokens))
            else:
                prefix.extend(tokens)
        # The last row must be read at every call, so a prompt without holes leaves its last token out.
        self.prefix: tuple[int, ...] = tuple(prefix if tails else prefix[:-1])
        self.tails = tuple(tails)
        self.counts: tuple[int | None, ...] = tuple(counts)
        self._closing: tuple[int, ...] = tuple(() if tails else prefix[-1:])
        lead_text = "" if self.plan.leads else lead + self.plan.lead
        self.lead: tuple[int, ...] = tuple(backend.tokenize(lead_text, control=False))
        self.leads: tuple[tuple[int, ...], ...] = tuple(
            tuple(backend.tokenize(lead + text, control=False)) for text in self.plan.leads
        )
        self.slots: tuple[BoundSlot, ...] = tuple(self._bind(slot) for slot in self.plan.slots)
        led = sum(map(len, (self.lead, *self.leads)))
        self.call_tokens: int = sum(len(tail.after) for tail in tails) + len(self._closing) + led
        self.bound: int = led + sum(slot.bound for slot in self.slots)
        self.usual: int = led + sum(slot.usual for slot in self.slots)
        self.waves: tuple[tuple[int, ...], ...] = tuple(_waves(self.slots)) if self.leads else ()
        self.sequences: int = 1 + max(
            (sum(1 + self.slots[index].sequences for index in wave) for wave in self.waves),
            default=max(slot.sequences for slot in self.slots),
        )

    def question(self, arguments: Mapping[str, object]) -> list[int]:
        """The prompt's tokens after the prefix. Raises `PromptTooLong`."""
        lengths: list[int] = []
        tokens: list[int] = []
        for tail in self.tails:
            text = tail.lead + hole_text(self.program, tail.hole, arguments)
            found = self._backend.tokenize(text, control=False)
            lengths.append(len(found))
            tokens += found
            tokens += tail.after
        tokens += self._closing
        total = len(self.prefix) + len(tokens) + self.bound
        if total > self._limit:
            raise self._too_long(lengths, total)
        return tokens

    def _tokens(self, segment: Literal | Argument, lead: str) -> tuple[list[int], str]:
        """Tokens of a segment behind `lead`, and the space at its end, which moves into what follows."""
        if isinstance(segment, Argument):
            return self._backend.tokenize(lead + segment.text, control=False), ""
        text = lead + segment.text
        space = " " if text.endswith(" ") else ""
        return self._backend.tokenize(text.removesuffix(" "), control=True), space

    def _bind(self, slot: Slot) -> BoundSlot:
        if isinstance(slot.shape, Choice):
            return BoundChoice(slot, slot.shape, self._backend)
        return BoundGuided(slot, slot.shape, self._backend)

    def _too_long(self, lengths: list[int], total: int) -> PromptTooLong:
        excess = total - self._limit
        name = self.program.name
        if not lengths or max(lengths) <= excess:
            return PromptTooLong(
                f"the prompt of {name} and the longest answer take {total} tokens; "
                f"the model's context holds {self._limit}",
                parameter=None,
                tokens=total,
                room=self._limit,
                help="shorten the instruction or the examples, bound the return type, or raise the context",
            )
        longest = max(range(len(lengths)), key=lengths.__getitem__)
        parameter = self.tails[longest].hole.parameter
        tokens, room = lengths[longest], lengths[longest] - excess
        return PromptTooLong(
            f"argument `{parameter}` of {name} has {tokens} tokens; {room} fit "
            f"(context {self._limit}, prompt and longest answer {total - tokens})",
            parameter=parameter,
            tokens=tokens,
            room=room,
            help=f"shorten `{parameter}`, or give the model a larger context",
        )
