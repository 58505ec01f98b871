"""Questions about one text, asked of one engine in a process of its own: a `StateTask` in, a `StateRun` out,
as JSON.

    python -m tests.bench.states_worker < task.json

Runs in the peers' environments too, so it imports only what all have.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from .engines import GRAMMAR, GUIDANCE, TYPED
from .peers import load_llama
from .worker import own_output

Ask: TypeAlias = Callable[[int, Sequence[int]], Sequence[object]]
"""Asks some of the questions, by their numbers, about the text of a number; gives the answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateTask:
    """What to measure: in each of the `repeats`, one question about a new text, another one after the other,
    and all of them about another new text, with an engine on the weights at `path`.

    `prompts` are what is to be completed: of each text, what all questions begin with, and how each goes on.
    `labels` are the answers to each question. `texts` are what they were made of, one more than is measured.
    `questions` are those of the System One API, where that is asked.
    """

    engine: str
    path: str
    threads: int
    repeats: int
    texts: Sequence[str]
    prompts: Sequence[tuple[str, Sequence[str]]]
    labels: Sequence[Sequence[str]]
    context: int
    extra_buffers: bool
    questions: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRun:
    """What one process measured, in seconds: of one question, and of all of them, by the clock and of the
    processor. `answers` are those to all of them about each text."""

    one: list[float]
    all: list[float]
    one_cpu: list[float]
    all_cpu: list[float]
    answers: list[list[str]]


def measure(task: StateTask) -> StateRun:
    """Load, ask all about the last text to settle, then time the repeats."""
    ask = _open(task)
    every = tuple(range(len(task.labels)))
    for question in every:  # some engines make what they constrain answers with when they first meet it
        ask(len(task.texts) - 1, (question,))
    run = StateRun(one=[], all=[], one_cpu=[], all_cpu=[], answers=[])
    for repeat in range(task.repeats):
        with _timed(run.one, run.one_cpu):
            ask(2 * repeat, (repeat % len(every),))
        with _timed(run.all, run.all_cpu):
            found = ask(2 * repeat + 1, every)
        run.answers.append([str(each).strip() for each in found])
    return run


@contextmanager
def _timed(wall: list[float], cpu: list[float]) -> Iterator[None]:
    """Append how long the block takes, and what it takes of all cores."""
    begun, begun_cpu = time.perf_counter(), time.process_time()
    yield
    wall.append(time.perf_counter() - begun)
    cpu.append(time.process_time() - begun_cpu)


def _open(task: StateTask) -> Ask:
    if task.engine in _OPENERS:
        return _OPENERS[task.engine](task)
    # Not at the top: they need what peers' environments lack.
    if task.questions:
        from .systemone import open_served

        return open_served(task)
    from .states import open_ours

    return open_ours(task)


def _open_guidance(task: StateTask) -> Ask:
    """Guidance: what has read the text is gone on from with each question."""
    guidance = importlib.import_module("guidance")
    model = guidance.models.LlamaCpp(load_llama(task), echo=False)
    answers = [guidance.select([f" {label}" for label in labels], name="answer") for labels in task.labels]

    def ask(text: int, questions: Sequence[int]) -> Sequence[object]:
        state, tails = task.prompts[text]
        read = model + state
        return [(read + tails[each] + answers[each])["answer"] for each in questions]

    return ask


def _open_llama_cpp(task: StateTask) -> Ask:
    """llama-cpp-python with GBNF grammars. Of a prompt it evaluates what the one before did not begin with,
    as llama-server's prompt cache does."""
    llama_cpp = importlib.import_module("llama_cpp")
    llama = load_llama(task)
    grammars = [
        llama_cpp.LlamaGrammar.from_string(
            f"root ::= {' | '.join(json.dumps(f' {label}') for label in labels)}", verbose=False
        )
        for labels in task.labels
    ]

    def ask(text: int, questions: Sequence[int]) -> Sequence[object]:
        state, tails = task.prompts[text]
        return [
            llama(state + tails[each], grammar=grammars[each], max_tokens=16, temperature=0.0)["choices"][0][
                "text"
            ]
            for each in questions
        ]

    return ask


def _open_typed_gguf(task: StateTask) -> Ask:
    """typed-gguf as its warm host runs it, without the socket, on the llama.cpp of llama-cpp-python. It
    writes its own prompts, through the chat template, and takes all questions at once."""
    library = Path(importlib.import_module("llama_cpp").__file__ or "").parent / "lib"
    schema = importlib.import_module("typed_gguf.schema")
    decide = importlib.import_module("typed_gguf.engine.decide")
    session = importlib.import_module("typed_gguf.engine.session")
    handle = session.open_model(task.path, runtime_dir=library, fit_disabled=True)

    def ask(text: int, questions: Sequence[int]) -> Sequence[object]:
        payload = {
            "state": task.texts[text],
            "questions": {str(each): task.questions[each] for each in questions},
            "options": {"threads": task.threads, "kv_type": "f16"},
        }
        request = schema.parse_request(payload)
        plan = decide.plan_context(request, handle)
        with session.ModelSession(handle, plan) as live:
            result = decide.DecisionEngine(live).decide(request, plan=plan)
        return [outcome(result.answers[str(each)]) for each in questions]

    return ask


def outcome(answer: Mapping[str, Any]) -> str:
    """What an answer of the System One API says, as a label."""
    if answer["type"] == "noul":
        return "yes" if answer["noul"] >= 0.5 else "no"
    probabilities: Mapping[str, float] = answer["probabilities"]
    return max(probabilities, key=lambda each: probabilities[each])


_OPENERS: Final[Mapping[str, Callable[[Any], Ask]]] = {
    GRAMMAR: _open_llama_cpp,
    GUIDANCE: _open_guidance,
    TYPED: _open_typed_gguf,
}


def main() -> None:
    output = own_output()
    run = measure(StateTask(**json.load(sys.stdin)))
    with output:
        json.dump(asdict(run), output)


if __name__ == "__main__":
    main()
