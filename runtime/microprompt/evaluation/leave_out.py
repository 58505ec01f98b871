"""Examples left out in turn: what they tell of a function before there are any rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ..function import PromptFunction
from ..observed import unrecorded
from ..types import kind
from .variants import with_program

if TYPE_CHECKING:
    from ..deciding.source import Unseen

FEWEST: Final = 4
"""Fewer examples tell nothing."""

MOST: Final = 64
"""More examples are not left out: each costs the evaluation of a prompt with all the others."""


@unrecorded()
def leave_out(function: PromptFunction[..., Any]) -> Unseen | None:
    """How examples are answered without having been seen; `None` if this tells too little or costs too much.

    It is told of functions that answer by a choice and have `FEWEST` to `MOST` examples. A head that was made
    of the source has been held against examples already, which it was fitted without; else each is asked for
    with a prompt that has all the others.

    Raises:
        MicropromptError: as the function itself.
    """
    from ..deciding.source import Unseen  # not at the top: it loads NumPy, and most commands need none

    program = function.program
    returns, examples = kind(program.returns), program.examples
    if returns.options() is None or not FEWEST <= len(examples) <= MOST:
        return None
    # What was learnt from rows stays out of it: these may hold the example. So do thresholds: they say when
    # an answer is taken, not which one is given.
    using = replace(program.using, abstain=None, escalate=None)
    program = replace(program, tuning=None, using=using)
    if (found := _unseen(with_program(function, program))) is not None:
        return found
    right = 0
    for at, others in program.leaving_out():
        right += with_program(function, others)(*examples[at].arguments) == examples[at].answer
    return Unseen(
        examples=len(examples),
        right=right,
        chance=max(Counter(returns.key(example.answer) for example in examples).values()),
    )


def _unseen(function: PromptFunction[..., Any]) -> Unseen | None:
    """What the head of a function has told of its examples, if a head answers."""
    decider = function.decider
    if decider is None or not decider.decides:
        return None
    (settled,) = decider.settlement().settled
    return None if settled.head is None else settled.unseen
