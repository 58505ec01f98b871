"""Text, token after token: under a grammar, which masks what may not come next, or freely.

What a grammar leaves only one way on for is forced, and waits at the cursor like any text that is decided
already (see `decoding`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import AnswerTooLong, EngineError
from .backend import Backend, Rows
from .decoding import Cursor, Decoding
from .sampling import Sampler, log_sum_exp

if TYPE_CHECKING:
    from llguidance import LLMatcher

Emit: TypeAlias = Callable[[bytes], None]

_UNLIKELY: Final = -7.0
"""The log-probability of what is not looked into any further: one in a thousand."""


@dataclass(slots=True)
class Written:
    """A text that was written, and what the model chose in it: of each of these tokens the place where it
    begins, in bytes, and its log-probability under the mask."""

    text: bytes = b""
    chosen: list[tuple[int, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Beginning:
    """A text that the answer may go on with, among others: its `tokens`, behind what it has in `common` with
    all of them, and the logits `row` there. `log_prob` is its log-probability among all that may follow,
    `log_probs` that of each of its tokens, as far as they were asked for, and `coverage` the probability that
    the model would have gone on with anything that may follow."""

    text: bytes
    common: bytes
    tokens: tuple[int, ...]
    row: NDArray[np.float32]
    log_probs: tuple[float, ...]
    coverage: float

    @property
    def log_prob(self) -> float:
        return min(0.0, sum(self.log_probs))


def write(
    cursor: Cursor,
    matcher: LLMatcher,
    sampler: Sampler,
    budget: int,
    emit: Emit | None = None,
    instead_of: Beginning | None = None,
    fits: Callable[[bytes], bool] | None = None,
) -> Decoding[Written]:
    """Write what the grammar allows until it is complete.

    Forced runs are added without a pass, canonically tokenised. Where it is written `instead_of` another
    text, what both begin with is part of it, and the grammar has taken that. `fits` says what no grammar can:
    whether a text that is not complete may go on. A token behind which it may not is not taken, and the
    chances of the others are without it.

    Raises `AnswerTooLong` after `budget` tokens that the model chose, `EngineError` if the matcher fails.
    """
    backend = cursor.sequences.backend
    text = _Text(backend, emit)
    row: NDArray[np.float32] | None = None
    other: _Other | None = None
    if instead_of is not None:
        text.data += instead_of.common
        row, other = instead_of.row, _Other(instead_of)
    written = Written()

    def piece(token: int) -> bytes | None:
        return None if backend.is_end(token) else backend.piece(token)

    def may_follow(token: int) -> bool:
        if backend.is_end(token):
            return other is None or not other.is_said(bytes(text.data))
        said = bytes(text.data) + backend.piece(token)
        # A line end completes a text; what has none is complete only where the model ends it.
        if other is not None and said.endswith(b"\n") and other.is_said(said):
            return False
        return fits is None or fits(said)

    def take(tokens: list[int]) -> None:
        _consume(matcher, tokens)
        cursor.pending.extend(tokens)
        text.add(tokens)
        if other is not None:
            other.pass_by(tokens)

    def done() -> Written:
        written.text = bytes(text.data)
        return written

    while True:
        if forced := matcher.compute_ff_tokens():
            take(forced)
            row = None
        if matcher.is_stopped():
            _raise_error(matcher)
            return done()
        allowed = allowed_tokens(matcher, backend)
        if np.count_nonzero(allowed) == 1:
            token = int(allowed.argmax())
        else:
            if cursor.tally.chosen >= budget:
                raise AnswerTooLong(
                    f"the answer was not complete after max_tokens = {budget}",
                    help="raise max_tokens, or bound the type, as in str(..40)",
                )
            read = (yield cursor.flush())[0] if row is None else row
            logits = np.where(allowed, read, np.float32(-np.inf))
            if other is not None:
                other.leave_out(logits)
            token, chance = sampler.write(logits, piece)
            while not may_follow(token):
                logits[token] = -np.inf
                if not np.isfinite(logits).any():
                    raise EngineError("the answer cannot go on: all that the grammar allows is there already")
                token, chance = sampler.write(logits, piece)
            sampler.keep(token, logits, len(text.data), piece)
            cursor.tally.note_margin(logits)
            written.chosen.append((len(text.data), chance))
            cursor.tally.chosen += 1
        row = None
        if backend.is_end(token):
            return done()
        take([token])


def allowed_tokens(matcher: LLMatcher, backend: Backend) -> NDArray[np.bool_]:
    """The tokens that a grammar allows next, shape (n_vocab,). Raises `EngineError` if the matcher fails."""
    mask = np.zeros((backend.n_vocab + 31) // 32, dtype=np.int32)
    matcher.unsafe_compute_mask_ptr(mask.ctypes.data, mask.nbytes)
    _raise_error(matcher)
    return np.unpackbits(mask.view(np.uint8), bitorder="little")[: backend.n_vocab].view(np.bool_)


class _Other:
    """A text that is not the one that is written, though that may begin with the same tokens.

    It was likely, perhaps: then its tokens are too, and who goes along them comes to its end, where nothing
    likely is left. So on the way it is left out: of the probability of each of its tokens goes the share that
    leads to it.
    """

    def __init__(self, beginning: Beginning) -> None:
        self._text = beginning.text
        self._tokens = beginning.tokens
        log_probs = beginning.log_probs
        is_known = len(log_probs) == len(self._tokens)  # else it is hardly ever said
        self._rest = [sum(log_probs[place + 1 :]) for place in range(len(log_probs) if is_known else 0)]
        self._place: int | None = 0

    def leave_out(self, logits: NDArray[np.float32]) -> None:
        """Take its share from its next token, if it was written so far."""
        if self._place is not None and self._place < len(self._rest):
            with np.errstate(divide="ignore"):
                logits[self._tokens[self._place]] += np.log(-np.expm1(min(self._rest[self._place], 0.0)))

    def pass_by(self, tokens: list[int]) -> None:
        """Note what was written."""
        for token in tokens:
            is_next = self._place is not None and self._tokens[self._place : self._place + 1] == (token,)
            self._place = self._place + 1 if self._place is not None and is_next else None

    def is_said(self, text: bytes) -> bool:
        """Whether a text that is complete is this one, in whatever tokens."""
        return text == self._text


def begins(cursor: Cursor, text: bytes, either: LLMatcher, other: LLMatcher) -> Decoding[Beginning]:
    """How probable it is that the answer goes on with `text`, under the masks of `either`, which allows it
    and what `other` allows.

    What both begin with is forced: it waits at the cursor then, and both have taken it. A token that only
    `text` allows decides, and what follows it is not asked for. Where `other` allows it too, as it does with
    text that may begin with anything, the next row is read behind it, in a sequence that is given back; but
    no further than what is less probable than `_UNLIKELY`.
    """
    backend = cursor.sequences.backend
    common = b""
    if forced := either.compute_ff_tokens():
        _consume(either, forced)
        _consume(other, forced)
        cursor.pending.extend(forced)
        common = b"".join(map(backend.piece, forced))
    tokens = tuple(backend.tokenize(text[len(common) :].decode(), control=False))
    first = row = (yield cursor.flush())[0]
    coverage = min(0.0, log_sum_exp(first[allowed_tokens(either, backend)]) - log_sum_exp(first))
    log_probs: list[float] = []
    ahead = other.deep_copy()
    probe: Cursor | None = None
    try:
        for place, token in enumerate(tokens):
            log_probs.append(float(row[token]) - log_sum_exp(row[allowed_tokens(either, backend)]))
            is_last = place == len(tokens) - 1
            if is_last or sum(log_probs) < _UNLIKELY or not ahead.try_consume_tokens([token]):
                break
            _consume(either, [token])
            probe = probe or cursor.branch([])
            probe.pending.append(token)
            row = (yield probe.flush())[0]
    finally:
        if probe is not None:
            cursor.sequences.give_back(probe.sequence)
    return Beginning(text, common, tokens, first, tuple(log_probs), float(np.exp(coverage)))


def speak(
    cursor: Cursor,
    sampler: Sampler,
    budget: int,
    *,
    bias: Callable[[Sequence[int], Rows], Rows] | None = None,
    emit: Emit | None = None,
    ends: Callable[[bytes], bool] | None = None,
) -> Decoding[Written]:
    """Write freely until the model ends, the text so far `ends`, or `budget` tokens are written. The last
    token of the text waits at the cursor.

    `bias` changes the logits, shape (1, vocabulary), from the tokens so far, as a logits processor does.
    """
    backend = cursor.sequences.backend
    text = _Text(backend, emit)
    written = Written()
    tokens = list(cursor.pending)
    for _ in range(budget):
        rows = yield cursor.flush()
        logits = rows[0] if bias is None else bias(tokens, rows)[0]
        token, chance = sampler.take(logits)
        cursor.tally.note_margin(logits)
        cursor.tally.chosen += 1
        if backend.is_end(token):
            break
        cursor.pending.append(token)
        tokens.append(token)
        written.chosen.append((len(text.data), chance))
        text.add([token])
        if ends is not None and ends(bytes(text.data)):
            break
    written.text = bytes(text.data)
    return written


class _Text:
    """The bytes written so far, told to a listener as they come."""

    def __init__(self, backend: Backend, emit: Emit | None) -> None:
        self.data = bytearray()
        self._backend = backend
        self._emit = emit

    def add(self, tokens: Sequence[int]) -> None:
        fresh = b"".join(map(self._backend.piece, tokens))
        self.data += fresh
        if self._emit and fresh:
            self._emit(fresh)


def _consume(matcher: LLMatcher, tokens: list[int]) -> None:
    if not matcher.consume_tokens(tokens):
        raise EngineError(f"the guide refused its own tokens: {matcher.get_error()}")


def _raise_error(matcher: LLMatcher) -> None:
    if matcher.is_error():
        raise EngineError(f"the guide failed: {matcher.get_error()}")
