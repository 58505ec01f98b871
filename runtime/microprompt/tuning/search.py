"""Which evidence a head is made of: candidates fitted on some of the rows and compared on the others.

Each candidate is judged by the log-loss of what it says of rows that it was not fitted on. The candidates
stand in the order of what a call of them costs. Those of the same kinds of evidence cost the same, whatever
comes before the text and however embeddings are compared: of these the best is taken.

Of few rows, which ones are left out together matters more than what a head is made of. So the log-loss is
the mean over several ways to leave them out, and of kinds that are as good as the best, to within the
standard error of the difference on the same rows, the first is taken. Of many rows the best is. Nested in
another cross-validation, the best is worse than the first of those as good by .009 of log-loss on the mean of
six sets of 100 to 150 rows, and better by .008 on one of three sets of 650 to 1,000, with the same choice on
two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..heads.evidence import Embedding, Evidence, Features, Labels
from ..heads.fit import SQUARED_LENGTH, Blocks, C, cross_validate, fit
from ..heads.head import Head, HeadPart
from ..heads.linear import Linear, Numbers
from ..heads.names import short_name

FOLDS: Final = 5
STRENGTHS: Final = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""The strengths of regularisation that are tried where the rows are many enough, and are the user's own."""

ROWS_FOR_STRENGTHS: Final = 100
_FEW_ROWS: Final = 500  # of fewer, folds are made in several ways, and what is cheaper is preferred
_WAYS: Final = 3
_SQUARED_LENGTH_OF_COSINE: Final = 16.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """Rows as numbers: features of shape (n, D) for each piece of evidence, label numbers of shape (n,), and
    how often each row counts, shape (n,)."""

    features: Mapping[Evidence, Features]
    labels: NDArray[np.intp]
    n_labels: int
    counts: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A candidate and how it did on rows that it was not fitted on.

    `said` are its log-probabilities, shape (n, K); `strength` is that of the regularisation. `losses` are the
    rows' log-losses, shape (n,), over all ways to leave rows out, and `log_loss` is their mean, in nats.
    `accuracy` is a share.
    """

    evidence: tuple[Evidence, ...]
    strength: float
    said: Numbers
    losses: Numbers
    accuracy: float
    log_loss: float

    @property
    def name(self) -> str:
        """What it is made of, in words."""
        return " + ".join(map(short_name, self.evidence))

    @property
    def kinds(self) -> tuple[object, ...]:
        """The kinds of evidence, on which the cost of a call depends. Label scores behind prompts that are
        arranged in another way are of another kind: what was written is to be changed for a reason only."""
        return tuple(each if isinstance(each, Labels) else each.name for each in self.evidence)


def search(
    rows: Labelled,
    candidates: Sequence[tuple[Evidence, ...]],
    *,
    strengths: Sequence[float] = (C,),
    seed: int = 0,
    progress: Callable[[int], None] = lambda more: None,
) -> tuple[Trial, ...]:
    """Try each candidate whose features are there, in order. `progress` is called after each candidate."""
    found = []
    for evidence in candidates:
        if all(each in rows.features for each in evidence):
            strength, ways = _strongest(rows, evidence, strengths, seed)
            losses = np.mean([_losses(said, rows.labels) for said in ways], axis=0)
            found.append(_trial(rows, evidence, strength, ways[0], losses))
            progress(1)
    return tuple(found)


def choose(trials: Sequence[Trial], rows: Labelled) -> Trial:
    """The best trial; of few rows, that of the first kinds of evidence with which one is as good as the best,
    to within the standard error of their difference."""
    of_kinds: dict[tuple[object, ...], Trial] = {}
    for trial in trials:
        known = of_kinds.setdefault(trial.kinds, trial)
        of_kinds[trial.kinds] = min(known, trial, key=lambda each: each.log_loss)
    best = min(of_kinds.values(), key=lambda trial: trial.log_loss)
    if len(rows.labels) >= _FEW_ROWS:
        return best
    for trial in of_kinds.values():
        mean, error = _mean(trial.losses - best.losses, rows)
        if mean <= error:
            return trial
    return best


def assemble(trial: Trial, rows: Labelled, *, calibrated: bool) -> Head:
    """The head of a trial, fitted on all rows."""
    joint = fit(
        _together(rows, trial.evidence),
        rows.labels,
        rows.n_labels,
        c=trial.strength,
        row_weights=rows.counts,
        blocks=_blocks(rows, trial.evidence),
    )
    parts = []
    start = 0
    for evidence in trial.evidence:
        end = start + rows.features[evidence].shape[1]
        # The bias counts once. What a part says is normalised by itself, which no label gains by.
        bias = joint.bias if start == 0 else np.zeros_like(joint.bias)
        parts.append(HeadPart(evidence, 1.0, Linear(joint.weights[:, start:end].copy(), bias)))
        start = end
    return Head(parts=tuple(parts), calibrated=calibrated)


def _together(rows: Labelled, evidence: tuple[Evidence, ...]) -> Features:
    """The features of several pieces of evidence side by side, shape (n, D)."""
    return np.concatenate([rows.features[each] for each in evidence], axis=1)


def _blocks(rows: Labelled, evidence: tuple[Evidence, ...]) -> Blocks:
    """Each piece of evidence is scaled apart, so that none drowns in one with more features; and so is how
    near two texts are, one number beside 768 others."""
    found: list[tuple[int, float]] = []
    for each in evidence:
        width = rows.features[each].shape[1]
        if isinstance(each, Embedding) and each.form in ("cosine", "pair"):
            found.append((1, _SQUARED_LENGTH_OF_COSINE))
            if width > 1:
                found.append((width - 1, SQUARED_LENGTH))
        else:
            found.append((width, SQUARED_LENGTH))
    return found


def _strongest(
    rows: Labelled, evidence: tuple[Evidence, ...], strengths: Sequence[float], seed: int
) -> tuple[float, Sequence[Numbers]]:
    """The strength with the least log-loss, and what is said out of fold with it: for each way to make folds,
    log-probabilities of shape (n, K).

    The loss falls with the strength and then rises. So it is followed downhill from the one that serves in
    general, first to the weaker ones, which are fitted sooner: with thousands of rows the strengths that are
    not tried would take minutes.
    """
    found: dict[float, tuple[float, Sequence[Numbers]]] = {}
    features, blocks = _together(rows, evidence), _blocks(rows, evidence)
    seeds = range(seed, seed + (_WAYS if len(rows.labels) < _FEW_ROWS else 1))

    def loss(strength: float) -> float:
        if strength not in found:
            ways = [
                cross_validate(
                    features,
                    rows.labels,
                    rows.n_labels,
                    c=strength,
                    folds=FOLDS,
                    seed=each,
                    row_weights=rows.counts,
                    blocks=blocks,
                )
                for each in seeds
            ]
            losses = [_losses(said, rows.labels) for said in ways]
            found[strength] = _mean(np.mean(losses, axis=0), rows)[0], ways
        return found[strength][0]

    start = strengths.index(C) if C in strengths else 0
    best = _downhill(strengths[start::-1], loss)
    if best == strengths[start]:
        best = _downhill(strengths[start:], loss)
    loss(best)  # the only one was compared with none
    return best, found[best][1]


def _downhill(strengths: Sequence[float], loss: Callable[[float], float]) -> float:
    """The last strength before the loss rises again."""
    best = strengths[0]
    for strength in strengths[1:]:
        if loss(strength) >= loss(best):
            break
        best = strength
    return best


def trial_of(
    rows: Labelled,
    evidence: tuple[Evidence, ...],
    strength: float,
    said: Numbers,
) -> Trial:
    """The trial that said these log-probabilities, shape (n, K), of the rows."""
    return _trial(rows, evidence, strength, said, _losses(said, rows.labels))


def _trial(
    rows: Labelled, evidence: tuple[Evidence, ...], strength: float, said: Numbers, losses: Numbers
) -> Trial:
    accuracy, _ = _mean((said.argmax(axis=1) == rows.labels).astype(np.float64), rows)
    return Trial(
        evidence=evidence,
        strength=strength,
        said=said,
        losses=losses,
        accuracy=accuracy,
        log_loss=_mean(losses, rows)[0],
    )


def _losses(said: Numbers, labels: NDArray[np.intp]) -> Numbers:
    return -said[np.arange(len(labels)), labels]


def _mean(values: Numbers, rows: Labelled) -> tuple[float, float]:
    """The mean over the rows, and its standard error."""
    counts = np.ones(len(values)) if rows.counts is None else rows.counts
    shares = counts / counts.sum()
    mean = float(shares @ values)
    return mean, float(np.sqrt(shares**2 @ (values - mean) ** 2))
