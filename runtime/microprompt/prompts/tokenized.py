"""A program's prompt met with a vocabulary: its prefix and tails as tokens, made once for each engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from .. import abi
from ..errors import ArgumentError, PromptTooLong
from ..program import Program
from .layout import Argument, Literal, Segment, Template, hole_text, lay_out

_LEAD: Final = "Read the text. What does it say, and what is it for?\n\nText:"
"""What stands before arguments that are read by themselves. With nothing there, the first words are read as
the middle of something, which costs a readout up to 8 points; with this, nothing is lost against the prompt's
own prefix (three tasks, cross-validated: log-loss 0.327, and 0.343 with the last word alone)."""


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
class Tail:
    """A hole behind the prefix: the space that leads to it, if any, and the tokens that come after it."""

    hole: abi.Hole
    space: str
    after: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """What a readout reads: `tokens` behind `prefix`, which comes from the cache and does not count. Calls
    with equal passages are read alike."""

    prefix: tuple[int, ...]
    tokens: tuple[int, ...]


class TokenizedPrompt:
    """A program's prompt in one model's tokens.

    `counts` are the tokens of each segment (`None` for a hole). `prefix` is evaluated once and kept;
    `call_tokens` are evaluated in each call beside the arguments. `rest` is the space that the prompt ends
    with, if any: it moves into the answer, as a space at the end of any literal moves into what follows it,
    for models are trained on words with the space in front.
    """

    def __init__(self, program: Program, tokenizer: Tokenizer, *, chat: bool) -> None:
        self.program = program
        self.segments: tuple[Segment, ...] = lay_out(program, tokenizer.template if chat else None)
        self._tokenizer = tokenizer
        prefix: list[int] = list(tokenizer.start_tokens())
        self._lead = (*prefix, *tokenizer.tokenize(_LEAD, control=False))
        counts: list[int | None] = []
        tails: list[Tail] = []
        space = ""
        for segment in self.segments:
            if isinstance(segment, abi.Hole):
                tails.append(Tail(segment, space, ()))
                counts.append(None)
                space = ""
                continue
            tokens, space = self._tokens(segment, space)
            counts.append(len(tokens))
            if tails:
                last = tails[-1]
                tails[-1] = Tail(last.hole, last.space, last.after + tuple(tokens))
            else:
                prefix.extend(tokens)
        # The last row must be read at every call, so a prompt without holes leaves its last token out.
        self.prefix: tuple[int, ...] = tuple(prefix if tails else prefix[:-1])
        self._closing: tuple[int, ...] = tuple(() if tails else prefix[-1:])
        self.tails = tuple(tails)
        self.counts: tuple[int | None, ...] = tuple(counts)
        self.rest = space
        self.call_tokens: int = sum(len(tail.after) for tail in tails) + len(self._closing)

    def question(self, arguments: Mapping[str, object], *, answer: int) -> list[int]:
        """The prompt's tokens after the prefix.

        Raises `PromptTooLong` where they leave less than `answer` tokens of the context.
        """
        lengths: list[int] = []
        tokens: list[int] = []
        for tail in self.tails:
            text = tail.space + hole_text(self.program, tail.hole, arguments)
            found = self._tokenizer.tokenize(text, control=False)
            lengths.append(len(found))
            tokens += found
            tokens += tail.after
        tokens += self._closing
        total = len(self.prefix) + len(tokens) + answer
        if total > self._tokenizer.n_context:
            raise self._too_long(lengths, total, "prompt and shortest answer")
        return tokens

    def passage(self, arguments: Mapping[str, object], *, alone: bool) -> Passage:
        """The arguments of a call as a readout reads them: no cue asks for an answer behind them.

        They stand where the prompt has them, with all that comes before, and the states of what stands
        between them count too. `alone`, they stand behind a neutral lead, one on a line: so it is the same
        passage for all functions of the same texts. A text of no tokens is read as an empty line.

        Raises `PromptTooLong`, and `ArgumentError` if the prompt has no place for an argument.
        """
        if not self.tails:
            raise ArgumentError(
                f"{self.program.name} has no arguments in its prompt, so there is nothing to read",
                help="decide it on the labels",
            )
        texts = [hole_text(self.program, tail.hole, arguments) for tail in self.tails]
        if alone:
            # A text that the prompt repeats is one text.
            return self._alone(dict(zip((tail.hole for tail in self.tails), texts, strict=True)))
        lengths = []
        tokens: list[int] = []
        for tail, text in zip(self.tails, texts, strict=True):
            found = self._tokenizer.tokenize(tail.space + text, control=False)
            lengths.append(len(found))
            tokens += found
            if len(lengths) < len(self.tails):
                tokens += tail.after
        tokens = tokens or self._empty_line()
        total = len(self.prefix) + len(tokens)
        if total > self._tokenizer.n_context:
            raise self._too_long(lengths, total, "what is read with it")
        return Passage(self.prefix, tuple(tokens))

    def _alone(self, texts: Mapping[abi.Hole, str]) -> Passage:
        text = "\n".join(texts.values())
        tokens = self._tokenizer.tokenize(f" {text}" if text else "", control=False)
        tokens = tokens or self._empty_line()
        total = len(self._lead) + len(tokens)
        if total > self._tokenizer.n_context:
            lengths = [
                len(self._tokenizer.tokenize(texts[tail.hole], control=False)) for tail in self.tails
            ]
            raise self._too_long(lengths, total, "what is read with it")
        return Passage(self._lead, tuple(tokens))

    def _empty_line(self) -> list[int]:
        return self._tokenizer.tokenize("\n", control=False)

    def _tokens(self, segment: Literal | Argument, space: str) -> tuple[list[int], str]:
        """Tokens of a segment behind a space, and the space at its end, which moves into what follows."""
        if isinstance(segment, Argument):
            return self._tokenizer.tokenize(space + segment.text, control=False), ""
        text = space + segment.text
        rest = " " if text.endswith(" ") else ""
        return self._tokenizer.tokenize(text.removesuffix(" "), control=True), rest

    def _too_long(self, lengths: Sequence[int], total: int, rest: str) -> PromptTooLong:
        """The error for arguments of these lengths, which take `total` tokens together with the `rest`."""
        limit = self._tokenizer.n_context
        excess = total - limit
        name = self.program.name
        if not lengths or max(lengths) <= excess:
            return PromptTooLong(
                f"the prompt of {name} and the shortest answer take {total} tokens; "
                f"the model's context holds {limit}",
                parameter=None,
                tokens=total,
                room=limit,
                help="shorten the instruction or the examples, or give the model a larger context",
            )
        longest = max(range(len(lengths)), key=lengths.__getitem__)
        parameter = self.tails[longest].hole.parameter
        tokens, room = lengths[longest], lengths[longest] - excess
        return PromptTooLong(
            f"argument `{parameter}` of {name} has {tokens} tokens; {room} fit "
            f"(context {limit}, {rest} {total - tokens})",
            parameter=parameter,
            tokens=tokens,
            room=room,
            help=f"shorten `{parameter}`, or give the model a larger context",
        )
