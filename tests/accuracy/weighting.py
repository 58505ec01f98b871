"""How often a row counts in a fit: so that all labels weigh the same, and that a known cue does not tell the
label.

Rows of a natural mix have one label more often than another, and rows to measure on have not: a head that
learns how frequent labels are learns something about the collection. The many rows of `boundary` have a cue
besides. A message with a question mark starts a new topic three times as often as one without, for that is
how those conversations came about: people were asked to change the topic, and did so by asking something. A
head that learns that gets every question wrong that goes on with the topic.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def even(labels: ArrayLike, cue: ArrayLike) -> NDArray[np.float64]:
    """Counts of shape (n,), in all n, with which all labels weigh the same among the rows with each value of
    a cue, and these together as much as they are many. Labels and cue have shape (n,)."""
    y, values = np.asarray(labels), np.asarray(cue)
    counts = np.empty(len(y))
    for value in np.unique(values):
        inside = values == value
        present = np.unique(y[inside])
        for label in present:
            cell = inside & (y == label)
            counts[cell] = inside.sum() / (len(present) * cell.sum())
    return counts
