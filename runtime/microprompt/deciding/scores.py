"""Label scores, corrected by how often each label is said anyway.

A small model says some labels whatever it is asked: of a prompt of three labels, one may get all answers.
What is said of inputs as they come tells the labels' *prior*, by which scores are divided. (Zhao et al. 2021,
"Calibrate before use", who divide by what is said of inputs without content. Real inputs serve better.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from .. import abi
from ..engines.base import Call
from ..errors import ArgumentError
from ..heads.evidence import Features, Labels
from ..heads.head import Head, HeadPart
from ..heads.linear import Linear
from ..program import USUAL, Arrangement, Program
from ..types import AnyKind, kind
from .choices import Question, example_labels
from .evidence import Sources, evidence_of_rows, label_features
from .source import Made, unseen_of

VERSION: Final = 1
"""The version of how scores are corrected. It rises when another head would come out."""

CORRECTION: Final = 0.75
"""The exponent of the prior by which label scores are divided: all of it would correct too much, as the
labels are not equally frequent in truth either."""

LABEL_FREE: Final = ("N/A", "", "...", "text", "[empty]", "none", "-", "This is a text.")
"""Inputs that speak for no label."""

_FLOOR: Final = 0.02  # of a prior: a label that was hardly ever said is not made likely by one input
_FEWEST: Final = 4  # inputs that tell a prior
_MOST: Final = 64  # examples: each that is left out costs the evaluation of a prompt with all others
_MOST_BEHIND_STATE: Final = 16  # the same where these prompts share nothing, for the state comes first


def corrected(said: Features) -> Linear:
    """The map that divides label scores by the labels' prior, to the power of 0.75; `said` are those of
    inputs as they come, log-probabilities of shape (n, K)."""
    prior = np.maximum(np.exp(said.astype(np.float64)).mean(axis=0), _FLOOR)
    n_labels = said.shape[1]
    bias = -CORRECTION * np.log(prior)
    return Linear(np.eye(n_labels, dtype=np.float32), bias.astype(np.float32))


def scored(program: Program, question: Question, sources: Sources) -> Made:
    """Label scores, corrected by what is said of the examples, or else of inputs without content. No head
    where neither can be had: for a field, whose scores depend on the fields before it, and for a prompt whose
    holes take other things than text. Raises what the language model raises."""
    if can_leave_out(program, question):
        return scored_left_out(program, question, sources, program.arrangement)
    rows = _label_free(program)
    if question.name or not rows:
        return Made(head=None)
    evidence = Labels(program.arrangement)
    said = evidence_of_rows(program, rows, evidence, sources, question=question)
    return Made(head=_head(evidence, corrected(said)))


def can_leave_out(program: Program, question: Question) -> bool:
    """Whether examples, each left out once, tell of a whole answer's label scores. They have to be of every
    label: else what is said of them is no prior."""
    most = _MOST if program.arrangement.state is None else _MOST_BEHIND_STATE
    if question.name or not _FEWEST <= len(program.examples) <= most:
        return False
    return len(set(example_labels(program, question).values())) == len(question.options)


def scored_left_out(
    program: Program,
    question: Question,
    sources: Sources,
    arrangement: Arrangement = USUAL,
    progress: Callable[[], None] = lambda: None,
) -> Made:
    """Label scores, corrected by what is said of the examples, each left out once, in an arrangement.
    `progress` is called after each example. Raises what the language model raises."""
    arranged, evidence = program.arranged(arrangement), Labels(arrangement)
    examples = arranged.examples
    left_out = tuple(arranged.leaving_out())
    calls = (Call(others, program.arguments_of(examples[at])) for at, others in left_out)
    found = np.empty((len(examples), len(question.options)), dtype=np.float32)
    for (at, _), answer in zip(left_out, sources.engine().run_many(calls, in_flight=1), strict=True):
        found[at] = label_features(question, answer)
        progress()
    head = _head(evidence, corrected(found))
    said = head.log_probs({evidence: found})
    labels = np.array(list(example_labels(program, question).values()), dtype=np.intp)
    return Made(head=head, unseen=unseen_of(said, labels), said=said)


def _head(evidence: Labels, linear: Linear) -> Head:
    return Head(parts=(HeadPart(evidence, 1.0, linear),))


def _label_free(program: Program) -> list[dict[str, object]]:
    """The arguments of calls that speak for no label; none where the body takes something else than any text,
    as blocks do."""
    if not all(isinstance(part, str | abi.Turn | abi.Hole) for part in program.parts):
        return []
    shown = {part.parameter for part in program.parts if isinstance(part, abi.Hole)}
    types = [kind(parameter.type) for parameter in program.parameters if parameter.name in shown]
    texts = [text for text in LABEL_FREE if all(_takes(each, text) for each in types)]
    return [dict.fromkeys(shown, text) for text in texts] if shown and len(texts) >= _FEWEST else []


def _takes(type: AnyKind, text: str) -> bool:
    try:
        type.check(text, "a hole")
    except ArgumentError:
        return False
    return True
