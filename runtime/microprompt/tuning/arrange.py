"""Without rows: whether label scores answer better than what the source says, and behind which prompt.

The examples are the rows. Each is left out once, and judged is the log-loss of what is said of it: by the
head from the source alone, and by label scores, corrected by the labels' prior. Only where these are better
does it matter how their prompt is laid out, and then layout and orders are tried, one after the other. Of
what is as good as the best within the standard error of the difference, the usual is taken; with a handful of
examples that is nearly always so. (What another order changes is mostly the prior, which is corrected
anyway.)
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

import numpy as np

from ..deciding.choices import Question, example_labels
from ..deciding.evidence import Sources
from ..deciding.scores import scored_left_out
from ..deciding.source import Made, Unseen
from ..engines.engine import Engine
from ..heads.evidence import Evidence, Labels
from ..heads.fit import C
from ..heads.names import short_name
from ..program import EXAMPLES, LAYOUTS, MEMBERS, USUAL, Arrangement
from ..prompts.layout import Segment, lay_out
from .request import Found, Listener, Request
from .search import Labelled, Trial, choose, trial_of


def arrange(request: Request, question: Question, made: Made, models: Sources, listener: Listener) -> Found:
    """What answers a choice best, by its examples: what was `made` of the source, or label scores.

    There are enough examples (`can_leave_out`). Raises what the language model raises.
    """
    program, end = request.program, time.monotonic() + request.seconds
    places = np.array(list(example_labels(program, question).values()), dtype=np.intp)
    rows = Labelled(features={}, labels=places, n_labels=len(question.options))
    found: dict[tuple[Evidence, ...], Made] = {}
    trials: list[Trial] = []

    def tried(what: Made) -> Trial:
        assert what.head is not None
        assert what.said is not None
        found[what.head.evidence] = what
        trials.append(trial_of(rows, what.head.evidence, C, what.said))
        return trials[-1]

    def scored(arrangement: Arrangement) -> Trial:
        with listener.reading(Labels(arrangement), len(places)) as advance:
            return tried(scored_left_out(program, question, models, arrangement, partial(advance, 1)))

    usual = USUAL
    from_source = None if made.head is None else tried(made)
    start = time.monotonic()
    taken = scored(usual)
    needed = time.monotonic() - start
    if from_source is not None:
        taken = choose([from_source, taken], rows)
    skips = ""
    if taken is from_source:
        skips = "; label scores take no part, so layout and orders of their prompt were not tried"
    else:
        own, layouts = _layouts(models)
        known = {_laid_out(request, usual, own)}
        for what, words in (("layout", layouts), ("members", MEMBERS), ("examples", EXAMPLES)):
            others = []
            for word in words:
                arrangement = replace(usual, **{what: word})
                laid_out = _laid_out(request, arrangement, own)
                if laid_out in known:
                    continue
                known.add(laid_out)
                if time.monotonic() + needed > end:
                    listener.skipped(Labels(arrangement), needed)
                else:
                    others.append(scored(arrangement))
            taken = choose([taken, *others], rows)
            (evidence,) = taken.evidence
            assert isinstance(evidence, Labels)
            usual = evidence.arrangement
    best = found[taken.evidence]
    by = " + ".join(map(short_name, taken.evidence))
    assert best.unseen is not None
    note = f"{by}, from the source alone: {in_words(best.unseen)}{skips}"
    return Found(
        question=question, head=best.head, tried=tuple(trials), taken=taken, places=places, note=note
    )


def in_words(unseen: Unseen) -> str:
    """How a head does on examples that it has not seen."""
    return (
        f"of {unseen.examples} examples, left out in turn, {unseen.right} come out right "
        f"(chance {unseen.chance})"
    )


def _layouts(models: Sources) -> tuple[str | None, tuple[str, ...]]:
    """The model's own layout, as far as it is known, and those that there are."""
    engine = models.engine()
    if not isinstance(engine, Engine):
        return None, ()
    return engine.layout, LAYOUTS if engine.backend.template is not None else ()


def _laid_out(
    request: Request, arrangement: Arrangement, own: str | None
) -> tuple[str | None, tuple[Segment, ...]]:
    """What tells arrangements apart: some come out the same."""
    return arrangement.layout or own, lay_out(request.program.arranged(arrangement))
