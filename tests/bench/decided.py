"""What is measured of decisions: prompt functions that are answered on other evidence than label scores.

    python -m tests.bench.decided < task.json

is the process that asks some of them in turns, call by call, so that a machine that slows down favours none.
The heads are fitted on the functions' own examples: what a call costs does not depend on what was learnt.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from inspect import unwrap
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal, TypeAlias

import microprompt
from microprompt import PromptFunction, abi, gather, prompt
from microprompt.deciding.choices import example_labels, questions
from microprompt.deciding.evidence import Loaded, evidence_of_rows, forget
from microprompt.deciding.settle import model_name
from microprompt.deciding.source import EMBEDDER
from microprompt.engines.engine import Engine
from microprompt.engines.loaded import loaded_engine
from microprompt.heads import tuning
from microprompt.heads.evidence import Embedding, Evidence, Readout
from microprompt.heads.fit import fit
from microprompt.heads.head import Head, HeadPart
from microprompt.heads.tuning import Entry
from microprompt.program import Program

from .sentences import MESSAGES, SENTENCES
from .worker import own_output, peak_memory
from .workloads import act, topic

LABELS: Final = "labels"
_BEHIND: Final = {None: "", "own": "behind its prefix", "none": "without a prefix"}
_KEY: Final = "bench"  # of the tunings, which no compiler wrote


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One or several functions of the same texts, which one call asks all at once, and what decides them: a
    readout behind a `prefix`, embeddings of a `form`, both, or, with neither, label scores.

    `versus` is the name of the subject that it is held against, if it is.
    """

    title: str
    functions: tuple[PromptFunction[Any, Any], ...]
    texts: tuple[tuple[str, ...], ...]
    prefix: str | None = None
    form: str | None = None
    versus: str | None = None

    @property
    def needs_model(self) -> bool:
        """Whether it runs a language model."""
        return self.prefix is not None or self.form is None

    @property
    def answered_by(self) -> str:
        """As `Answer.answered_by` has it."""
        parts = {Readout.name: self.prefix, Embedding.name: self.form}
        return "+".join(name for name, part in parts.items() if part) or LABELS

    @property
    def decided_by(self) -> str:
        """The same in words."""
        parts = {f"a readout {_BEHIND[self.prefix]}": self.prefix, "the embedder": self.form}
        return " and ".join(name for name, part in parts.items() if part) or "label scores"

    @property
    def described(self) -> str:
        """What it is in words."""
        return f"{self.title} by {self.decided_by}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedTask:
    """What one process asks: the subjects called `names`, `repeats` times each, of the model at `path`."""

    names: Sequence[str]
    path: str
    threads: int
    repeats: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedRun:
    """What one process measured: seconds of each call by the subject's name, and its peak memory in bytes."""

    latencies: Mapping[str, Sequence[float]]
    peak_memory: int


# -------------------------------------------------------------------------------------- more functions

Mood: TypeAlias = Literal["happy", "sad", "neutral"]
Tense: TypeAlias = Literal["past", "present", "future"]
Subjects: TypeAlias = Literal["same", "new"]


@prompt
def mood(text: str) -> Mood:
    """Name the mood of the speaker."""
    raise NotImplementedError  # the model answers


@prompt
def tense(text: str) -> Tense:
    """Say when this happens."""
    raise NotImplementedError  # the model answers


@prompt
def boundary(previous: str, new: str) -> Subjects:
    """Does the new message stay with the subject of the previous one?"""
    raise NotImplementedError  # the model answers


def _body(
    instruction: str, opening: tuple[abi.Part, ...], examples: Mapping[tuple[str, ...], object]
) -> abi.Body:
    return abi.Body(
        source="bench.mp",
        line=1,
        instruction=instruction,
        input=opening,
        cue="Answer:",
        examples=tuple(
            abi.Example(arguments=texts, answer=answer, line=1) for texts, answer in examples.items()
        ),
    )


_INPUT: Final[tuple[abi.Part, ...]] = ("Input: ", abi.Hole(parameter="text"))

mood.body = _body(
    "Name the mood of the speaker.",
    _INPUT,
    {
        ("What a lovely surprise, thank you so much!",): "happy",
        ("Nobody came to see me all week.",): "sad",
        ("The shop opens at nine.",): "neutral",
        ("We won, we really won!",): "happy",
        ("I miss the old house every day.",): "sad",
        ("Turn left at the second light.",): "neutral",
    },
)
tense.body = _body(
    "Say when this happens.",
    _INPUT,
    {
        ("We walked home in the rain.",): "past",
        ("The baby is asleep upstairs.",): "present",
        ("I will call you on Monday.",): "future",
        ("Who broke the green vase?",): "past",
        ("She lives next to the harbour.",): "present",
        ("They are going to paint the door.",): "future",
    },
)
boundary.body = _body(
    "Does the new message stay with the subject of the previous one?",
    ("Previous: ", abi.Hole(parameter="previous"), "\nNew: ", abi.Hole(parameter="new")),
    {
        ("My parcel has not come.", "It was sent on Monday."): "same",
        ("My parcel has not come.", "How do I change my password?"): "new",
        ("Is the lamp still to be had?", "And in white as well?"): "same",
        ("Is the lamp still to be had?", "You charged me twice."): "new",
        ("The screen went black.", "I had only just unpacked it."): "same",
        ("The screen went black.", "Which days are you open?"): "new",
    },
)

# ------------------------------------------------------------------------------------------ all of them

_SENTENCES: Final = tuple((text,) for text in SENTENCES)
_MESSAGES: Final = tuple((text,) for text in MESSAGES)
_PAIRS: Final = tuple(zip(MESSAGES, (*MESSAGES[1:], MESSAGES[0]), strict=True))
_ENUM: Final = Subject(title="3-way enum", functions=(act,), texts=_SENTENCES)
_THREE: Final = Subject(title="three decisions on one input", functions=(act, mood, tense), texts=_SENTENCES)
_PAIR: Final = Subject(title="a pair of texts", functions=(boundary,), texts=_PAIRS)
_TOPIC: Final = Subject(title="20 topics", functions=(topic,), texts=_MESSAGES)

SUBJECTS: Final[Mapping[str, Subject]] = {
    "enum": _ENUM,
    "enum-own": replace(_ENUM, prefix="own", versus="enum"),
    "enum-none": replace(_ENUM, prefix="none", versus="enum"),
    "enum-both": replace(_ENUM, prefix="none", form="text", versus="enum"),
    "three": replace(_THREE, versus="enum"),
    "three-none": replace(_THREE, prefix="none", versus="enum-none"),
    "pair": _PAIR,
    "pair-both": replace(_PAIR, prefix="own", form="pair", versus="pair"),
    "pair-embedder": replace(_PAIR, form="pair", versus="pair"),
    "topic": _TOPIC,
    "topic-embedder": replace(_TOPIC, form="text", versus="topic"),
}

# --------------------------------------------------------------------------------------- how it is asked


def measure(task: DecidedTask) -> DecidedRun:
    """Fit the heads, ask each subject twice to settle, then time the repeats in turns.

    Raises `RuntimeError` where something else answers than is to be measured.
    """
    microprompt.configure(threads=task.threads, context=None, timeout=None, answer_cache=False)
    subjects = {name: SUBJECTS[name] for name in task.names}
    with TemporaryDirectory() as folder:
        asks = {
            name: _asker(subject, abi.Model(name=task.path), Path(folder) / f"{name}{abi.TUNING_SUFFIX}")
            for name, subject in subjects.items()
        }
        for name, subject in subjects.items():
            for texts in subject.texts[-2:]:
                asks[name](texts)
        calls = {
            name: [partial(asks[name], texts) for texts in islice(cycle(subject.texts), task.repeats)]
            for name, subject in subjects.items()
        }
        latencies = in_turns(calls, before=forget)
    is_loaded = loaded_engine(abi.Model(name=task.path)) is not None
    if is_loaded and not any(subject.needs_model for subject in subjects.values()):
        raise RuntimeError("a decision that needs the embedder only has loaded the language model")
    return DecidedRun(latencies=latencies, peak_memory=peak_memory())


def in_turns(
    calls: Mapping[str, Sequence[Callable[[], object]]], *, before: Callable[[], object]
) -> dict[str, list[float]]:
    """Seconds of each call: of every name the first, then of every name the second. `before` each, untimed,
    what the one before has left for it is put away."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for turn in zip(*calls.values(), strict=True):
        for name, call in zip(calls, turn, strict=True):
            before()
            begun = time.perf_counter()
            call()
            found[name].append(time.perf_counter() - begun)
    return found


def _asker(subject: Subject, model: abi.Model, path: Path) -> Callable[[tuple[str, ...]], object]:
    """How a subject is asked, once it is known that it is answered by what it says."""
    programs = [_on_model(function.program, subject, model, path) for function in subject.functions]
    if subject.answered_by != LABELS:
        tuning.write(path, {program.name: (_entry(program, subject, model),) for program in programs})
    functions = [
        PromptFunction[..., Any](unwrap(function), program=program)
        for function, program in zip(subject.functions, programs, strict=True)
    ]
    for function in functions:
        found = function.detail(*subject.texts[-1]).answered_by
        if found != subject.answered_by:
            raise RuntimeError(f"{subject.title} is answered by {found}, not by {subject.answered_by}")
    if len(functions) == 1:
        return lambda texts: functions[0](*texts)
    return lambda texts: gather(*(function.later(*texts) for function in functions))


def _on_model(program: Program, subject: Subject, model: abi.Model, path: Path) -> Program:
    """The program as the subject has it decided: by the tuning at `path`, or by label scores."""
    if subject.answered_by == LABELS:
        return replace(program, using=abi.Using(model=model, decide=abi.LABELS))
    return replace(program, using=abi.Using(model=model), tuning=abi.Tuning(file=str(path), key=_KEY))


def _entry(program: Program, subject: Subject, model: abi.Model) -> Entry:
    """What tuning a program on its own examples finds."""
    sources = Loaded(model, None)
    (question,) = questions(program.returns)
    answers = example_labels(program, question)
    rows = [program.arguments_of(program.examples[number]) for number in answers]
    parts = []
    for evidence in _evidence(subject, sources):
        features = evidence_of_rows(program, rows, evidence, sources)
        linear = fit(features, list(answers.values()), len(question.options))
        parts.append(HeadPart(evidence, 1.0, linear))
    return Entry(key=_KEY, model=model_name(model), heads={"": Head(parts=tuple(parts))})


def _evidence(subject: Subject, sources: Loaded) -> list[Evidence]:
    found: list[Evidence] = []
    if subject.prefix is not None:
        engine = sources.engine()
        assert isinstance(engine, Engine)
        found.append(Readout(engine.exit_layer, subject.prefix))
    if subject.form is not None:
        found.append(Embedding(EMBEDDER, subject.form))
    return found


def main() -> None:
    output = own_output()
    run = measure(DecidedTask(**json.load(sys.stdin)))
    with output:
        json.dump(asdict(run), output)


if __name__ == "__main__":
    main()
