"""Plans at work: coroutines that say which tokens to evaluate next and are sent the logits.

A coroutine yields a `Step` and receives its `Rows`; it never touches the model, so many of them can share one
batch. `Cursor` is a call's place in the KV cache: tokens that are not evaluated yet wait in `pending` and go
with the next step that needs logits, so forced text never costs a pass of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import AnswerTooLong, EngineError
from ..prompts.trie import ROOT, Trie
from .backend import Backend, Rows, SequencePool, Step

if TYPE_CHECKING:
    from llguidance import LLMatcher

MAX_PATHS: Final = 64
"""Paths through a trie that are evaluated side by side; more take turns."""

Emit: TypeAlias = Callable[[bytes], None]
T = TypeVar("T")
Decoding: TypeAlias = Generator[Step, Rows, T]


@dataclass(slots=True)
class Tally:
    """What a call has cost so far, and how sure it was.

    `decoded` counts the tokens evaluated, `chosen` those that the model chose. `margin` is the least
    distance, in log-probability, by which a best token or label beat the next one.
    """

    decoded: int = 0
    chosen: int = 0
    margin: float = float("inf")

    def note_margin(self, scores: NDArray[np.float32] | NDArray[np.float64]) -> None:
        """Keep the distance between the best two scores, if it is the least so far."""
        if len(scores) > 1:
            best = int(scores.argmax())
            second = max(scores[:best].max(initial=-np.inf), scores[best + 1 :].max(initial=-np.inf))
            self.margin = min(self.margin, float(scores[best]) - float(second))


@dataclass(slots=True)
class Cursor:
    """A call's place: its sequence among those of `pool`, how many tokens of it are evaluated, and those that
    wait. The cursors of a call share its tally."""

    pool: SequencePool
    sequence: int
    position: int
    pending: list[int] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)

    def flush(self, beside: tuple[int, ...] = (), *, row: bool = True) -> Step:
        """A step that evaluates what waits, also in the sequences `beside`, and reads the last row."""
        count = len(self.pending)
        step = Step(
            tokens=self.pending,
            positions=list(range(self.position, self.position + count)),
            sequences=[(self.sequence, *beside)] * count,
            rows=[count - 1] if row else [],
        )
        self.position += count
        self.tally.decoded += count
        self.pending = []
        return step

    def branch(self, lead: Sequence[int]) -> Cursor:
        """A cursor behind what waits here, in a sequence of its own. `side_by_side` evaluates what waits."""
        start = self.position + len(self.pending)
        return Cursor(self.pool, self.pool.fork(self.sequence), start, list(lead), self.tally)


@dataclass(frozen=True, slots=True)
class Sampler:
    """How a token or a label is taken from its probabilities: the best one, or by chance at a temperature."""

    temperature: float
    random: np.random.Generator | None

    def pick(self, log_probs: NDArray[np.float64]) -> int:
        """An index into normalised log-probabilities."""
        if self.temperature == 0 or self.random is None:
            return int(np.argmax(log_probs))
        scaled = log_probs / self.temperature
        weights = np.exp(scaled - scaled.max())
        return int(self.random.choice(len(weights), p=weights / weights.sum()))

    def take(self, logits: NDArray[np.float32]) -> tuple[int, float]:
        """An index into logits, and its log-probability among them."""
        if self.temperature == 0:
            best = int(logits.argmax())
            return best, float(logits[best]) - log_sum_exp(logits)
        log_probs = logits.astype(np.float64) - log_sum_exp(logits)
        which = self.pick(log_probs)
        return which, float(log_probs[which])


def log_sum_exp(values: NDArray[np.float32] | NDArray[np.float64]) -> float:
    top = values.max()
    # Logits stay float32 here, for which NumPy has vector instructions; their sum does not.
    return float(top) + float(np.log(np.exp(values - top).sum(dtype=np.float64)))


@dataclass(frozen=True, slots=True)
class Scores:
    """Labels' log-probabilities before any constraint, in the order of the labels, and that of all labels."""

    log_probs: NDArray[np.float64]
    total: float

    def coverage(self) -> float:
        return float(np.exp(min(0.0, self.total)))

    def normalised(self) -> NDArray[np.float64]:
        return self.log_probs - self.total


def choose(cursor: Cursor, trie: Trie, sampler: Sampler) -> Decoding[tuple[int, Scores]]:
    """Score every label and take one. The cursor ends behind the label, its unevaluated tokens pending.

    Without collisions one row is read, in the pass that the prompt needs anyhow. With collisions every path
    through the trie's inner nodes gets a sequence that shares the prompt; all go into the same batch, or into
    several where there are more than `MAX_PATHS`.
    """
    cursor.pending.extend(trie.common)
    log_probs = np.zeros(len(trie.labels))
    by_node: dict[int, list[tuple[int, int]]] = {}
    for label, edges in enumerate(trie.edges):
        for node, token in edges:
            by_node.setdefault(node, []).append((label, token))

    def read(node: int, row: NDArray[np.float32]) -> None:
        total = log_sum_exp(row)
        for label, token in by_node[node]:
            log_probs[label] += float(row[token]) - total

    if not trie.paths:
        rows = yield cursor.flush()
        read(ROOT, rows[0])
        scores = Scores(log_probs, log_sum_exp(log_probs))
        return _take(cursor, trie, scores, sampler), scores

    pool = cursor.pool
    held: list[int] = []
    members: dict[int, list[int]] = {}
    read_already: set[int] = set()
    try:
        for start in range(0, len(trie.paths), MAX_PATHS):
            _release(held, pool)
            chunk = trie.paths[start : start + MAX_PATHS]
            for _ in chunk:
                held.append(pool.fork(cursor.sequence))
            step = cursor.flush(tuple(held)) if start == 0 else Step()
            fresh = [ROOT] if start == 0 else []
            members = {}
            for path, sequence in zip(chunk, held, strict=True):
                for node in path:
                    members.setdefault(node, []).append(sequence)
            # Nodes are numbered parents first, so every sequence sees its positions in order.
            for node, sequences in sorted(members.items()):
                place = trie.nodes[node]
                new = node not in read_already
                step.add(place.token, cursor.position + place.depth - 1, tuple(sequences), row=new)
                if new:
                    read_already.add(node)
                    fresh.append(node)
            cursor.tally.decoded += len(members)
            rows = yield step
            for node, row in zip(fresh, rows, strict=True):
                read(node, row)
        scores = Scores(log_probs, log_sum_exp(log_probs))
        best = _take(cursor, trie, scores, sampler)
        way = trie.evaluated(best)
        if way and way[-1] in members:
            begin = cursor.position
            cursor.position += len(way)
            pool.backend.fork(members[way[-1]][0], cursor.sequence, begin, cursor.position)
        else:
            cursor.pending[:0] = (trie.nodes[node].token for node in way)
        return best, scores
    finally:
        _release(held, pool)


def _release(held: list[int], pool: SequencePool) -> None:
    while held:
        pool.give_back(held.pop())


def _take(cursor: Cursor, trie: Trie, scores: Scores, sampler: Sampler) -> int:
    best = sampler.pick(scores.normalised())
    cursor.tally.note_margin(scores.log_probs)
    cursor.pending.extend(trie.rest(best))
    cursor.tally.chosen += 1
    return best


def write(
    cursor: Cursor,
    matcher: LLMatcher,
    sampler: Sampler,
    budget: int,
    emit: Emit | None = None,
) -> Decoding[tuple[bytes, float]]:
    """Write what the grammar allows until it is complete: bytes, and their log-probability under the masks.

    Forced runs are added without a pass, canonically tokenised. Raises `AnswerTooLong` after `budget` tokens
    that the model chose, `EngineError` if the matcher fails.
    """
    backend = cursor.pool.backend
    text = _Text(backend, emit)
    log_prob = 0.0
    mask = np.zeros((backend.n_vocab + 31) // 32, dtype=np.int32)
    while True:
        if forced := matcher.compute_ff_tokens():
            _consume(matcher, forced)
            cursor.pending.extend(forced)
            text.add(forced)
        if matcher.is_stopped():
            _raise_error(matcher)
            return bytes(text.data), log_prob
        matcher.unsafe_compute_mask_ptr(mask.ctypes.data, mask.nbytes)
        _raise_error(matcher)
        allowed = np.unpackbits(mask.view(np.uint8), bitorder="little")[: backend.n_vocab].view(np.bool_)
        if np.count_nonzero(allowed) == 1:
            token = int(allowed.argmax())
        else:
            if cursor.tally.chosen >= budget:
                raise AnswerTooLong(
                    f"the answer was not complete after max_tokens = {budget}",
                    help="raise max_tokens, or bound the type, as in str(..40)",
                )
            rows = yield cursor.flush()
            logits = np.where(allowed, rows[0], np.float32(-np.inf))
            token, chance = sampler.take(logits)
            cursor.tally.note_margin(logits)
            log_prob += chance
            cursor.tally.chosen += 1
        if backend.is_end(token):
            return bytes(text.data), log_prob
        _consume(matcher, [token])
        cursor.pending.append(token)
        text.add([token])


def speak(
    cursor: Cursor,
    bias: Callable[[Sequence[int], Rows], Rows],
    sampler: Sampler,
    budget: int,
    emit: Emit | None = None,
) -> Decoding[bytes]:
    """Write freely until the model ends or `budget` tokens are written.

    `bias` changes the logits, shape (1, vocabulary), from the tokens so far, as a logits processor does.
    """
    backend = cursor.pool.backend
    text = _Text(backend, emit)
    tokens = list(cursor.pending)
    for _ in range(budget):
        rows = yield cursor.flush()
        token, _chance = sampler.take(bias(tokens, rows)[0])
        cursor.tally.chosen += 1
        if backend.is_end(token):
            break
        cursor.pending.append(token)
        tokens.append(token)
        text.add([token])
    return bytes(text.data)


def side_by_side(
    cursor: Cursor, branches: Sequence[tuple[Sequence[int], Callable[[Cursor], Decoding[T]]]]
) -> Decoding[list[T]]:
    """Decode several continuations in the same batches, each behind tokens of its own and in a sequence of
    its own; none sees the others. What waits at the cursor is evaluated once, for all of them."""
    found: dict[int, T] = {}
    waiting: dict[int, Step] = {}
    cursors = [cursor.branch(lead) for lead, _ in branches]
    decodings = [decode(own) for own, (_, decode) in zip(cursors, branches, strict=True)]

    def send(index: int, rows: Rows | None) -> None:
        try:
            # A generator that has not begun is sent `None`.
            waiting[index] = decodings[index].send(rows)  # type: ignore[arg-type]
        except StopIteration as end:
            found[index] = end.value

    try:
        for index in range(len(branches)):
            send(index, None)
        # By now the branches have forked what sequences they need, none of which has what waits here.
        sequences = {number for step in waiting.values() for each in step.sequences for number in each}
        batch = cursor.flush(tuple(sequences), row=False) if waiting else Step()
        while waiting:
            asked = list(waiting.items())
            waiting.clear()
            for _, step in asked:
                batch.extend(step, 0, len(step.tokens))
            rows = yield batch
            batch = Step()
            start = 0
            for index, step in asked:
                send(index, rows[start : start + len(step.rows)])
                start += len(step.rows)
        return [found[index] for index in range(len(branches))]
    finally:
        for decoding in decodings:
            decoding.close()
        _release([own.sequence for own in cursors], cursor.pool)


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
