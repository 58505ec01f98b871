"""A program met with a model: its prompt in tokens and the slot of its answer, made once for each engine."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np

from ..errors import AnswerTooLong, EngineError
from ..program import Program
from ..prompts.plan import Choice, Guided, Maybe, Node, Plan, Subset, make_plan
from ..prompts.tokenized import TokenizedPrompt
from ..types import AnyKind, kind
from ..types.punctuation import SPACE
from .backend import Backend, Rows
from .decoding import Cursor, Decoding
from .drafts import Drafts
from .sampling import log_sum_exp, sampler_of
from .slots import AnySlot, Binding, Decided, Said, Terms, make_slot
from .trails import Trail, sampler_along
from .writing import Emit

T = TypeVar("T")

_KEPT: Final = (Choice, Subset, Guided, Maybe)
"""Nodes whose slots take time to make: their labels go into tries, their grammars into matchers."""


class TokenizedProgram:
    """A program in one model's tokens.

    `prefix` is evaluated once and kept; `call_tokens` are evaluated first in each call beside the arguments,
    forced text at the start of the answer among them. `answer` is the slot of the whole answer, whose tokens
    and sequences are counted there. Where the arguments of a call say what can be answered, `given` has the
    answer of that call; here it is open. `drafts` learns from the answers of all calls.
    """

    def __init__(self, program: Program, backend: Backend, *, chat: bool) -> None:
        self.program = program
        self.prompt = TokenizedPrompt(program, backend, chat=chat)
        self.prefix = self.prompt.prefix
        self._n_context = backend.n_context
        self._space = "" if chat else SPACE
        is_line = kind(program.returns).is_one_line()
        self._line_end = _LineEnd.of(backend) if chat and is_line else None
        self.drafts = Drafts(backend.piece, backend.pass_tokens)
        self._every_call: dict[AnyKind, dict[Node, AnySlot]] = {}
        self._bind(None, Binding(backend, program.using.max_tokens, self._kept_slot))

    def given(self, call: Mapping[str, object]) -> TokenizedProgram:
        """The same for one call, where the arguments say what its answer can be; else itself.

        Raises `ArgumentError` for arguments that no answer can be made of.
        """
        if not kind(self.program.returns).depends_on:
            return self
        found = copy(self)
        found._bind(call, replace(self._binding, slot=self._given_slot))
        return found

    def _bind(self, call: Mapping[str, object] | None, binding: Binding) -> None:
        self._binding = binding
        self.plan: Plan = make_plan(
            self.program.returns,
            call=call,
            space=self._space,
            before=self.prompt.rest,
            independent=self.program.using.independent,
            reasoning=self.prompt.reasoning,
        )
        self.answer: AnySlot = make_slot(self.plan.root, binding)
        self.call_tokens = self.prompt.call_tokens + self.answer.lead_tokens

    def _kept_slot(self, node: Node, binding: Binding) -> AnySlot:
        """The slot of a node inside the plan of every call, kept for the plans of single calls."""
        found = make_slot(node, binding)
        if isinstance(node, _KEPT):
            self._every_call.setdefault(node.kind, {})[node] = found
        return found

    def _given_slot(self, node: Node, binding: Binding) -> AnySlot:
        """The slot of a node inside the plan of a call: what does not depend on the call is there already.
        What does has a kind of its own."""
        kept = self._every_call.get(node.kind) if isinstance(node, _KEPT) else None
        # Options of a call need not be hashable, as those of every call are.
        return kept[node] if kept and node in kept else make_slot(node, binding)

    def question(self, arguments: Mapping[str, object]) -> list[int]:
        """The prompt's tokens after the prefix and the state.

        Raises `PromptTooLong` where not even the shortest answer fits behind them.
        """
        return self.prompt.question(arguments, answer=self.answer.shortest_tokens)

    def cells(self, question: int, *, state: int = 0) -> tuple[int, int]:
        """The cache cells that a call with so many tokens of question takes beside a state of so many: as a
        rule, and at most.

        An answer may be longer than what the context leaves it, as a list of long texts may. That is no
        reason to refuse the call, for most answers are short; the one that is not ends in `AnswerTooLong`.
        """
        room = self._n_context - len(self.prefix) - state
        return (
            min(question + self.answer.expected_tokens, room),
            min(question + self.answer.max_tokens, room),
        )

    def decode(
        self,
        cursor: Cursor,
        most: int,
        said: Mapping[str, Said] | None = None,
        trail: Trail | None = None,
        listener: Emit | None = None,
    ) -> Decoding[Decided]:
        """Answer the question that waits at the cursor, with at most so many cells for both; `said` is what
        other evidence says of leaves, by their names. It goes along a `trail`, and leaves one there. The
        `listener` is told an answer that is a text by itself as it is written.

        Raises `AnswerTooLong` where they do not suffice, `EngineError` for what does not fit a leaf.
        """
        using = self.program.using
        if said:
            self._check(said)
        budget = using.max_tokens or self.answer.max_tokens
        if trail is not None:
            trail.begin()
        sampler = sampler_of(using) if trail is None else sampler_along(trail, using)
        decoding = self.answer.decode(cursor, Terms(sampler, budget, said or {}, listener))
        return (yield from self._within(most, cursor, decoding))

    def value(self, parts: Decided) -> object:
        """The answer, from what was decided in each leaf."""
        try:
            return self.plan.value({name: part.value for name, part in parts.items()})
        except ValueError as error:
            raise EngineError(
                f"the fields of an answer of {self.program.name} do not fit: {error}"
            ) from error

    def _check(self, said: Mapping[str, Said]) -> None:
        leaves = {leaf.name: leaf for leaf in self.answer.leaves()}
        for name, what in said.items():
            if name not in leaves or not leaves[name].takes(what):
                raise EngineError(f"what is said of {name!r} does not fit the answer of {self.program.name}")

    def _within(self, most: int, cursor: Cursor, decoding: Decoding[T]) -> Decoding[T]:
        """The same decoding, ended before it evaluates more tokens than there are cells for."""
        rows = None
        try:
            while True:
                try:
                    # A generator that has not begun is sent `None`.
                    step = decoding.send(rows)  # type: ignore[arg-type]
                except StopIteration as end:
                    found: T = end.value
                    return found
                if cursor.tally.decoded - cursor.tally.dropped > most:
                    raise AnswerTooLong(
                        f"the answer of {self.program.name} was not complete when the model's context of "
                        f"{self._n_context} tokens was full",
                        help="bound the return type, as in str(..40) or list[T](..4), shorten the arguments, "
                        "or give the model a larger context",
                    )
                rows = yield step
                if self._line_end is not None and not cursor.is_free:
                    self._line_end.take_in(rows)
        finally:
            decoding.close()


@dataclass(frozen=True, slots=True)
class _LineEnd:
    """In a chat an answer of one line ends as its turn does, there and in the examples; an answer's plan has
    a line end there. So what ends a turn is read as one, wherever that is allowed."""

    line: int
    turn: list[int]

    @classmethod
    def of(cls, backend: Backend) -> _LineEnd | None:
        """The line end of a model, if its vocabulary has one."""
        line = backend.tokenize("\n", control=False)
        return cls(line[0], turn) if len(line) == 1 and (turn := backend.turn_ends()) else None

    def take_in(self, rows: Rows) -> None:
        """Give the probability of what ends a turn to the line end, in each row."""
        both = [self.line, *self.turn]
        for row in rows:
            total = log_sum_exp(row[both])
            row[both] = -np.inf
            row[self.line] = total
