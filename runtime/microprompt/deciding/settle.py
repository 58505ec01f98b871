"""Settling how a program is answered on a model: by which head each of its choices, and from which confidence
on an answer is taken.

A head is taken from the tuning file, if that was made for this prompt, model and version; else it is made
from the source alone, once, and kept; where that has nothing for one, it is of label scores, corrected by how
often each label is said anyway; and where nothing tells that, labels are scored as they are. What is not
used, and why, is remembered for who asks (`explain`); what is lacking, and a tuning that is not used, is said
once on standard error.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum, auto
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .. import abi, models
from ..errors import ModelError, TuningError
from ..heads import tuning
from ..heads.evidence import RECIPE, Embedding, Evidence, Labels, Named
from ..heads.head import Head
from ..heads.linear import Numbers
from ..heads.tuning import Entry, Resolved, Thresholds, Tunings
from ..locations import is_path
from ..program import Arrangement, Program
from ..types import kind
from . import kept
from .choices import Question, fingerprint, holes, places, questions
from .evidence import Sources
from .scores import VERSION as SCORES
from .scores import scored
from .source import EMBEDDER, RULE, Made, Unseen, heads_from_source


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Settled:
    """How a question is decided: by which head, where that is from ("tuning" or "source"), how it does on
    examples that it has not seen, and what its tuning reports. Without a head (from "labels"), as the model's
    scores of the labels say. With a `shortlist`, the head knows the options of these numbers only."""

    question: Question
    head: Head | None
    origin: str
    unseen: Unseen | None = None
    report: Mapping[str, object] | None = None
    shortlist: NDArray[np.intp] | None = None

    def log_probs(self, features: Mapping[Evidence, Any]) -> Numbers:
        """Log-probabilities of all options, shape (K,), from the features of the head's evidence; options
        that are not on the shortlist have no probability."""
        assert self.head is not None
        said = self.head.log_probs(features)
        if self.shortlist is None:
            return said
        found = np.full(len(self.question.options), -np.inf)
        found[self.shortlist] = said
        return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Settlement:
    """How a program is answered on a model. `abstain` and `escalate` are confidences under which an answer is
    not taken; `asks_call` says that the words of options which a call brings along decide among them;
    `untuned` says why there is a tuning that is not used. `has_rest` says that there is more in an answer
    than heads decide."""

    model: str
    settled: tuple[Settled, ...]
    has_rest: bool
    asks_call: bool
    abstain: float | None
    escalate: float | None
    untuned: str | None

    def of_call(self, program: Program, found: Sequence[Settled]) -> Settlement:
        """The same for a call whose own choices are settled too."""
        settled = (*self.settled, *found)
        decided = {one.question.name for one in settled if one.head is not None}
        return replace(self, settled=settled, has_rest=not decided >= places(program.returns))

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What the heads have to be given the features of, each once."""
        heads = [one.head for one in self.settled if one.head is not None]
        return tuple(dict.fromkeys(each for head in heads for each in head.evidence))

    @property
    def arrangement(self) -> Arrangement | None:
        """How the prompt is laid out behind which labels are scored, if a head says so."""
        return next((each.arrangement for each in self.evidence if isinstance(each, Labels)), None)

    @property
    def apart(self) -> frozenset[str]:
        """The names of the choices that are decided apart from what the model writes: none, where a head goes
        by its scores of labels, for which it writes all of the answer."""
        if self.arrangement is not None:
            return frozenset()
        return frozenset(one.question.name for one in self.settled if one.head is not None)

    @property
    def answers(self) -> str:
        """The name of the model that answers: of an embedder, where no language model runs."""
        embedders = [each.model for each in self.evidence if isinstance(each, Embedding)]
        return self.model if self.needs_model else "+".join(embedders)

    @property
    def needs_model(self) -> bool:
        """Whether a call runs the language model."""
        return self.has_rest or not all(isinstance(each, Embedding | Named) for each in self.evidence)


class Heads(Enum):
    """Which heads may decide: none, where only thresholds are asked for; those that were tuned; or, where
    there is no tuning, those that the source alone gives, too."""

    NONE = auto()
    TUNED = auto()
    ANY = auto()


def settle(program: Program, folder: Path, model: abi.Model, sources: Sources, heads: Heads) -> Settlement:
    """Settle how a program is answered on a model, with the heads that may decide.

    Raises:
        TuningError: the tuning file is damaged or does not fit the program, or a threshold is an accuracy to
            reach, and no tuning says from which confidence on it is reached.
        ModelError: there is no such model, or one that is needed to fit a head is not to be had.
    """
    sources.check()
    entry, untuned = tuned_entry(program, folder, model)
    abstain, escalate = _thresholds(program, entry)
    found: dict[str, Settled] = {}
    if program.using.is_scored:
        heads = Heads.NONE
    asked = questions(program.returns)
    if heads is not Heads.NONE and entry is not None:
        found |= _tuned(program, folder, entry, asked, sources)
    if heads is Heads.ANY:
        first = program.arranged(replace(program.arrangement, state=None))
        left = [each for each in asked if each.name not in found]
        found |= _from_source(first, model, left, sources, _made)
        if program.arrangement.state is not None:
            # What else a head goes by is read without the prompt, or was fitted with the instruction first.
            left = [each for each in left if _is_of_scores(found[each.name].head)]
            found |= _from_source(program, model, left, sources, _scores_made)
    labels = {each.name: Settled(question=each, head=None, origin="labels") for each in asked}
    decided = {name for name, one in found.items() if one.head is not None}
    return Settlement(
        model=model_name(model),
        settled=tuple((labels | found)[question.name] for question in asked),
        has_rest=not decided >= places(program.returns),
        asks_call=heads is Heads.ANY and bool(kind(program.returns).chooses_from and holes(program)),
        abstain=abstain,
        escalate=escalate,
        untuned=untuned,
    )


def model_name(model: abi.Model) -> str:
    """The name of a model in tuning files: its registered one, or that of its file."""
    return Path(model.name).name if is_path(model.name) else model.name


# ------------------------------------------------------------------------------------------------ tuning


def tuned_entry(program: Program, folder: Path, model: abi.Model) -> tuple[Entry | None, str | None]:
    """The entry for a program on a model, or why there is none though the program has a tuning file.

    Raises `TuningError` for a damaged file.
    """
    if program.tuning is None:
        return None, None
    file, name = program.tuning.file, model_name(model)
    entries = _tunings(folder / file).get(program.name, ())
    mine = [entry for entry in entries if entry.model == name]
    if not mine:
        others = ", ".join(entry.model for entry in entries) or "no model"
        return None, f"{file} has it tuned for {others}, not for {name}"
    if mine[0].key != program.tuning.key:
        return None, f"{file} was made for another version of this prompt"
    if mine[0].recipe != RECIPE:
        return None, f"{file} was made by another version of microprompt"
    return mine[0], None


def _tunings(path: Path) -> Tunings:
    try:
        seen = [_stamp(path), _stamp(tuning.tensors_path(path))]
    except OSError:
        return tuning.read(path)  # which says what is wrong
    return _read(path, tuple(seen))


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=32)
def _read(path: Path, _seen: tuple[tuple[int, int], ...]) -> Tunings:
    return tuning.read(path)


def _tuned(
    program: Program, folder: Path, entry: Entry, asked: Sequence[Question], sources: Sources
) -> dict[str, Settled]:
    by_name = {question.name: question for question in asked}
    assert program.tuning is not None
    place = folder / program.tuning.file
    found = {}
    for name, head in entry.heads.items():
        question = by_name.get(name)
        if question is None or head.n_labels != len(question.options):
            what = f"the field {name!r}" if name else "the answer"
            raise TuningError(
                f"the tuning of {program.name} in {place} does not fit its type: {what} has not "
                f"{head.n_labels} labels",
                help=f"tune it again (`mpc tune {program.source} {program.name}`)",
            )
        usable = _without_what_lacks(head, sources)
        if usable is not None:
            found[name] = Settled(question=question, head=usable, origin="tuning", report=entry.report)
    return found


def _without_what_lacks(head: Head, sources: Sources) -> Head | None:
    """The head, or what is left of it without an embedder that is not to be had."""
    parts = []
    for part in head.parts:
        if isinstance(part.evidence, Embedding):
            try:
                sources.embedder(part.evidence.model)
            except ModelError as error:
                tell_of_lack(error)
                continue
        parts.append(part)
    if len(parts) == len(head.parts):
        return head
    return replace(head, parts=tuple(parts), calibrated=False) if parts else None


def _thresholds(program: Program, entry: Entry | None) -> tuple[float | None, float | None]:
    """The confidences under which a call abstains and escalates."""
    using = program.using
    if entry is not None and using.is_scored and entry.heads:
        entry = None  # its numbers are of other confidences
    resolved = Thresholds() if entry is None else entry.thresholds
    larger = None if using.escalate is None else model_name(using.escalate.model)
    when = None if using.escalate is None else using.escalate.when
    return (
        _number(program, "abstain", using.abstain, resolved.abstain, larger),
        _number(program, "escalate", when, resolved.escalate, larger),
    )


def _number(
    program: Program, what: str, said: abi.Threshold | None, resolved: Resolved | None, larger: str | None
) -> float | None:
    """The confidence that a threshold says, or that was found for the accuracy that it says."""
    if said is None or said.reach is None:
        return None if said is None else said.below
    if resolved is not None and (resolved.reach, resolved.model) == (said.reach, larger):
        return resolved.below
    found = "no tuning says from which confidence on that is reached"
    if resolved is not None:
        on = "" if resolved.model is None else f" with {resolved.model}"
        found = f"its tuning has the confidence for {resolved.reach:g}{on}"
    raise TuningError(
        f"{program.name} is to {what} to reach {said.reach:g}{'' if larger is None else f' with {larger}'}, "
        f"and {found}",
        help=f"`mpc tune {program.source} {program.name} --on ROWS.jsonl`, with labelled rows",
    )


# ------------------------------------------------------------------------------------------- source alone


_Maker: TypeAlias = Callable[
    [Program, Sequence[Question], Sources, Callable[[ModelError], None]], dict[str, Made]
]


def _made(
    program: Program, asked: Sequence[Question], sources: Sources, lacks: Callable[[ModelError], None]
) -> dict[str, Made]:
    """What the source gives for each question; `lacks` is told what is not to be had."""
    made = heads_from_source(program, asked, sources, lacks)
    without = [question for question in asked if made[question.name].head is None]
    return made | _scores_made(program, without, sources, lacks)


def _scores_made(
    program: Program, asked: Sequence[Question], sources: Sources, _: Callable[[ModelError], None]
) -> dict[str, Made]:
    return {question.name: scored(program, question, sources) for question in asked}


def _is_of_scores(head: Head | None) -> bool:
    return head is None or all(isinstance(each, Labels) for each in head.evidence)


def _from_source(
    program: Program, model: abi.Model, asked: Sequence[Question], sources: Sources, make: _Maker
) -> dict[str, Settled]:
    """Heads from the source alone: those that were kept, or new ones."""
    if not asked:
        return {}
    names = [question.name for question in asked]
    # What labels score depends on the layout, too.
    layout = program.using.layout or model.layout
    models = (_identity(model), str(layout), _identity(abi.Model(name=EMBEDDER)))
    key = kept.key_of(fingerprint(program), *models, *_VERSIONS)
    entry = kept.find(key)
    if entry is None or not all(_fits(entry, question) for question in asked):
        lacks: list[ModelError] = []
        entry = _entry(key, model, make(program, asked, sources, lacks.append))
        if lacks:
            tell_of_lack(lacks[0])  # and try again next time
        else:
            kept.keep(key, entry)
    return {
        name: Settled(
            question=question,
            head=entry.heads.get(name),
            origin="source" if name in entry.heads else "labels",
            unseen=_unseen(entry.report.get(name)),
        )
        for name, question in zip(names, asked, strict=True)
    }


_VERSIONS: Final = (f"recipe {RECIPE}", f"rule {RULE}", f"scores {SCORES}")


def _identity(model: abi.Model) -> str:
    """What stands for a model's file; where there is none, loading it will say so."""
    try:
        file = _stamp(Path(model.name)) if is_path(model.name) else models.find(model.name).sha256
    except (OSError, ModelError):
        file = None
    return f"{model.name} {file}"


def _fits(entry: Entry, question: Question) -> bool:
    head = entry.heads.get(question.name)
    return question.name in entry.report and (head is None or head.n_labels == len(question.options))


def _entry(key: str, model: abi.Model, made: Mapping[str, Made]) -> Entry:
    return Entry(
        key=key,
        model=model_name(model),
        heads={name: one.head for name, one in made.items() if one.head is not None},
        report={name: None if one.unseen is None else asdict(one.unseen) for name, one in made.items()},
    )


def _unseen(data: object) -> Unseen | None:
    return Unseen(**data) if isinstance(data, dict) else None


# ------------------------------------------------------------------------------------------------- lacks

_told: set[str] = set()
_telling = threading.Lock()


def tell_of_lack(error: ModelError) -> None:
    """Say once that evidence is not to be had; answers say by themselves what they go by."""
    _tell_once(f"deciding without the embedder: {error.message}")


def tell_of_untuned(program: Program, settlement: Settlement) -> None:
    """Say once that a program has a tuning which is not used: its answers may be much worse than with it."""
    if settlement.untuned is not None:
        _tell_once(f"{program.name} answers untuned: {settlement.untuned}")


def _tell_once(message: str) -> None:
    with _telling:
        if message in _told:
            return
        _told.add(message)
    models.tell()(message, 0, 0)
