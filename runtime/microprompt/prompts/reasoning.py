"""The scratchpad before an answer: what opens it, what ends it, and what the answer follows then.

    Input: {text}                        Input: {text}
    Reasoning: <scratchpad>              Answer:<end of the turn>
    Answer: <answer>                     <think> <scratchpad> </think> <answer>

On the left a cue asks for the scratchpad (Nye et al. 2021, arXiv:2112.00114), and the answer's cue stands
behind it. It ends where the model comes to that cue by itself: in a chat, also where it ends its turn; in
running text, where a paragraph ends, for a model goes on there with another example. On the right is a
model that has learnt to think before it answers, and knows markers for it. Either is cut at its bound, and
the answer follows all the same ("budget forcing", Muennighoff et al. 2025, arXiv:2501.19393).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ..program import Program
from ..types.punctuation import SPACE
from .plan import Reasoning

_CUE: Final = "Reasoning:"


@dataclass(frozen=True, slots=True)
class Markers:
    """What stands before and behind the thoughts of a model that has learnt to think. `empty` stands for no
    thought, where the model knows that."""

    opening: str
    closing: str
    empty: str


def last_cue(program: Program, markers: Markers | None) -> str:
    """The words that the prompt of a call ends with."""
    return program.cue if program.using.reasoning is None or markers is not None else _CUE


def reasoning_of(program: Program, markers: Markers | None, *, chat: bool) -> Reasoning | None:
    """The scratchpad of a program, if it has one, on a model with these markers."""
    most = program.using.reasoning
    if most is None:
        return None
    if markers is not None:
        end = rf"\s*{re.escape(markers.closing.strip())}"
        return Reasoning(most, end=end, after=markers.closing, space="")
    end = rf"\s*\n{re.escape(program.cue)}"
    if not chat:
        end += r"|(?<=\S)[^\S\n]*\n[^\S\n]*\n"  # blank lines before the first word end nothing
    return Reasoning(most, end=end, after=f"\n{program.cue}", space=SPACE)
