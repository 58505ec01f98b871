"""Plans at work: coroutines that say which tokens to evaluate next and are sent the logits.

A coroutine yields a `Step`, the tokens that it wants evaluated, and is sent the `Rows` of logits that it
asked for. It never touches the model, and does not know when its step runs: a lane puts the steps of many
coroutines into one batch, or lets one of them wait until the cache has room for it.

`Cursor` is a call's place in the KV cache. Text that is already decided (the argument, a field's name, a
label) needs no logits, so its tokens wait in `pending` and go with the next step that does: forced text never
costs a pass of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..prompts.trie import ROOT, Trie
from .backend import Rows, Step
from .sampling import Sampler, Scores, Weigh, log_sum_exp
from .sequences import Sequences
from .trie_search import MAX_PATHS, TrieSearch

MAX_SEQUENCES: Final = MAX_PATHS + 2
"""Sequences that one token of a call may belong to. What waits at a cursor is evaluated once, for the
cursor's own sequence and for all that begin behind it: those of a trie's paths, or of several continuations
with the paths of each, which are at most `MAX_PATHS` + 1 in all."""

T = TypeVar("T")
Decoding: TypeAlias = Generator[Step, Rows, T]


@dataclass(slots=True)
class Tally:
    """What a call has cost so far, and how sure it was.

    `decoded` counts the tokens evaluated, `dropped` those of them that are in the cache no more, `chosen`
    those that the model chose. `margin` is the least distance, in log-probability, by which a best token or
    label beat the next one.
    """

    decoded: int = 0
    dropped: int = 0
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
    """A call's place: one of its `sequences`, how many tokens of that one are evaluated, and those that wait.
    The cursors of a call share its tally. What is written there `is_free` if it is no part of the answer."""

    sequences: Sequences
    sequence: int
    position: int
    pending: list[int] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    is_free: bool = False

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
        return Cursor(self.sequences, self.sequences.fork(self.sequence), start, list(lead), self.tally)


def choose(
    cursor: Cursor, trie: Trie, sampler: Sampler, weigh: Weigh | None = None
) -> Decoding[tuple[int, Scores]]:
    """Score every label, `weigh` the scores, and take one. The cursor ends behind the label, its unevaluated
    tokens pending.

    A label's score is the sum of the log-probabilities of its tokens, up to the first token that no other
    label has in its place. Where the labels differ in their first token, one row decides: the last one of the
    prompt, which has to be evaluated anyhow. Where they collide, the nodes of the trie below which they part
    are evaluated too, in the same batch as the prompt. A node has to see the tokens above it and none of
    those beside it, so each path from the root gets a sequence that shares the prompt, and a node belongs to
    the sequences of all paths through it. More than `MAX_PATHS` paths go into several batches, the likely
    ones first, until what is left can't matter (`TrieSearch`).
    """
    cursor.pending.extend(trie.common)
    log_probs = np.zeros(len(trie.labels))
    by_node: dict[int, list[tuple[int, int]]] = {}
    for label, edges in enumerate(trie.edges):
        for node, token in edges:
            by_node.setdefault(node, []).append((label, token))

    def read(node: int, row: NDArray[np.float32]) -> None:
        """Add what the row behind a node says to the scores of the labels that go on from there."""
        total = log_sum_exp(row)
        for label, token in by_node[node]:
            log_probs[label] += float(row[token]) - total

    if not trie.paths:
        rows = yield cursor.flush()
        read(ROOT, rows[0])
        scores = _scores(log_probs, weigh)
        return _take(cursor, trie, scores, sampler), scores

    held: list[int] = []
    members: dict[int, list[int]] = {}
    search = TrieSearch(trie)
    is_first = True
    try:
        while chunk := search.next_paths(log_probs):
            _release(held, cursor.sequences)
            cursor.tally.dropped += len(members)
            for _ in chunk:
                held.append(cursor.sequences.fork(cursor.sequence))
            step = cursor.flush(tuple(held)) if is_first else Step()
            fresh = [ROOT] if is_first else []
            is_first = False
            members = {}
            for path, sequence in zip(chunk, held, strict=True):
                for node in path:
                    members.setdefault(node, []).append(sequence)
            # Nodes are numbered parents first, so every sequence sees its positions in order.
            for node, sequences in sorted(members.items()):
                place = trie.nodes[node]
                new = node not in search.read
                step.add(place.token, cursor.position + place.depth - 1, tuple(sequences), row=new)
                if new:
                    fresh.append(node)
            cursor.tally.decoded += len(members)
            rows = yield step
            for node, row in zip(fresh, rows, strict=True):
                read(node, row)
            search.read.update(fresh)
        search.share_out(log_probs)
        scores = _scores(log_probs, weigh)
        best = _take(cursor, trie, scores, sampler)
        way = trie.evaluated(best)
        if way and way[-1] in members:
            # The label's nodes are in the cache, in a path's sequence: the cursor goes on from there.
            begin = cursor.position
            cursor.position += len(way)
            cursor.sequences.extend(cursor.sequence, members[way[-1]][0], begin, cursor.position)
        else:
            # They were in an earlier batch, whose sequences are gone.
            cursor.pending[:0] = (trie.nodes[node].token for node in way)
        return best, scores
    finally:
        _release(held, cursor.sequences)


def _scores(log_probs: NDArray[np.float64], weigh: Weigh | None) -> Scores:
    scores = Scores(log_probs, log_sum_exp(log_probs))
    return scores if weigh is None else scores.weighed(weigh)


def _release(held: list[int], sequences: Sequences) -> None:
    while held:
        sequences.give_back(held.pop())


def _take(cursor: Cursor, trie: Trie, scores: Scores, sampler: Sampler) -> int:
    best = sampler.pick(scores.normalised())
    cursor.tally.note_margin(scores.log_probs)
    cursor.pending.extend(trie.rest(best))
    cursor.tally.chosen += 1
    return best


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
        # By now each branch has forked the sequences that it needs for its first step. All of them begin with
        # what waits here, and none has it yet: it goes once, for all of them, before the branches' own
        # tokens.
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
        _release([own.sequence for own in cursors], cursor.sequences)
