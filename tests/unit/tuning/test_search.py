"""Which evidence is taken: what is judged, what is preferred, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from microprompt.heads.evidence import Embedding, Evidence, Features, Readout
from microprompt.heads.fit import C, cross_validate, log_loss
from microprompt.tuning.search import STRENGTHS, Labelled, Trial, assemble, choose, search, trial_of

CHEAP = Embedding("minilm-l6", "text")
ALONE = Readout(18, "none")
OWN = Readout(18, "own")
CANDIDATES: tuple[tuple[Evidence, ...], ...] = ((CHEAP,), (ALONE,), (OWN,), (ALONE, CHEAP))


def rows(n: int = 60, n_labels: int = 2, **tells: float) -> Labelled:
    """Features that tell the labels apart by so many standard deviations, by the names of the evidence."""
    random = np.random.default_rng(3)
    labels = np.arange(n) % n_labels
    features: dict[Evidence, Features] = {}
    for evidence, name in ((CHEAP, "cheap"), (ALONE, "alone"), (OWN, "own")):
        if name in tells:
            directions = random.normal(size=(n_labels, 16))
            noise = random.normal(size=(n, 16))
            features[evidence] = (tells[name] * directions[labels] + noise).astype(np.float32)
    return Labelled(features=features, labels=labels, n_labels=n_labels)


def test_only_candidates_whose_features_are_there_are_tried() -> None:
    found = search(rows(cheap=1.0, own=1.0), CANDIDATES)
    assert [trial.evidence for trial in found] == [(CHEAP,), (OWN,)]


def test_evidence_that_tells_is_taken() -> None:
    known = rows(cheap=0.0, alone=2.0)
    trials = search(known, CANDIDATES)
    taken = choose(trials, known)
    assert taken.evidence == (ALONE,)
    assert taken.accuracy > 0.95
    assert trials[0].accuracy < 0.8


def saying(known: Labelled, evidence: Evidence, chances: Sequence[float]) -> Trial:
    """A trial that gives the right one of two labels these chances."""
    right = np.array(chances)
    said = np.log(np.where(known.labels[:, None] == [0, 1], right[:, None], 1 - right[:, None]))
    return trial_of(known, (evidence,), C, said)


def test_of_what_is_as_good_the_first_is_taken() -> None:
    known = rows(4)
    first = saying(known, CHEAP, [0.9, 0.3, 0.9, 0.3])
    other = saying(known, OWN, [0.3, 0.9, 0.4, 0.9])
    assert first.log_loss > other.log_loss
    assert choose([first, other], known) is first
    assert choose([other, first], known) is other


def test_of_many_rows_the_best_is_taken() -> None:
    known = rows(800)
    first = saying(known, CHEAP, [0.9, 0.3] * 400)
    other = saying(known, OWN, [0.3, 0.91] * 400)
    assert first.log_loss > other.log_loss
    assert choose([first, other], known) is other


def test_of_what_costs_the_same_the_best_is_taken() -> None:
    known = rows(4)
    alone = saying(known, ALONE, [0.9, 0.3, 0.9, 0.3])
    own = saying(known, OWN, [0.3, 0.9, 0.4, 0.9])
    assert alone.log_loss > own.log_loss
    assert choose([alone, own], known) is own


def test_what_is_a_little_worse_on_every_row_is_not_taken() -> None:
    known = rows(4)
    first = saying(known, CHEAP, [0.6, 0.7, 0.8, 0.9])
    other = saying(known, OWN, [0.61, 0.71, 0.81, 0.91])
    assert choose([first, other], known) is other


def test_what_is_worse_beyond_chance_is_not_taken_for_being_first() -> None:
    known = rows(400, cheap=0.3, own=1.5)
    trials = search(known, CANDIDATES)
    assert trials[0].log_loss > trials[1].log_loss
    assert choose(trials, known) is trials[1]


def test_parts_that_know_different_things_are_better_together() -> None:
    known = rows(200, 4, cheap=0.4, alone=0.4)
    trials = search(known, CANDIDATES)
    both = trials[-1]
    assert both.evidence == (ALONE, CHEAP)
    assert both.log_loss < min(trial.log_loss for trial in trials[:-1])


def test_the_head_says_what_its_trial_says_of_new_rows() -> None:
    known = rows(200, 3, alone=2.0)
    (trial,) = search(known, CANDIDATES)
    head = assemble(trial, known, calibrated=True)
    assert (head.evidence, head.n_labels, head.calibrated) == ((ALONE,), 3, True)
    said = np.stack([head.log_probs({ALONE: row}) for row in known.features[ALONE]])
    assert (said.argmax(axis=1) == known.labels).mean() > 0.95


def test_a_row_counts_as_often_as_is_said() -> None:
    known = rows(40, alone=1.0)
    counts = np.where(np.arange(40) < 20, 2.0, 1.0)
    weighed = replace(known, counts=counts)
    again = np.concatenate([np.arange(40), np.arange(20)])
    repeated = Labelled(
        features={ALONE: known.features[ALONE][again]}, labels=known.labels[again], n_labels=2
    )
    (trial,) = search(known, [(ALONE,)])
    one, other = (assemble(trial, each, calibrated=True).parts[0].linear for each in (weighed, repeated))
    # Standardising goes by rows, not by how often they count: nearly the same.
    assert np.allclose(one.weights, other.weights, atol=0.1)
    assert not np.allclose(one.weights, assemble(trial, known, calibrated=True).parts[0].linear.weights)


def test_the_strength_is_the_best_one_beside_the_usual() -> None:
    weak, strong = rows(300, alone=0.0), rows(300, alone=3.0)
    (told_nothing,) = search(weak, [(ALONE,)], strengths=STRENGTHS)
    (told_all,) = search(strong, [(ALONE,)], strengths=STRENGTHS)
    assert told_nothing.strength == STRENGTHS[0]
    assert told_all.strength > C


@pytest.mark.parametrize("rare", [1, 2, 4])
def test_a_label_of_fewer_rows_than_folds_is_no_obstacle(rare: int) -> None:
    known = rows(30, alone=1.0)
    known = replace(known, labels=(np.arange(30) < rare).astype(np.intp))
    (trial,) = search(known, [(ALONE,)])
    assert np.isfinite(trial.said).all()
    assert np.allclose(np.exp(trial.said).sum(axis=1), 1.0)


def test_the_same_rows_give_the_same_trials_to_the_last_bit() -> None:
    first, second = (search(rows(cheap=1.0, alone=1.0), CANDIDATES, strengths=STRENGTHS) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert one.said.tobytes() == other.said.tobytes()
        assert one.strength == other.strength


def test_a_head_of_several_parts_says_what_the_joint_fit_says() -> None:
    known = rows(90, 3, cheap=0.7, alone=0.7)
    trial = search(known, CANDIDATES)[-1]
    head = assemble(trial, known, calibrated=True)
    assert head.evidence == trial.evidence == (ALONE, CHEAP)
    said = np.stack([
        head.log_probs({each: known.features[each][row] for each in head.evidence}) for row in range(90)
    ])
    assert (said.argmax(axis=1) == known.labels).mean() >= trial.accuracy
    assert log_loss(said, known.labels) < trial.log_loss


def test_how_near_two_texts_are_does_not_drown() -> None:
    random = np.random.default_rng(2)
    labels = np.arange(80) % 2
    cosine = np.where(labels, 0.6, 0.2) + random.normal(0, 0.1, 80)
    pair = np.concatenate([cosine[:, None], random.normal(size=(80, 768))], axis=1).astype(np.float32)
    evidence = Embedding("minilm-l6", "pair")
    known = Labelled(features={evidence: pair}, labels=labels, n_labels=2)
    (trial,) = search(known, [(evidence,)])
    drowned = cross_validate(pair, labels, 2)
    assert trial.accuracy > 0.8
    assert trial.log_loss < log_loss(drowned, labels)
