"""A program's prompt met with a vocabulary: its prefix and tails as tokens, made once for each engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final, Protocol

from ..errors import ArgumentError, PromptTooLong
from ..program import Program
from .filling import Bindings, Filled, Fixed, merged, written
from .layout import Blank, Literal, Segment, Template, argument_texts, filled, lay_out, open_parts
from .reasoning import reasoning_of

_LEAD: Final = "Read the text. What does it say, and what is it for?\n\nText:"
"""What stands before arguments that are read by themselves. With nothing there, the first words are read as
the middle of something, which costs a readout up to 8 points; with this, nothing is lost against the prompt's
own prefix (three tasks, cross-validated: log-loss 0.327, and 0.343 with the last word alone)."""

_KEPT: Final = 512
"""How many pieces of text are kept as tokens: a body with blocks has as many as there are ways through it."""


class Tokenizer(Protocol):
    """What has to be known of a model to write a prompt in its tokens. One sequence holds `n_context`."""

    n_context: int
    template: Template | None

    def tokenize(self, text: str, *, control: bool) -> list[int]:
        """Token ids of a text by itself; with `control`, control tokens in it are recognised."""
        ...

    def start_tokens(self) -> list[int]:
        """What every prompt begins with for this model: its BOS token, or nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Passage:
    """What a readout reads: `tokens` behind `prefix`, which comes from the cache and does not count. Calls
    with equal passages are read alike."""

    prefix: tuple[int, ...]
    tokens: tuple[int, ...]


class TokenizedPrompt:
    """A program's prompt in one model's tokens.

    `prefix` is evaluated once and kept; `call_tokens` are evaluated in each call beside what it fills in.
    Where the state comes first (`states`), it is the first of what is filled in, and kept like a prefix for a
    while.
    `head` is the text of the prefix and `tail` what stands behind it, each with its tokens; what is filled in
    has `None`. `rest` is the space that the prompt ends with, if any: it moves into the answer, as a space at
    the end of any text of the program moves into what follows it, for models are trained on words with the
    space in front. `reasoning` is the scratchpad behind the prompt, if there is one.
    """

    def __init__(self, program: Program, tokenizer: Tokenizer, *, chat: bool) -> None:
        self.program = program
        template = tokenizer.template if chat else None
        self.segments: tuple[Segment, ...] = lay_out(program, template)
        markers = None if template is None else template.markers
        self.reasoning = reasoning_of(program, markers, chat=chat)
        self._tokenizer = tokenizer
        self._kept: dict[tuple[str, str], tuple[tuple[int, ...], str]] = {}
        start = tokenizer.start_tokens()
        self._lead = (*start, *tokenizer.tokenize(_LEAD, control=False))
        fixed = list(takewhile(lambda segment: not isinstance(segment, Blank), self.segments))
        self._open = self.segments[len(fixed) :]
        head = list(filled(fixed, Bindings({}, {})))
        tokens, self._space = self._tokens(head, "")
        self.head = tuple((piece.text, len(found)) for piece, found in zip(head, tokens, strict=True))
        prefix = [*start, *(token for piece in tokens for token in piece)]
        # The last row must be read at every call, so a prompt without holes leaves its last token out.
        self.prefix: tuple[int, ...] = tuple(prefix if self._open else prefix[:-1])
        self._closing: tuple[int, ...] = tuple(() if self._open else prefix[-1:])
        last = self.segments[-1]
        self.rest = " " if isinstance(last, Literal) and last.text.endswith(" ") else ""
        self.tail: tuple[tuple[str, int | None], ...] = tuple(self._described())
        self.call_tokens: int = sum(count or 0 for _, count in self.tail) + len(self._closing)

    def state(self, arguments: Mapping[str, object]) -> tuple[int, ...]:
        """The tokens of the state, which stand right behind the prefix: the same for all programs in which it
        comes first. None where it does not."""
        if self.program.arrangement.state is None:
            return ()
        pieces = merged(filled(self._open[:1], Bindings.of(self.program, arguments)))
        [tokens], _ = self._tokens(pieces, self._space)
        return tuple(tokens)

    def question(self, arguments: Mapping[str, object], *, answer: int) -> list[int]:
        """The prompt's tokens after the prefix, and after the state if that comes first.

        Raises `PromptTooLong` where they leave less than `answer` tokens of the context.
        """
        pieces = list(merged(self._filled(arguments)))
        found, _ = self._tokens(pieces, self._space)
        total = len(self.prefix) + sum(map(len, found)) + len(self._closing) + answer
        if total > self._tokenizer.n_context:
            raise self._too_long(_lengths(pieces, found), total, "prompt and shortest answer")
        behind = found if self.program.arrangement.state is None else found[1:]
        return [*(token for piece in behind for token in piece), *self._closing]

    def passage(self, arguments: Mapping[str, object], *, alone: bool) -> Passage:
        """The arguments of a call as a readout reads them: no cue asks for an answer behind them.

        They stand where the prompt has them, with all that comes before, and the states of what stands
        between them count too. `alone`, they stand behind a neutral lead, one on a line: so it is the same
        passage for all functions of the same texts. A text of no tokens is read as an empty line.

        Raises `PromptTooLong`, and `ArgumentError` if the prompt has no place for an argument.
        """
        if not open_parts(self.program):
            raise ArgumentError(
                f"{self.program.name} has no arguments in its prompt, so there is nothing to read",
                help="decide it on the labels",
            )
        if alone:
            text = "\n".join(argument_texts(self.program, arguments))
            pieces, space, prefix = [Filled(text, "")], " " if text else "", self._lead
        else:
            pieces = list(self._filled(arguments))
            while pieces and pieces[-1].part is None:
                pieces.pop()
            pieces, space, prefix = list(merged(pieces)), self._space, self.prefix
        found, _ = self._tokens(pieces, space)
        tokens = [token for piece in found for token in piece] or self._empty_line()
        total = len(prefix) + len(tokens)
        if total > self._tokenizer.n_context:
            if alone:
                pieces = [piece for piece in self._filled(arguments) if piece.part is not None]
                found, _ = self._tokens(pieces, "")
            raise self._too_long(_lengths(pieces, found), total, "what is read with it")
        return Passage(prefix, tuple(tokens))

    def _filled(self, arguments: Mapping[str, object]) -> Iterable[Filled]:
        """The pieces behind the prefix."""
        return filled(self._open, Bindings.of(self.program, arguments))

    def _described(self) -> Iterable[tuple[str, int | None]]:
        """What stands behind the prefix: text with its tokens, and what is filled in, with `None`."""
        pieces: list[Filled] = []
        for segment in self._open:
            if isinstance(segment, Blank):
                for part in segment.parts:
                    pieces.append(Filled(written(part), None if isinstance(part, Fixed) else ""))
            else:
                pieces += filled([segment], Bindings({}, {}))
        space = self._space
        for piece in merged(pieces):
            [tokens], space = self._tokens([piece], space)
            yield piece.text, len(tokens) if piece.of is None else None

    def _empty_line(self) -> list[int]:
        return self._tokenizer.tokenize("\n", control=False)

    def _tokens(self, pieces: Iterable[Filled], space: str) -> tuple[list[Sequence[int]], str]:
        """Tokens of each piece, behind a space, and the space at the end, which moves into what follows."""
        found: list[Sequence[int]] = []
        for piece in pieces:
            # No blank of the program stays before a line end.
            space = "" if piece.text.startswith("\n") else space
            if piece.of is None:
                tokens, space = self._program_tokens(piece.text, space)
                found.append(tokens)
            else:
                found.append(self._tokenizer.tokenize(space + piece.text, control=False))
                space = ""
        return found, space

    def _program_tokens(self, text: str, space: str) -> tuple[tuple[int, ...], str]:
        kept = self._kept.get((text, space))
        if kept is None:
            whole = space + text
            rest = " " if whole.endswith(" ") else ""
            kept = tuple(self._tokenizer.tokenize(whole.removesuffix(" "), control=True)), rest
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[text, space] = kept
        return kept

    def _too_long(self, lengths: Mapping[str, int], total: int, rest: str) -> PromptTooLong:
        """The error for arguments of these lengths, which take `total` tokens together with the `rest`."""
        limit = self._tokenizer.n_context
        excess = total - limit
        name = self.program.name
        if not lengths or max(lengths.values()) <= excess:
            return PromptTooLong(
                f"the prompt of {name} and the shortest answer take {total} tokens; "
                f"the model's context holds {limit}",
                parameter=None,
                tokens=total,
                room=limit,
                help="shorten the instruction or the examples, or give the model a larger context",
            )
        parameter = max(lengths, key=lambda each: lengths[each])
        tokens, room = lengths[parameter], lengths[parameter] - excess
        return PromptTooLong(
            f"argument `{parameter}` of {name} has {tokens} tokens; {room} fit "
            f"(context {limit}, {rest} {total - tokens})",
            parameter=parameter,
            tokens=tokens,
            room=room,
            help=f"shorten `{parameter}`, or give the model a larger context",
        )


def _lengths(pieces: Iterable[Filled], tokens: Iterable[Sequence[int]]) -> dict[str, int]:
    """How many tokens the text of each parameter has."""
    lengths: dict[str, int] = {}
    for piece, found in zip(pieces, tokens, strict=True):
        if piece.of:
            lengths[piece.of] = lengths.get(piece.of, 0) + len(found)
    return lengths
