"""Reading the hidden states of a text: what a readout gets instead of logits.

A job of this kind runs on a model that ends early (see `llamacpp.states`), whose rows are hidden states. It
evaluates its text once and reads the row of every token: no label is scored, nothing is written, and nothing
has to follow the text to ask for an answer. What the many rows say is pooled into one row of features, whose
length does not depend on the text's:

    h(1) ... h(n)   ->   [ mean of r(1) ... r(n),  r(n) ]        r(i) = h(i) / rms(h(i))

Each state is divided by its root mean square first, as the model's own layers do with what they read: the
states of a few tokens, mostly the first, are a hundred times as long as the others, and would be all that is
left of the mean. The last token has seen all others; the mean has seen what each was taken for.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .backend import Rows
from .decoding import Cursor, Decoding

Pooled: TypeAlias = NDArray[np.float32]
"""Features, shape (2 * n_embd,)."""

_EPSILON: Final = 1e-6


def read(cursor: Cursor) -> Decoding[Pooled]:
    """Evaluate what waits at the cursor, and pool the states of its tokens."""
    step = cursor.flush(row=False)
    step.rows.extend(range(len(step.tokens)))
    states = yield step
    return pool(states)


def pool(states: Rows) -> Pooled:
    """The mean of the RMS-normalised states, shape (n, n_embd), and behind it the last one."""
    scale = np.sqrt(np.mean(np.square(states), axis=1, keepdims=True) + _EPSILON)
    normalised = states / scale
    return np.concatenate([normalised.mean(axis=0), normalised[-1]])
