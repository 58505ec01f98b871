"""Rows of which a known cue does not tell the label: how often each counts in a fit, and which are left out
of it.

Rows of a natural mix have one label more often than another, and rows to measure on have not: a head that
learns how frequent labels are learns something about the collection. The many rows of `boundary` have a cue
besides. A message with a question mark starts a new topic three times as often as one without, for that is
how those conversations came about: people were asked to change the topic, and did so by asking something. A
head that learns that gets every question wrong that goes on with the topic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from microprompt.evaluation.rows import LabelledRows


def thinned(rows: LabelledRows, cue: Sequence[object], seed: int = 0) -> LabelledRows:
    """As many rows of each label as of every other, among those with each value of a cue: the others are left
    out at random. `cue` has a value for each row."""
    random = np.random.default_rng(seed)
    cells: dict[object, dict[object, list[int]]] = {}
    for at, (label, value) in enumerate(zip(rows.labels, cue, strict=True)):
        cells.setdefault(value, {}).setdefault(label, []).append(at)
    kept: list[int] = []
    for by_label in cells.values():
        least = min(map(len, by_label.values()))
        for places in by_label.values():
            kept += random.permutation(places)[:least].tolist()
    kept.sort()
    return replace(
        rows,
        lines=tuple(rows.lines[at] for at in kept),
        arguments=tuple(rows.arguments[at] for at in kept),
        labels=tuple(rows.labels[at] for at in kept),
    )


def even(labels: ArrayLike) -> NDArray[np.float64]:
    """How often each row counts, shape (n,), so that all labels weigh the same; in all n."""
    y = np.asarray(labels)
    found, inverse, counts = np.unique(y, return_inverse=True, return_counts=True)
    return len(y) / (len(found) * counts[inverse])
