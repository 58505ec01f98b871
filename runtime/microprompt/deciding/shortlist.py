"""A shortlist of very many options, so that the embedder reads some of them and not all.

To read two thousand names and descriptions takes an embedder a quarter of a minute, if it has not seen them
before. Which words are alike costs a look at a table: that of the vectors which its first layer would get.
An option is as near to a text as its tokens are on the mean, each by the token of the text that is most like
it (the late interaction of Khattab and Zaharia 2020, "ColBERT", before any layer). The nearest options are
the shortlist; which of these it is, reading tells better.

(160 messages about 8 topics, among 1,992 other options: the right one was among the nearest 128 for 160
[98 to 100 %], and among the 128 that are nearest by vectors that were read for 159; by names without
descriptions for 158 [96 to 100 %] and 158. The nearest of all was the right one for 101, and after reading
the 128 for 147 [87 to 95 %], as after reading all, for 146.)
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .evidence import AnyEmbedder

SHORTLIST: Final = 128
"""Options that the embedder reads for a call; of more, these are the nearest ones."""


def shortlist(
    text: str, words: Sequence[Sequence[str]], embedder: AnyEmbedder
) -> NDArray[np.intp] | None:
    """The numbers of the options that come into question for a text, in their order; `None` for all. `words`
    are those of each option; one that says nothing by itself always does.

    Raises `ModelError` where the embedder does not tell the vectors of words.
    """
    if len(words) <= SHORTLIST:
        return None
    near = _tokens(weakref.ref(embedder), tuple(" ".join(said) for said in words)).nearness(text, embedder)
    near[[not said for said in words]] = np.inf
    return np.sort(np.argsort(-near, kind="stable")[:SHORTLIST])


@dataclass(frozen=True, slots=True, eq=False)
class _Tokens:
    """The tokens of many texts: the different ones, for each token its `place` among these and the text that
    it is the `owner` of, and how many each text has, 1 at least."""

    different: NDArray[np.intp]
    places: NDArray[np.intp]
    owners: NDArray[np.intp]
    counts: NDArray[np.intp]

    def nearness(self, text: str, embedder: AnyEmbedder) -> NDArray[np.float64]:
        """How near each text is to another one, shape (n,): the mean cosine of its tokens."""
        vectors = embedder.word_vectors
        alike = vectors[self.different] @ vectors[embedder.tokens_of(text)].T
        best = alike.max(axis=1, initial=0.0)
        sums = np.bincount(self.owners, best[self.places], minlength=len(self.counts))
        near: NDArray[np.float64] = sums / self.counts
        return near


@lru_cache(maxsize=4)
def _tokens(embedder: weakref.ref[AnyEmbedder], texts: tuple[str, ...]) -> _Tokens:
    """Those of the options of a call; the next one has the same, as a rule."""
    found = embedder()
    assert found is not None, "who asks refers to it"
    tokens = [found.tokens_of(text) for text in texts]
    counts = np.array(list(map(len, tokens)), dtype=np.intp)
    every = np.array([token for text in tokens for token in text], dtype=np.intp)
    different, places = np.unique(every, return_inverse=True)
    return _Tokens(different, places, np.repeat(np.arange(len(texts)), counts), np.maximum(counts, 1))
