"""Ten questions of the System One API about one text: how much more they cost than one, here, HTTP included,
and in peers, on the same weights.

It is measured as several questions of a program are (`states`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import httpx
import uvicorn
from pydantic import TypeAdapter

import microprompt
from microprompt.prompts.states import LEAD
from microprompt.serving.app import create_app
from microprompt.systemone.made import UntoldFunction
from microprompt.systemone.polls import poll_of
from microprompt.systemone.wire import AnyQuestion, TaggedQuestion

from .compare import PREPARED, SHIPPED, has_extra_buffers
from .engines import GRAMMAR, OURS, TYPED
from .report import describe_setup
from .states import CONTEXT, States, rows, run_rounds, texts
from .states import to_json as states_to_json
from .states_worker import Ask, StateTask, outcome
from .workloads import prompt_text

ENGINES: Final = (OURS, GRAMMAR, TYPED)

NOTES: Final = (
    "A text has about 300 tokens. Four questions are of yes or no, four choices and two scores. Every text "
    "is new, also for the one question, which is each of the ten in turn; the questions have been asked "
    "before.",
    "llama-cpp-python completes the prompts that we make, and evaluates of a prompt what the one before did "
    "not begin with, as llama-server's prompt cache does. typed-gguf writes its own prompts and takes all "
    "questions at once; each request has a new context, as in its warm host.",
)

_YES_OR_NO: Final = (
    "Is the message urgent?",
    "Does the sender want money back?",
    "Has the sender written before?",
    "Does the sender thank us?",
)
_CHOICES: Final[Mapping[str, Mapping[str, str | None]]] = {
    "What is the mood of the sender?": dict.fromkeys(("angry", "calm", "happy")),
    "Which team should answer?": {
        "billing": "Payments, invoices, refunds",
        "delivery": "Parcels and their ways",
        "support": "What does not work",
        "other": None,
    },
    "What does the sender want us to do?": dict.fromkeys(("call", "write", "nothing")),
    "What kind of message is it?": dict.fromkeys(("question", "complaint", "praise", "notice")),
}
_SCORES: Final[Mapping[str, Sequence[str]]] = {
    "How polite is the message?": ("rude", "neutral", "polite"),
    "How long will an answer take?": ("minutes", "hours", "days"),
}

QUESTIONS: Final[tuple[Mapping[str, Any], ...]] = (
    *({"type": "noul", "instructions": asked} for asked in _YES_OR_NO),
    *({"type": "choice", "instructions": asked, "criteria": of} for asked, of in _CHOICES.items()),
    *({"type": "score", "instructions": asked, "criteria": list(of)} for asked, of in _SCORES.items()),
)
"""As the API has them."""


def prompts_of(text: str) -> tuple[str, tuple[str, ...]]:
    """What all questions about a text begin with, and how each goes on."""
    state = LEAD + text
    whole = []
    for question in map(_read, QUESTIONS):
        puts = poll_of(question, text, None).puts()
        function, arguments = next(put for put in puts if not isinstance(put[0], UntoldFunction))
        whole.append(prompt_text(function.program, arguments))
    assert all(each.startswith(state) for each in whole)
    return state, tuple(each.removeprefix(state) for each in whole)


def labels_of(question: Mapping[str, Any]) -> tuple[str, ...]:
    """What a model may answer."""
    if question["type"] == "noul":
        return ("yes", "no")
    criteria: Mapping[str, Any] | Sequence[str] = question["criteria"]
    return tuple(criteria) if isinstance(criteria, Mapping) else tuple(map(str, range(len(criteria))))


def _read(question: Mapping[str, Any]) -> AnyQuestion:
    found: AnyQuestion = TypeAdapter(TaggedQuestion).validate_python(question)
    return found


def open_served(task: StateTask) -> Ask:
    """Serve the weights, and ask over HTTP on a connection that stays."""
    microprompt.configure(
        model=task.path, threads=task.threads, context=None, timeout=None, answer_cache=False
    )
    config = uvicorn.Config(create_app(()), host="127.0.0.1", port=0, log_level="critical")
    server = uvicorn.Server(config)
    socket = config.bind_socket()
    socket.listen()  # who connects before the thread runs waits
    threading.Thread(target=server.run, kwargs={"sockets": [socket]}, daemon=True).start()
    client = httpx.Client(base_url="http://{}:{}".format(*socket.getsockname()), timeout=600)

    def ask(text: int, questions: Sequence[int]) -> Sequence[object]:
        request = {
            "model": "jev-latest",
            "state": task.texts[text],
            "questions": {str(each): task.questions[each] for each in questions},
        }
        answers = client.post("/v1/systemone", json=request).raise_for_status().json()["answers"]
        return [outcome(answers[str(each)]) for each in questions]

    return ask


def compare_systemone(
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
    repeats = min(repeats, len(QUESTIONS))  # for which there are texts, and each question comes once
    about = texts(2 * repeats + 1)
    task = StateTask(
        engine=OURS,
        path=str(path),
        threads=threads,
        repeats=repeats,
        texts=about,
        prompts=tuple(map(prompts_of, about)),
        labels=tuple(map(labels_of, QUESTIONS)),
        context=CONTEXT,
        extra_buffers=has_extra_buffers(path),
        questions=QUESTIONS,
    )
    runs = run_rounds(task, ENGINES, rounds, lambda doing: progress(f"systemone, {doing}"))
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


def to_json(found: States) -> dict[str, object]:
    """As JSON data."""
    return {**states_to_json(found), "notes": list(NOTES)}
