"""In which order the inner nodes of a large trie are evaluated, and when there is enough.

Up to `MAX_PATHS` paths are evaluated side by side, in one batch, and then every label has its exact
probability. Thousands of labels may have hundreds of paths, and nearly all of these lead to what the model
would never say. So the likely ones go first. A prefix is at least as probable as all the labels behind it
together, so what has not been evaluated is bounded by what has:

    (end of the prompt) ─┬─  get   .60  ─┬─ ...      evaluated: .59 of it are labels
                         ├─  send  .39  ─┬─ ...      evaluated
                         └─  play  .0002 ─┬─ ...     not evaluated: its labels have .0002 at most

It ends when the best label is more probable than any prefix that is left, and all that is left has less than
`LEFT_OUT` of the probability: the answer is the one that all batches would give, and no probability is
further off than that. What is left is shared out evenly among its labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..prompts.trie import ROOT, Trie

MAX_PATHS: Final = 64
"""Paths through a trie that are evaluated side by side; more take turns."""

_NOTHING: Final = -2

LEFT_OUT: Final = 1e-3
"""The share of the labels' probability that is not looked at any more."""


class TrieSearch:
    """Which paths of a trie are evaluated next. `read` are the nodes whose rows have been read, `ROOT` among
    them."""

    def __init__(self, trie: Trie) -> None:
        self.read: set[int] = set()
        self._trie = trie
        pairs = [(node, label) for label in range(len(trie.labels)) for node in trie.evaluated(label)]
        self._nodes, self._labels = np.array(pairs, dtype=np.intp).reshape(-1, 2).T

    def next_paths(self, log_probs: NDArray[np.float64]) -> Sequence[tuple[int, ...]]:
        """Chains of nodes from the root, `MAX_PATHS` at most; none when there is enough.

        `log_probs` has for each label, shape (K,), the sum of what has been read of its tokens.
        """
        if len(self._trie.paths) <= MAX_PATHS:
            return () if self.read else self._trie.paths
        shared = log_probs.copy()
        self.share_out(shared)
        shares = np.exp(shared - shared.max())
        shares /= shares.sum()
        likely = np.zeros(len(self._trie.nodes))
        np.add.at(likely, self._nodes, shares[self._labels])
        return () if self._is_enough(shares, likely) else self._chains(self._chosen(likely))

    def share_out(self, log_probs: NDArray[np.float64]) -> None:
        """Give the labels behind each prefix that is left equal shares of its probability."""
        prefixes = self._prefixes(log_probs)
        places = np.unique(prefixes, return_inverse=True)[1]
        log_probs -= np.where(prefixes == _NOTHING, 0.0, np.log(np.bincount(places)[places]))

    def _prefixes(self, log_probs: NDArray[np.float64]) -> NDArray[np.intp]:
        """For each label the node on its way that is to be read next, `_NOTHING` where all have been."""
        is_left = np.ones(len(self._trie.nodes), dtype=np.bool_)
        is_left[[node for node in self.read if node != ROOT]] = False
        # They stand in the order of the labels and, for each label, of its way.
        (left,) = np.nonzero(is_left[self._nodes])
        labels, first = np.unique(self._labels[left], return_index=True)
        found = np.full(len(log_probs), _NOTHING, dtype=np.intp)
        found[labels] = self._nodes[left[first]]
        return found

    def _is_enough(self, shares: NDArray[np.float64], likely: NDArray[np.float64]) -> bool:
        if ROOT not in self.read:
            return False
        is_open = self._prefixes(shares) != _NOTHING
        if is_open.all():
            return False
        left = [likely[node] for node in range(len(likely)) if self._is_next(node)]
        return not left or bool(max(left) < shares[~is_open].max() and sum(left) < LEFT_OUT)

    def _is_next(self, node: int) -> bool:
        return node not in self.read and self._trie.nodes[node].parent in self.read

    def _chosen(self, likely: NDArray[np.float64]) -> list[int]:
        """The likeliest nodes that have not been read, as many as `MAX_PATHS` paths reach. One behind another
        is as likely as the other, times its share of the labels there."""
        ends: set[int] = set()
        for node in np.argsort(-likely, kind="stable"):
            number = int(node)
            if number in self.read or likely[number] < LEFT_OUT / MAX_PATHS:
                continue
            parent = self._trie.nodes[number].parent
            if len(ends) == MAX_PATHS and parent not in ends:
                break
            ends.discard(parent)
            ends.add(number)
        return list(ends)

    def _chains(self, ends: Sequence[int]) -> list[tuple[int, ...]]:
        """The chain from the root to each node."""
        chains = []
        for end in ends:
            chain = [end]
            while (parent := self._trie.nodes[chain[-1]].parent) != ROOT:
                chain.append(parent)
            chains.append(tuple(reversed(chain)))
        return chains


def most_evaluated(trie: Trie) -> int:
    """How many tokens are evaluated to score the labels, at most. They are the inner nodes; where paths take
    turns, each may be evaluated again in the turn of each node behind it."""
    if len(trie.paths) <= MAX_PATHS:
        return len(trie.nodes)
    return sum(node.depth for node in trie.nodes)
