"""What a larger model is asked where one was not sure of a choice, and what answers it then: both of them.

Their log-probabilities are added and normalised, a product of experts (Hinton 1999): who is unsure says
little, so the larger model decides what the smaller one left open, and what both lean to is surer than what
either says. To take the larger one's word alone throws away what the smaller one knows. Measured on sixteen
pairs, with 30 to 50 % of the calls going on, that was better with none by more than chance, and cost a head
of the smaller model one to eight points where the larger one was not tuned (stdlib/docs/escalation.json).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .. import abi
from ..answer import Answer, Usage
from ..heads.linear import Numbers, log_softmax
from ..program import Program
from ..scheduling.sampling import is_near_tie, sampler_of
from .choices import Question
from .evidence import label_features


def on_larger_model(program: Program) -> Program | None:
    """The program on the model that its unsure answers go on to, where an answer is taken however sure it is;
    `None` where there is no such model."""
    using = program.using
    if using.escalate is None:
        return None
    return replace(program, using=replace(using, model=using.escalate.model, escalate=None, abstain=None))


def added(first: Numbers, second: Numbers) -> Numbers:
    """What two models say together: log-probabilities, shape (..., K), from those of each."""
    return log_softmax(first + second)


def together(
    question: Question, first: Answer[object], second: Answer[object], using: abi.Using
) -> Answer[object]:
    """The answer of both models to a choice; `seconds` is left as it is in the second one. Where one of them,
    on a server, tells no distribution, it is what the larger one says alone."""
    usage = Usage.total((first.usage, second.usage))
    if first.distribution is None or second.distribution is None:
        return replace(second, usage=usage, first=first, second=second)
    log_probs = added(
        label_features(question, first).astype(np.float64),
        label_features(question, second).astype(np.float64),
    )
    taken = sampler_of(using).pick(log_probs)
    probabilities = [float(each) for each in np.exp(log_probs)]
    return replace(
        second,
        value=question.options[taken],
        confidence=probabilities[taken],
        distribution=dict(zip(map(question.kind.outcome, question.options), probabilities, strict=True)),
        shortlist=first.shortlist,
        coverage=first.coverage if second.coverage is None else second.coverage,
        near_tie=is_near_tie(log_probs, using),
        usage=usage,
        model=f"{first.model}+{second.model}",
        answered_by=f"{first.answered_by}+{second.answered_by}",
        calibrated=first.calibrated and second.calibrated,
        first=first,
        second=second,
    )
