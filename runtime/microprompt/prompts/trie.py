"""The labels' token trie: what has to be evaluated so that every label has its probability.

A label's probability is the product of the probabilities of its tokens, each after those before it. Take the
labels ` order`, ` refund request` and ` refund status`, in tokens:

    (end of the prompt) ─┬─  order
                         └─  refund ─┬─  request
                                     └─  status

The row of logits at the end of the prompt has the probability of ` order` and of ` refund`. Those of
` request` and ` status` stand in the row behind ` refund`, so this *inner node* has to be evaluated; the last
tokens do not, for nothing is read behind them. And once a label differs from all others, the rest of it is
no decision any more: only its shortest prefix that no other label has is scored.

So where all first tokens differ, the pass over the prompt decides. Where some collide, the inner nodes are
evaluated beside it in the same batch, each path through them in a sequence of its own that shares the prompt.
Tokens that all labels begin with are no decision either: they are forced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

ROOT = -1


@dataclass(frozen=True, slots=True)
class InnerNode:
    """An inner node to evaluate: its token, its parent (`ROOT` is the end of the prompt) and its depth."""

    token: int
    parent: int
    depth: int


@dataclass(frozen=True, slots=True)
class Trie:
    """`common`: the tokens that all labels share, which are forced. `nodes`: the inner nodes, parents first.
    `edges`: for each label the (node, token) pairs whose log-probabilities add up to its score.
    `paths`: the chains of nodes, each from the root to a node without inner children."""

    labels: tuple[tuple[int, ...], ...]
    common: tuple[int, ...]
    nodes: tuple[InnerNode, ...]
    edges: tuple[tuple[tuple[int, int], ...], ...]
    paths: tuple[tuple[int, ...], ...]

    def evaluated(self, label: int) -> tuple[int, ...]:
        """The inner nodes on a label's way."""
        return tuple(node for node, _ in self.edges[label] if node != ROOT)

    def rest(self, label: int) -> tuple[int, ...]:
        """A label's tokens after those that are common or evaluated."""
        return self.labels[label][len(self.common) + len(self.evaluated(label)) :]


def build_trie(labels: Sequence[Sequence[int]]) -> Trie:
    """The trie of labels given as token ids.

    Raises `ValueError` if one is a prefix of another: a label must end with what follows it.
    """
    whole = tuple(tuple(label) for label in labels)
    common = _shared(whole) if len(whole) > 1 else 0
    tails = [label[common:] for label in whole]
    lengths = _distinguishing(tails)
    index: dict[tuple[int, ...], int] = {(): ROOT}
    nodes: list[InnerNode] = []
    edges: dict[int, tuple[tuple[int, int], ...]] = {}
    # Depth first, so that neighbouring paths have most in common, also where they go into several batches.
    for label in sorted(range(len(tails)), key=tails.__getitem__):
        tail = tails[label]
        way = []
        for depth in range(lengths[label]):
            prefix = tail[:depth]
            if prefix not in index:
                index[prefix] = len(nodes)
                nodes.append(InnerNode(prefix[-1], index[prefix[:-1]], depth))
            way.append((index[prefix], tail[depth]))
        edges[label] = tuple(way)
    parents = {node.parent for node in nodes}
    paths = tuple(_chain(nodes, end) for end in range(len(nodes)) if end not in parents)
    in_order = tuple(edges[label] for label in range(len(tails)))
    return Trie(whole, tuple(labels[0][:common]), tuple(nodes), in_order, paths)


def _shared(labels: Sequence[tuple[int, ...]]) -> int:
    """How many tokens all labels begin with."""
    first, last = min(labels), max(labels)
    same = 0
    while same < min(len(first), len(last)) and first[same] == last[same]:
        same += 1
    return same


def _distinguishing(tails: Sequence[tuple[int, ...]]) -> list[int]:
    """The length of each tail's shortest prefix that no other tail has."""
    order = sorted(range(len(tails)), key=tails.__getitem__)
    lengths = [1] * len(tails)
    for before, after in pairwise(order):
        length = _shared((tails[before], tails[after])) + 1
        for which in (before, after):
            if length > len(tails[which]):
                raise ValueError("a label is a prefix of another")
            lengths[which] = max(lengths[which], length)
    return lengths


def _chain(nodes: Sequence[InnerNode], end: int) -> tuple[int, ...]:
    chain = [end]
    while (parent := nodes[chain[0]].parent) != ROOT:
        chain.insert(0, parent)
    return tuple(chain)
