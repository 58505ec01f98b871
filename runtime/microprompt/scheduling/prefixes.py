"""Prompts' static prefixes, kept across calls: as a tree in a KV cache, and saved in plain memory behind it.

Everything in a prompt that does not depend on the arguments comes first, so that all calls of a function
begin with the same tokens. They are evaluated once; a call forks the sequence that holds them, which copies
nothing.

Prefixes of different functions often begin alike too (the same instruction, the same chat turn), and then
share cells. They form a tree: a prefix that goes on from another one is its child. Each node holds a sequence
of its own, in which the tokens of all its ancestors can be read, but only the cells from `shared` on are its
own. So a leaf can be evicted without taking anything from its parent, and cells are counted once.

    "Classify this: "            12 cells of its own, 12 tokens
      "Classify this: bug or"     4 cells of its own, 16 tokens
      "Classify this: yes or"     4 cells of its own, 16 tokens

Where a new prefix parts from a node in the middle, a node for what the two have in common is put above it.

A prefix may end in a *state*, a text that several questions are asked about (`prompts.states`). It is of use
for as long as somebody asks about that text, and never again, so it is not kept in the store and leaves the
cache soon.

Behind the tree, `PrefixStore` keeps what was evaluated as bytes, for all caches of a model: to bring a prefix
back from there is much cheaper than to evaluate it again.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final, TypeAlias

from .backend import SequencePool, Step

Tokens: TypeAlias = tuple[int, ...]

MIN_SHARED: Final = 8
"""Fewer tokens in common are not worth a node."""

RESIDENT_CELLS: Final = 1024
"""Prefixes beyond these, least recently used, leave the cache for the store. A restored prefix of 120 tokens
costs 1 ms; attention that has to look past 4,000 cells of others costs a call half its time again."""

STORE_BYTES: Final = 128 * 2**20
"""How much of the plain memory saved prefixes may take. One token of SmolLM2-135M takes 23 kB."""


STATE_SECONDS: Final = 10.0
"""How long the last state stays in the cache after its last use, though the prefixes there have more than
`RESIDENT_CELLS`: the next questions about it may depend on what the first ones came to. To evaluate a state
of 1,000 tokens again takes 2 s."""


@dataclass(slots=True, eq=False)
class Prefix:
    """A node: `tokens` from the start of the prompt, of which the first `shared` are its parent's.

    `is_ready` is false while it is being evaluated. `users` is how many calls run on it; while there are any,
    it stays. `is_state` says that it ends in a state, `left` when the last call left it.
    """

    tokens: Tokens
    shared: int
    sequence: int
    parent: Prefix | None
    is_ready: bool
    children: int = 0
    users: int = 0
    last_used: int = 0
    is_state: bool = False
    left: float = 0.0

    def own_cells(self) -> int:
        return len(self.tokens) - self.shared

    def step(self) -> Step:
        """What has to be evaluated to make it ready."""
        step = Step()
        for position in range(self.shared, len(self.tokens)):
            step.add(self.tokens[position], position, (self.sequence,))
        return step


class PrefixStore:
    """Evaluated prefixes as bytes, for caches that dropped them or never had them. Safe from any thread.

    A cache that ends after some layers has nothing of those above, so what it saved is for others of the same
    `exit` only.
    """

    def __init__(self, limit: int = STORE_BYTES) -> None:
        self._limit = limit
        self._size = 0
        self._saved: OrderedDict[tuple[int | None, Tokens], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, tokens: Tokens, saved: bytes, exit: int | None = None) -> None:
        """Keep a prefix; the least recently used ones go when the store is full."""
        key = (exit, tokens)
        with self._lock:
            if key in self._saved or len(saved) > self._limit:
                return
            self._saved[key] = saved
            self._size += len(saved)
            while self._size > self._limit:
                _, dropped = self._saved.popitem(last=False)
                self._size -= len(dropped)

    def get(self, tokens: Tokens, exit: int | None = None) -> bytes | None:
        """What was saved, if it is still here."""
        key = (exit, tokens)
        with self._lock:
            if key in self._saved:
                self._saved.move_to_end(key)
            return self._saved.get(key)

    def holds(self, tokens: Tokens, exit: int | None = None) -> bool:
        with self._lock:
            return (exit, tokens) in self._saved

    def clear(self) -> None:
        with self._lock:
            self._saved.clear()
            self._size = 0


class PrefixTree:
    """The prefixes in one KV cache, of a model that ends after `exit` layers, if it does."""

    def __init__(self, pool: SequencePool, store: PrefixStore, exit: int | None = None) -> None:
        self._pool = pool
        self._store = store
        self._exit = exit
        self._nodes: dict[Tokens, Prefix] = {}
        self._clock = count(1)

    def cells(self) -> int:
        """Cache cells in use."""
        return sum(node.own_cells() for node in self._nodes.values())

    def find(self, tokens: Tokens) -> Prefix | None:
        """The node of a prefix, ready or not."""
        return self._nodes.get(tokens)

    def cost(self, tokens: Tokens) -> tuple[int, int, Prefix | None]:
        """The cells and sequences that `add` takes at most, and the node that must stay for it to take no
        more.

        A prefix that is restored brings all its cells, for what was saved stands by itself. One that is
        evaluated takes those that it does not share, and a second sequence if a node has to be split for it.
        """
        if not tokens:
            return 0, 0, None
        if (node := self._nodes.get(tokens)) is not None:
            return 0, 0, node
        if self._store.holds(tokens, self._exit):
            return len(tokens), 1, None
        best, length = self._most_alike(tokens)
        return len(tokens) - length, 2, best

    def add(self, tokens: Tokens, *, is_state: bool = False) -> Prefix:
        """A node for a prefix that has none: restored if it was saved, else with what others share with it,
        and the rest for the caller to evaluate and then `keep`."""
        if (saved := self._store.get(tokens, self._exit)) is not None:
            sequence = self._pool.take()
            try:
                self._pool.backend.restore(sequence, saved)
            except BaseException:
                self._pool.give_back(sequence)
                raise
            node = Prefix(tokens, 0, sequence, None, is_ready=True)
        elif (parent := self._longest_shared(tokens)) is not None:
            if parent.tokens == tokens:
                return parent
            sequence = self._pool.fork(parent.sequence)
            node = Prefix(tokens, len(parent.tokens), sequence, parent, is_ready=False, is_state=is_state)
            parent.children += 1
        else:
            node = Prefix(tokens, 0, self._pool.take(), None, is_ready=False, is_state=is_state)
        self._nodes[tokens] = node
        return node

    def keep(self, node: Prefix) -> None:
        """A node was evaluated."""
        node.is_ready = True
        if not node.is_state:
            self._store.put(node.tokens, self._pool.backend.save(node.sequence), self._exit)

    def acquire(self, node: Prefix) -> None:
        """A call begins to run on a node, until it says `release`."""
        node.users += 1
        node.last_used = next(self._clock)

    def release(self, node: Prefix) -> None:
        """A call runs on a node no longer."""
        node.users -= 1
        node.left = time.monotonic()

    def make_room(self, cells: int, sequences: int, keep: Prefix | None) -> bool:
        """Evict prefixes, the least recently used first, until the tree has at most `cells` and `sequences`
        are free. Evicts nothing, and returns false, where that can't be had without what calls run on and
        `keep`."""
        staying = self._staying(keep)
        free = len(self._pool) + len(self._nodes) - len(staying)
        if sum(node.own_cells() for node in staying) > cells or free < sequences:
            return False
        while self.cells() > cells or len(self._pool) < sequences:
            self.evict(min(self._leaves(keep), key=lambda node: node.last_used))
        return True

    def trim(self, keep: Prefix) -> None:
        """Leave to the store what the store has, and drop states, until no more than `RESIDENT_CELLS` are
        used. The last state stays for a while.

        A call's attention has to look past all cells in use, also those of other prefixes, so a full cache is
        a slow one.
        """
        excess = self.cells() - RESIDENT_CELLS
        if excess <= 0:
            return
        states = [node for node in self._nodes.values() if node.is_state]
        last_state = max(states, key=lambda node: node.last_used, default=None)
        for node in sorted(self._leaves(keep), key=lambda node: node.last_used):
            if node.is_state:
                is_spare = node is not last_state or time.monotonic() - node.left > STATE_SECONDS
            else:
                is_spare = self._store.holds(node.tokens, self._exit)
            if excess > 0 and is_spare:
                excess -= node.own_cells()
                self.evict(node)

    def evict(self, node: Prefix) -> None:
        """Remove a leaf."""
        del self._nodes[node.tokens]
        if node.parent is not None:
            node.parent.children -= 1
        self._pool.give_back(node.sequence)

    def clear(self) -> None:
        """Evict every node."""
        for node in self._nodes.values():
            self._pool.give_back(node.sequence)
        self._nodes.clear()

    def _staying(self, keep: Prefix | None) -> set[Prefix]:
        """What can't be evicted: `keep`, what calls run on or wait for, and what lies above these."""
        staying: set[Prefix] = set()
        for node in self._nodes.values():
            if node.users or not node.is_ready or node is keep:
                above: Prefix | None = node
                while above is not None and above not in staying:
                    staying.add(above)
                    above = above.parent
        return staying

    def _leaves(self, keep: Prefix | None) -> list[Prefix]:
        """What may be evicted: a node without children, for theirs begin in its cells, that no call runs
        on."""
        return [
            node
            for node in self._nodes.values()
            if not node.children and not node.users and node is not keep and node.is_ready
        ]

    def _longest_shared(self, tokens: Tokens) -> Prefix | None:
        """The node of the longest beginning that another prefix shares, made now if there was none."""
        best, length = self._most_alike(tokens)
        if best is None:
            return None
        # `length` may lie in the cells of an ancestor: that one is the node to go on from, or to split.
        while best.parent is not None and length <= best.shared:
            best = best.parent
        known = self._nodes.get(tokens[:length])
        if known is not None:
            return known if known.is_ready else None
        return self._split(best, length)

    def _most_alike(self, tokens: Tokens) -> tuple[Prefix | None, int]:
        """The node that begins with most of these tokens, and with how many; none if they are few."""
        ready = [node for node in self._nodes.values() if node.is_ready]
        # All nodes below one that is alike as far are as much alike; the shortest is above the others.
        best = max(ready, key=lambda node: (_common(node.tokens, tokens), -len(node.tokens)), default=None)
        if best is None or (length := _common(best.tokens, tokens)) < MIN_SHARED:
            return None, 0
        return best, length

    def _split(self, node: Prefix, length: int) -> Prefix:
        """Put a node for the first `length` tokens above `node`."""
        above = Prefix(
            tokens=node.tokens[:length],
            shared=node.shared,
            sequence=self._pool.fork(node.sequence, length),
            parent=node.parent,
            is_ready=True,
            children=1,
            last_used=node.last_used,
            is_state=node.is_state,
            left=node.left,
        )
        node.shared, node.parent = length, above
        self._nodes[above.tokens] = above
        return above


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens both begin with."""
    length = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        length += 1
    return length
