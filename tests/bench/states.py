"""Five questions about one text: how much more they cost than one, here and in peers, on the same weights.

Nothing is tuned: labels are scored, or constrained, behind the same text for every engine. Each round is one
process for each engine, in which one question and all five take turns, each about a text that is new.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from inspect import unwrap
from pathlib import Path
from statistics import mean, median
from typing import Any, Final, Literal

import microprompt
from microprompt import PromptFunction, abi, gather, prompt
from microprompt.deciding.choices import questions
from microprompt.engines.engine import Engine
from microprompt.engines.loaded import engine_for
from microprompt.prompts.states import LEAD

from .compare import PREPARED, SHIPPED, has_extra_buffers, run_worker
from .engines import GRAMMAR, GUIDANCE, OURS, python_of
from .report import Setup, describe_setup
from .sentences import MESSAGES
from .states_worker import Ask, StateRun, StateTask
from .workloads import prompt_text

ENGINES: Final = (OURS, GUIDANCE, GRAMMAR)

_CHARACTERS: Final = 1250  # of a text of about 300 tokens
CONTEXT: Final = 768
"""Tokens for who evaluates one question at a time: a text, all five questions, and some more."""

NOTES: Final = (
    "A text has about 300 tokens, a question 17 to 35 behind it; two of the five have two examples. All "
    "engines complete the same text, on the same weights.",
    "One question is each of the five in turn. Every text is new, also for the one question.",
    "Guidance goes on from what has read the text. llama-cpp-python evaluates of a prompt what the one "
    "before did not begin with, in the process as in llama-server.",
)


# ---------------------------------------------------------------------------------------------- questions


@prompt
def urgent(text: str) -> Literal["yes", "no"]:
    raise NotImplementedError  # the model answers


@prompt
def mood(text: str) -> Literal["angry", "calm", "happy"]:
    raise NotImplementedError  # the model answers


@prompt
def subject(text: str) -> Literal["billing", "delivery", "account", "product", "other"]:
    raise NotImplementedError  # the model answers


@prompt
def reply(text: str) -> Literal["call", "letter", "nothing"]:
    raise NotImplementedError  # the model answers


@prompt
def form(text: str) -> Literal["question", "complaint", "praise", "notice"]:
    raise NotImplementedError  # the model answers


def _body(instruction: str, **examples: str) -> abi.Body:
    return abi.Body(
        source="bench.mp",
        line=1,
        instruction=instruction,
        input=("Message: ", abi.Hole(parameter="text")),
        cue="Answer:",
        examples=tuple(
            abi.Example(arguments=(text,), answer=answer, line=1) for answer, text in examples.items()
        ),
    )


urgent.body = _body("Is the message urgent?")
mood.body = _body(
    "Name the mood of the sender.", happy="Thank you so much!", angry="This is the third time!"
)
subject.body = _body("What is the message about?")
reply.body = _body("What does the sender want us to do?")
form.body = _body(
    "What kind of message is it?", question="When do you open?", notice="We open at nine."
)

QUESTIONS: Final[tuple[PromptFunction[[str], Any], ...]] = (urgent, mood, subject, reply, form)


def texts(count: int) -> tuple[str, ...]:
    """So many texts, of which no two begin alike. Raises `ValueError` if there are not so many."""
    if count > len(MESSAGES):
        raise ValueError(f"{count} texts of {len(MESSAGES)} messages")
    return tuple(" ".join((*MESSAGES[at:], *MESSAGES[:at]))[:_CHARACTERS].rstrip() for at in range(count))


def prompts_of(text: str) -> tuple[str, tuple[str, ...]]:
    """What all questions about a text begin with, and how each goes on."""
    state = LEAD + text
    whole = [prompt_text(each.over("text").program, {"text": text}) for each in QUESTIONS]
    assert all(each.startswith(state) for each in whole)
    return state, tuple(each.removeprefix(state) for each in whole)


def open_ours(task: StateTask) -> Ask:
    """Load the weights, and ask as users do."""
    microprompt.configure(threads=task.threads, context=None, timeout=None, answer_cache=False)
    model = abi.Model(name=task.path)
    assert isinstance(engine_for(model), Engine)
    using = abi.Using(model=model, decide=abi.LABELS)
    asked = [
        PromptFunction[[str], Any](unwrap(each), program=replace(each.program, using=using))
        for each in QUESTIONS
    ]

    def ask(text: int, questions: Sequence[int]) -> Sequence[object]:
        argument = task.texts[text]
        return gather(*(asked[each].later(argument) for each in questions), state=argument)

    return ask


# --------------------------------------------------------------------------------------------- measured


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRow:
    """An engine: one question and all five, in milliseconds, the medians of the rounds' means; how many times
    as long all five take, with the least and greatest round, and how many times the time of the processor,
    which others on the machine move less; and the share of its answers that are ours."""

    engine: str
    one_ms: float
    all_ms: float
    times: float
    low: float
    high: float
    cpu_times: float
    agreement: float


@dataclass(frozen=True, slots=True, kw_only=True)
class States:
    """What was measured, and on what."""

    rows: Sequence[StateRow]
    setup: Setup


def compare_states(
    model: str,
    paths: Mapping[str, Path],
    *,
    threads: int,
    rounds: int,
    repeats: int,
    load: float | None,
    progress: Callable[[str], None],
) -> States:
    """Measure all engines. Raises `BenchError`."""
    path = paths.get(PREPARED, paths[SHIPPED])
    repeats = min(repeats, 2 * len(QUESTIONS))  # for which there are texts, and each question comes as often
    about = texts(2 * repeats + 1)
    task = StateTask(
        engine=OURS,
        path=str(path),
        threads=threads,
        repeats=repeats,
        texts=about,
        prompts=tuple(map(prompts_of, about)),
        labels=tuple(tuple(map(str, _options(each))) for each in QUESTIONS),
        context=CONTEXT,
        extra_buffers=has_extra_buffers(path),
    )
    runs = run_rounds(task, ENGINES, rounds, lambda doing: progress(f"states, {doing}"))
    return States(
        rows=rows(runs),
        setup=describe_setup(
            model=model,
            weights={PREPARED if PREPARED in paths else SHIPPED: path.name},
            threads=threads,
            rounds=rounds,
            repeats=repeats,
            load=load,
        ),
    )


def run_rounds(
    task: StateTask, engines: Sequence[str], rounds: int, progress: Callable[[str], None]
) -> dict[str, list[StateRun]]:
    """What each engine measured in each round, of which every other one goes through them backwards. Raises
    `BenchError`."""
    runs: dict[str, list[StateRun]] = {engine: [] for engine in engines}
    for number in range(rounds):
        for engine in engines if number % 2 == 0 else reversed(engines):
            progress(f"round {number + 1} of {rounds}: {engine}")
            python = sys.executable if engine == OURS else python_of(engine)
            command = [python, "-m", "tests.bench.states_worker"]
            done = run_worker(command, asdict(replace(task, engine=engine)))
            runs[engine].append(StateRun(**json.loads(done)))
    return runs


def _options(asked: PromptFunction[[str], Any]) -> tuple[object, ...]:
    (question,) = questions(asked.program.returns)
    return question.options


def rows(runs: Mapping[str, Sequence[StateRun]]) -> list[StateRow]:
    """What the rounds say together, one row for each engine."""
    ours = [answer for answers in runs[OURS][0].answers for answer in answers]
    found = []
    for engine, each in runs.items():
        # Means, for one question is each of five that take different times.
        times = [mean(run.all) / mean(run.one) for run in each]
        theirs = [answer for answers in each[0].answers for answer in answers]
        found.append(
            StateRow(
                engine=engine,
                one_ms=1e3 * median(mean(run.one) for run in each),
                all_ms=1e3 * median(mean(run.all) for run in each),
                times=median(times),
                low=min(times),
                high=max(times),
                cpu_times=median(mean(run.all_cpu) / mean(run.one_cpu) for run in each),
                agreement=mean(a == b for a, b in zip(theirs, ours, strict=True)),
            )
        )
    return found


def to_json(found: States) -> dict[str, object]:
    """As JSON data."""
    return {**asdict(found), "notes": list(NOTES)}
