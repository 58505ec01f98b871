"""The labels' trie: which tokens decide, which nodes are evaluated, which paths they lie on."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microprompt.prompts.trie import ROOT, Trie, build_trie

Label = tuple[int, ...]
END = 9
LABELS = st.lists(st.lists(st.integers(0, 3), max_size=6), min_size=1, max_size=12, unique_by=tuple).map(
    lambda found: [(*label, END) for label in found]
)
"""Sets of labels none of which begins another."""


def way(trie: Trie, label: int) -> Label:
    """The tokens whose probabilities make up a label's score, in order."""
    return tuple(token for _, token in trie.edges[label])


def context(trie: Trie, node: int) -> Label:
    """The tokens from the end of the prompt to a node, the common ones left out."""
    if node == ROOT:
        return ()
    return (*context(trie, trie.nodes[node].parent), trie.nodes[node].token)


def begins(label: Label, prefix: Label) -> bool:
    return label[: len(prefix)] == prefix


@settings(deadline=None, derandomize=True)
@given(LABELS)
def test_a_label_is_scored_on_its_shortest_prefix_that_no_other_has(labels: list[Label]) -> None:
    trie = build_trie(labels)
    for index, label in enumerate(labels):
        scored = trie.common + way(trie, index)
        others = [other for other in labels if other != label]
        assert begins(label, scored)
        assert not any(begins(other, scored) for other in others)
        if len(way(trie, index)) > 1:
            assert any(begins(other, scored[:-1]) for other in others)


@settings(deadline=None, derandomize=True)
@given(LABELS)
def test_every_token_is_scored_at_the_node_before_it(labels: list[Label]) -> None:
    trie = build_trie(labels)
    for index in range(len(labels)):
        for place, (node, _) in enumerate(trie.edges[index]):
            assert context(trie, node) == way(trie, index)[:place]


@settings(deadline=None, derandomize=True)
@given(LABELS)
def test_common_evaluated_and_rest_make_up_the_label(labels: list[Label]) -> None:
    trie = build_trie(labels)
    for index, label in enumerate(labels):
        middle = tuple(trie.nodes[node].token for node in trie.evaluated(index))
        assert trie.common + middle + trie.rest(index) == label
        assert trie.rest(index)


@settings(deadline=None, derandomize=True)
@given(LABELS)
def test_nodes_are_distinct_parents_first_and_all_on_some_path(labels: list[Label]) -> None:
    trie = build_trie(labels)
    contexts = [context(trie, node) for node in range(len(trie.nodes))]
    assert len(set(contexts)) == len(contexts)
    for number, node in enumerate(trie.nodes):
        assert node.parent < number
        assert node.depth == len(contexts[number])
    assert {node for path in trie.paths for node in path} == set(range(len(trie.nodes)))
    for path in trie.paths:
        assert [trie.nodes[node].parent for node in path] == [ROOT, *path[:-1]]


def test_labels_with_different_first_tokens_need_no_nodes() -> None:
    trie = build_trie([(1, 2), (3, 4), (5,)])
    assert trie.nodes == ()
    assert trie.edges == (((ROOT, 1),), ((ROOT, 3),), ((ROOT, 5),))


def test_a_single_label_is_scored_by_its_first_token() -> None:
    trie = build_trie([(7, 8, 9)])
    assert (trie.common, trie.edges, trie.rest(0)) == ((), (((ROOT, 7),),), (7, 8, 9))


def test_the_common_beginning_is_not_scored() -> None:
    trie = build_trie([(1, 2, 3), (1, 2, 4, 5)])
    assert (trie.common, trie.edges) == ((1, 2), (((ROOT, 3),), ((ROOT, 4),)))


def test_many_labels_make_one_path_for_each_last_inner_node() -> None:
    trie = build_trie(list(product(range(10), repeat=3)))
    assert len(trie.nodes) == 110
    assert len(trie.paths) == 100


@pytest.mark.parametrize("labels", [[(1,), (1, 2)], [(1, 2), (1, 2)], [(), (1,)], [(4,), (1, 2), (1, 2, 3)]])
def test_a_label_that_begins_another_is_refused(labels: list[Label]) -> None:
    with pytest.raises(ValueError, match="a label is a prefix of another"):
        build_trie(labels)
