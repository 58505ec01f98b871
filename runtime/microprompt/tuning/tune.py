"""What `mpc tune` does: from rows to evidence, from evidence to heads and cut-points.

With labelled rows, each piece of evidence is fitted on some of them and judged on the others (`search`). With
inputs alone, label scores are corrected by how often each label is said of them. With neither, the head is
the one from the source alone, written down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..deciding.choices import Question, holes, questions
from ..deciding.evidence import Loaded, Reader, Sources, evidence_of_rows
from ..deciding.scores import can_leave_out, corrected, scored
from ..deciding.settle import model_name
from ..deciding.source import EMBEDDER, heads_from_source
from ..engines.engine import Engine
from ..errors import ArgumentError
from ..evaluation.rows import InputRows, LabelledRows
from ..heads import tuning
from ..heads.evidence import Embedding, Evidence, Labels, Readout
from ..heads.fit import C
from ..heads.head import Head, HeadPart
from ..heads.linear import log_softmax
from ..heads.names import short_name
from ..heads.tuning import Entry, Tunings
from ..locations import is_server
from ..observed import unrecorded
from ..program import Program
from ..types import kind
from .arrange import arrange, in_words
from .cutpoints import CutPoint
from .features import features_of_rows
from .larger import request_for_larger
from .report import report
from .request import Found, FoundLarger, Listener, Request, SourcesOf, with_nested_answers
from .search import ROWS_FOR_STRENGTHS, STRENGTHS, Labelled, Trial, assemble, choose, search, trial_of
from .thresholds import cut_points, resolved, to_reach

LEAST_ROWS: Final = 20
"""Fewer labelled rows say no more than a program's examples."""

LEAST_ANSWERS: Final = 8
"""A field that fewer rows answer is not learnt."""

LEAST_INPUTS: Final = 8
"""Fewer inputs say nothing of how often a label is said."""

_FORMS: Final = {1: ("text",), 2: ("cosine", "pair")}  # by the number of texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """The entry to write, what it was made of, and which thresholds have no number, and why. `larger` is the
    same for the model that unsure answers go on to."""

    entry: Entry
    found: tuple[Found, ...]
    cut_points: Mapping[str, CutPoint] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    larger: Tuned | None = None

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries to write: that of the larger model too, if anything was learnt for it."""
        larger = () if self.larger is None or not self.larger.entry.heads else (self.larger.entry,)
        return (*larger, self.entry)


@unrecorded()
def tune(
    request: Request, listener: Listener, *, sources: SourcesOf = Loaded, reader: Reader = evidence_of_rows
) -> Tuned:
    """Find the heads of a program's choices, and the numbers of its thresholds. Where unsure answers go on to
    a larger model, it is tuned first, on some of the same labelled rows.

    `sources` gives the models by name and folder; `reader` reads labelled rows, or knows them already.

    Raises:
        ArgumentError: there is nothing to tune, there are too few rows, too little time for any evidence, or
            a row whose text is too long.
        ModelError: the language model is not to be had.
    """
    asked = questions(request.program.returns)
    if not asked:
        raise ArgumentError(
            f"{request.program.name} returns {kind(request.program.returns).describe()}, and there is no "
            "choice in that",
            help="only choices are tuned: enums, bools, literals and ranges of whole numbers",
        )
    using = request.program.using
    for model in (request.model, *(() if using.escalate is None else (using.escalate.model,))):
        if is_server(model.name):
            raise ArgumentError(
                f"{model.name} is on a server, and what it says is not tuned",
                help="tune on a model of this machine, or write `below` and a confidence",
            )
    request = with_nested_answers(request)
    if using.is_scored and (request.labelled is None or asked[0].name != "" or not to_reach(request)):
        raise ArgumentError(
            f"{request.program.name} is decided on the scores of its labels alone, and what is learnt would "
            "not be used",
            help=f"take `{'decide' if using.reasoning is None else 'reasoning'}` out of `using:`",
        )
    for_larger = request_for_larger(request)
    if for_larger is None:
        return _tuned(request, asked, listener, sources, reader, None)
    large, rows = for_larger
    listener.turning_to(model_name(large.model))
    ways = candidates(large.program, _layer(sources(large.model, large.folder)), shares=large.shares)
    words = tuple(way for way in ways if not any(isinstance(each, Embedding) for each in way))
    larger = _tuned(replace(large, candidates=words), asked, listener, sources, reader, None)
    listener.turning_to(model_name(request.model))
    beside = FoundLarger(rows=rows, found=larger.found[0])
    return replace(_tuned(request, asked, listener, sources, reader, beside), larger=larger)


def _tuned(
    request: Request,
    asked: Sequence[Question],
    listener: Listener,
    sources: SourcesOf,
    reader: Reader,
    larger: FoundLarger | None,
) -> Tuned:
    models = sources(request.model, request.folder)
    if request.program.using.is_scored:
        assert request.labelled is not None
        found = _on_scores(request, request.labelled, asked, models, listener, reader)
    elif request.labelled is not None:
        found = _on_labelled(request, request.labelled, asked, models, listener, reader)
    elif request.inputs is not None:
        found = _on_inputs(request, request.inputs, asked, models, listener)
    else:
        found = _on_source(request, asked, models, listener)
    points, refused = cut_points(request, found, larger)
    entry = Entry(
        key=request.key,
        model=model_name(request.model),
        heads={one.question.name: one.head for one in found if one.head is not None},
        thresholds=resolved(request, points),
        report=report(request, found, points),
    )
    return Tuned(entry=entry, found=found, cut_points=points, refused=refused)


def beside(source: Path) -> Tunings:
    """The tunings that a `.mp` file has already. Raises `TuningError` if they can't be read: better before
    all the work than after it."""
    path = tuning.tuning_path(source)
    return tuning.read(path) if path.exists() else {}


def write(source: Path, function: str, *entries: Entry) -> tuple[Path, Path]:
    """Put entries beside a `.mp` file, in place of what was there for the same function and models.

    Raises:
        TuningError: there is a tuning file that can't be read.
        OSError: it can't be written.
    """
    path = tuning.tuning_path(source)
    found = beside(source)
    for entry in entries:
        found = tuning.with_entry(found, function, entry)
    tuning.write(path, found)
    return path, tuning.tensors_path(path)


# ---------------------------------------------------------------------------------------- labelled rows


def candidates(
    program: Program, layer: int | None, *, shares: bool = False
) -> tuple[tuple[Evidence, ...], ...]:
    """What heads may be made of, in the order of what a call costs: without a model whose `layer` can be
    read, no readouts; with `shares`, none behind the program's own prefix."""
    found: list[tuple[Evidence, ...]] = []
    embeddings = [Embedding(EMBEDDER, form) for form in _FORMS.get(holes(program), ())]
    prefixes = ("none",) if shares else ("none", "own")
    readouts = [] if layer is None else [Readout(layer, prefix) for prefix in prefixes]
    found += [(embedding,) for embedding in embeddings]
    found += [(readout,) for readout in readouts]
    found += [(readout, embedding) for readout in readouts for embedding in embeddings]
    found.append((Labels(),))
    return tuple(found)


def _on_labelled(
    request: Request,
    rows: LabelledRows,
    asked: Sequence[Question],
    models: Sources,
    listener: Listener,
    reader: Reader,
) -> tuple[Found, ...]:
    if len(rows) < LEAST_ROWS:
        raise ArgumentError(
            f"{len(rows)} labelled rows are too few to tune on; it takes {LEAST_ROWS}, better 100",
            help="give more rows, or write these as examples of the prompt, which are learnt from too",
        )
    answers = {question.name: _answers(request.program, rows, question) for question in asked}
    if all(_one_sided(question, *answers[question.name]) for question in asked):
        raise ArgumentError(
            f"there is nothing to tell apart: {_one_sided(asked[0], *answers[asked[0].name])}",
            help="give rows of every label",
        )
    tried = request.candidates or candidates(request.program, _layer(models), shares=request.shares)
    is_many = len(rows) >= ROWS_FOR_STRENGTHS and not request.is_written
    found = []
    features = features_of_rows(request, rows, tried, asked, models, listener, reader)
    made = heads_from_source(request.program, asked, models, lambda lacks: None, reader=reader)
    for question in asked:
        has, places = answers[question.name]
        lacks = _one_sided(question, has, places)
        if lacks is not None:
            found.append(Found(question=question, note=f"nothing was learnt: {lacks}"))
            continue
        known = {each: values[has] for each, values in features.items() if not _is_foreign(each, question)}
        counts = _even(places) if request.balanced else None
        if request.counts is not None:
            counts = request.counts[has]
        labelled = Labelled(features=known, labels=places, n_labels=len(question.options), counts=counts)
        ways = [each for each in tried if all(part in known for part in each)]
        with listener.comparing(len(ways), len(places)) as advance:
            strengths = STRENGTHS if is_many else (request.strength or C,)
            trials = search(labelled, ways, strengths=strengths, progress=advance)
        taken = choose(trials, labelled)
        head = assemble(taken, labelled, calibrated=not request.is_written)
        untuned = _untuned(made[question.name].head, labelled)
        found.append(
            Found(
                question=question, head=head, tried=trials, taken=taken, places=places, untuned=untuned
            )
        )
    return tuple(found)


def _untuned(head: Head | None, rows: Labelled) -> Trial | None:
    """What a head from the source alone says of the rows, which it was not fitted on either; `None` where
    there is none, or nobody has read the rows for it."""
    if head is None or not all(each in rows.features for each in head.evidence):
        return None
    return trial_of(rows, head.evidence, C, head.log_probs(rows.features))


def _answers(
    program: Program, rows: LabelledRows, question: Question
) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Which rows answer a question, shape (n,), and with which labels those do."""
    returns = kind(program.returns)
    parts = [dict(returns.take_apart("", label)) for label in rows.labels]
    places = [question.label(part[question.name]) for part in parts if question.name in part]
    return np.array([question.name in part for part in parts]), np.array(places, dtype=np.intp)


def _even(places: NDArray[np.intp]) -> NDArray[np.float64]:
    """How often each row counts, shape (n,), in all n, so that all labels weigh the same."""
    each = np.bincount(places)
    return len(places) / (np.count_nonzero(each) * each[places].astype(np.float64))


def _one_sided(question: Question, has: NDArray[np.bool_], places: NDArray[np.intp]) -> str | None:
    """Why nothing can be learnt of a question from rows with these answers, if so."""
    if len(places) < LEAST_ANSWERS:
        return f"only {len(places)} of {len(has)} rows answer `{question.name}`"
    if len(np.unique(places)) < 2:
        return f"all {len(places)} rows have the label `{question.kind.key(question.options[places[0]])}`"
    return None


def _is_foreign(evidence: Evidence, question: Question) -> bool:
    """Label scores are those of a whole answer: a field's depend on the fields before it."""
    return isinstance(evidence, Labels) and question.name != ""


def _layer(models: Sources) -> int | None:
    engine = models.engine()
    return engine.exit_layer if isinstance(engine, Engine) else None


# ------------------------------------------------------------------------------------ inputs, and nothing


def _on_inputs(
    request: Request, rows: InputRows, asked: Sequence[Question], models: Sources, listener: Listener
) -> tuple[Found, ...]:
    """Label scores, corrected by how often each label is said of the inputs, beside what the source says."""
    if len(rows) < LEAST_INPUTS:
        raise ArgumentError(
            f"{len(rows)} inputs say too little of how often a label is said; it takes {LEAST_INPUTS}",
            help="give more inputs",
        )
    found = []
    for one in _on_source(request, asked, models, listener):
        if one.question.name != "":
            found.append(one)
        elif one.head is not None and request.program.examples:
            found.append(replace(one, note=f"{one.note}; where there are examples, inputs add nothing"))
        else:
            found.append(_with_scores(one, rows, request, models, listener))
    return tuple(found)


def _with_scores(
    one: Found, rows: InputRows, request: Request, models: Sources, listener: Listener
) -> Found:
    """A head with corrected label scores beside its parts, all weighing the same."""
    said = features_of_rows(request, rows, [(Labels(),)], [one.question], models, listener)[Labels()]
    others = () if one.head is None else one.head.parts
    parts = (HeadPart(Labels(), 1.0, corrected(said)), *others)
    head = Head(parts=tuple(replace(part, weight=1 / len(parts)) for part in parts))
    beside = f", and {one.note}" if others else ""
    return replace(one, head=head, note=f"label scores, corrected by {len(rows)} inputs{beside}")


def _on_source(
    request: Request, asked: Sequence[Question], models: Sources, listener: Listener
) -> tuple[Found, ...]:
    made = heads_from_source(request.program, asked, models, listener.lacking)
    found = []
    for question in asked:
        one = made[question.name]
        if request.inputs is None and can_leave_out(request.program, question):
            found.append(arrange(request, question, one, models, listener))
            continue
        if request.inputs is None and one.head is None:
            one = scored(request.program, question, models)
        note = "nothing was learnt: the source gives neither examples nor words to go by"
        if one.head is not None:
            note = f"{' + '.join(map(short_name, one.head.evidence))}, from the source alone"
            if one.unseen is not None:
                note += f": {in_words(one.unseen)}"
        found.append(Found(question=question, head=one.head, note=note))
    if request.inputs is None and all(one.head is None for one in found):
        raise ArgumentError(
            f"the source of {request.program.name} says nothing to learn from",
            help="write examples, or give rows: `--on ROWS.jsonl`, or `--unlabelled ROWS.jsonl`",
        )
    return tuple(found)


# ------------------------------------------------------------------------------------------- label scores


def _on_scores(
    request: Request,
    rows: LabelledRows,
    asked: Sequence[Question],
    models: Sources,
    listener: Listener,
    reader: Reader,
) -> tuple[Found, ...]:
    """What the label scores say of the rows, uncorrected, for a program that wants nothing else: no head, but
    thresholds may need their numbers."""
    (question,) = asked
    _, places = _answers(request.program, rows, question)
    said = features_of_rows(request, rows, [(Labels(),)], asked, models, listener, reader)[Labels()]
    labelled = Labelled(features={Labels(): said}, labels=places, n_labels=len(question.options))
    scored = trial_of(labelled, (Labels(),), C, log_softmax(said.astype(np.float64)))
    return (Found(question=question, tried=(scored,), taken=scored, places=places),)
