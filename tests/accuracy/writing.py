"""What the library's functions that write, copy or pick come to on several models; and the page of it.

The decisions of the library are tuned and have a page of their own. These here are answered by a model as it
is. What can be measured without asking people is: whether the facts of a text are kept and nothing is added,
whether the right tool is picked, whether a list is empty where nothing is missing.
"""

from __future__ import annotations

import json
import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

from microprompt.declared import DeclaredFunction
from microprompt.errors import AnswerTooLong
from microprompt.evaluation.figures import share
from microprompt.evaluation.metrics import wilson
from microprompt.evaluation.variants import Variant, on_models
from microprompt.flows.function import FlowFunction
from microprompt.function import PromptFunction
from microprompt.given import given
from mpstd import evaluate, plan, question, route, text

from .cached import Cached
from .tasks import ROOT

MODELS: Final = ("smollm2-135m", "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b")
FIT: Final = 0.75
"""The share from which on a model is called fit for a function."""

_SAMPLES: Final = ROOT / "tests" / "samples" / "writing"
_ROWS: Final = 40
"""Of a public data set so many rows are asked, the same for all models."""

_SHOWN: Final = 2
_SHOW: Final = ("text.compress", "text.summarize", "text.title", "evaluate.critique")

_FAITHFUL: Final = "answers in which every name and number is the text's"

_QUESTIONS: Final = [
    (
        {"question": "When and where does the choir rehearse?", "response": "On Mondays at seven."},
        None,
    ),
    ({"question": "How much is the boat trip?", "response": "Families love the boat trip."}, None),
]

_NAME_OR_NUMBER: Final = re.compile(r"[A-ZÀ-Þ][\w'-]+|\d[\d,.]*\d|\d")


Right: TypeAlias = Callable[[Any, Any], float]
"""From an answer and its label to the share that is right, from 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Timed:
    value: Any
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A function, what is asked of it, and what of an answer is right by each measure, which says in words
    what it is. `rows_of` says whose rows they are."""

    function: PromptFunction[..., Any]
    rows_of: str
    rows: Sequence[tuple[Mapping[str, object], Any]]
    measures: Mapping[str, Right]
    flow: FlowFunction[..., Any] | None = None
    """What calls the function, with the same arguments, and is measured in its place. Its decisions stay with
    the model that they are tuned for."""


def checks(data: Path | None) -> Iterator[Check]:
    """All checks; those of public rows only where the folder with them is given."""
    own = "written for this"
    texts = [({"text": each["text"]}, each) for each in samples("texts")]
    for function in (text.compress, text.summarize):
        yield Check(
            function=function,
            rows_of=own,
            rows=texts,
            measures={"facts of the text that are kept": _keeps_facts, _FAITHFUL: _is_faithful},
        )
    yield Check(function=text.title, rows_of=own, rows=texts, measures={_FAITHFUL: _is_faithful})
    yield Check(
        function=text.keywords,
        rows_of=own,
        rows=texts,
        measures={"words for what the text is about": lambda answer, each: _kept(answer, each["topics"])},
    )
    tools = [route.Tool(**each) for each in json.loads((_SAMPLES / "toolbox.json").read_text("utf-8"))]
    yield Check(
        function=route.call,
        rows_of=own,
        rows=[({"request": each["request"], "tools": tools}, each) for each in samples("tools")],
        measures={
            f"right tool, of {len(tools)}": lambda call, each: float(call.tool.name == each["tool"]),
            "right tool, and its arguments to the letter": lambda call, each: float(
                call.tool.name == each["tool"] and call.arguments == each["arguments"]
            ),
        },
    )
    steps = [({"goal": each["goal"], "done": each["done"]}, each["reached"]) for each in samples("steps")]
    yield Check(
        function=plan.next_step,
        rows_of=own,
        rows=steps,
        measures={"none where the goal is reached": lambda step, reached: float((step is None) is reached)},
    )
    if data is not None:
        yield from _public(data)


def _public(data: Path) -> Iterator[Check]:
    topics = _rows(data / "topics")
    options = sorted({_words(label) for _, label in topics})
    yield Check(
        function=route.pick,
        rows_of="Banking77 (CC BY 4.0)",
        rows=[({"request": each["text"], "options": options}, _words(label)) for each, label in topics],
        measures={f"right option, of {len(options)}": lambda option, label: float(option == label)},
    )
    yield Check(
        function=question.split,
        flow=question.decompose,
        rows_of="Break (MIT), LC-QuAD 1.0 (GPL-3.0)",
        rows=_rows(data / "complexity"),
        measures={
            "several parts of a complex question, one of a simple one": lambda parts, label: float(
                (len(parts) > 1) is (label == "complex")
            )
        },
    )
    yield Check(
        function=plan.lacking,
        flow=plan.missing,
        rows_of="Schema-Guided Dialogue (CC BY-SA 4.0)",
        rows=_rows(data / "planning_slots"),
        measures={
            "nothing where all is known, and only there": lambda names, label: float(
                (not names) is (label == "enough")
            )
        },
    )
    yield Check(
        function=evaluate.critique, rows_of="FeedbackQA (Apache-2.0)", rows=_QUESTIONS, measures={}
    )


def measured(data: Path | None, cache: Cached, models: Sequence[str] = MODELS) -> list[dict[str, Any]]:
    """For each function and model the shares that are right by its measures, the median of milliseconds, and
    some answers."""
    return [
        _measured(check, variant, cache)
        for check in checks(data)
        for variant in on_models(check.function, models)
    ]


def _measured(check: Check, variant: Variant, cache: Cached) -> dict[str, Any]:
    measured = check.flow or check.function
    name = f"{measured.__module__.rpartition('.')[2]}.{measured.__name__}"
    key = [variant.name, repr(check.function.body), repr(check.rows), list(check.measures)]
    found = cache.data(f"writing.{name}", key, lambda: _figures(check, variant.function))
    about = {"function": name, "rows_of": check.rows_of, "model": variant.name, "n": len(check.rows)}
    return about | cast("dict[str, Any]", found)


def _figures(check: Check, asked: DeclaredFunction[..., Any]) -> dict[str, Any]:
    answers = [_answer(check, asked, arguments) for arguments, _ in check.rows]
    labels = (label for _, label in check.rows)
    given = [(each.value, label) for each, label in zip(answers, labels, strict=True) if each is not None]
    return {
        "shares": {
            measure: sum(right(value, label) for value, label in given) / len(answers)
            for measure, right in check.measures.items()
        },
        "p50_ms": statistics.median(each.seconds for each in answers if each is not None) * 1000,
        "some": [str(value) for value, _ in given[:_SHOWN]],
    }


def _answer(
    check: Check, asked: DeclaredFunction[..., Any], arguments: Mapping[str, object]
) -> _Timed | None:
    """What the function answers on this model, or the flow around it, and how long the model takes."""
    start = time.perf_counter()
    try:
        value = asked(**arguments)
    except AnswerTooLong:  # no answer is a wrong one
        return None
    seconds = time.perf_counter() - start
    if check.flow is not None:
        with given([(check.function, value)]):
            value = check.flow(**arguments)
    return _Timed(value=value, seconds=seconds)


def _keeps_facts(answer: str | list[str], sample: Mapping[str, Any]) -> float:
    return _kept(answer, sample["facts"])


def _is_faithful(answer: str | list[str], sample: Mapping[str, Any]) -> float:
    known = sample["text"].lower()
    said = answer if isinstance(answer, str) else "\n".join(answer)
    return float(all(each.lower() in known for each in _NAME_OR_NUMBER.findall(said)))


def _kept(answer: str | list[str], wanted: Sequence[str]) -> float:
    said = (answer if isinstance(answer, str) else "\n".join(answer)).lower()
    return sum(each.lower() in said for each in wanted) / len(wanted)


def samples(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (_SAMPLES / f"{name}.jsonl").read_text("utf-8").splitlines()]


def _rows(folder: Path) -> list[tuple[Mapping[str, object], str]]:
    lines = (folder / "dev.jsonl").read_text("utf-8").splitlines()
    every = max(1, len(lines) // _ROWS)
    rows = [json.loads(line) for line in lines[::every][:_ROWS]]
    return [(row["inputs"], row["label"]) for row in rows]


def _words(label: str) -> str:
    return label.replace("_", " ")


# ------------------------------------------------------------------------------------------------- the page


def page(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The lines of stdlib/docs/writing.md."""
    models = list(dict.fromkeys(each["model"] for each in found))
    by_function: dict[str, dict[str, Mapping[str, Any]]] = {}
    for each in found:
        by_function.setdefault(each["function"], {})[each["model"]] = each
    yield "# Functions that write, copy or pick"
    yield ""
    yield (
        "What the functions of the standard library that are no tuned decisions come to, as measured by "
        "`python -m tests.accuracy writing DATA`. What writes is not tuned; where a decision comes first, as "
        "in `decompose` and `missing`, that is the tuned one, whatever the model. Own rows are few, and "
        f"intervals (95 %) are wide; of public data sets {_ROWS} rows are asked. A call without an answer is "
        "a wrong one. Whether a text is a good one is not measured; some are shown below. Milliseconds are "
        "the median of what the model takes, on a machine that had other work."
    )
    yield ""
    yield f"*Fit* is the smallest model for which a share is at least {FIT}."
    yield ""
    yield f"| function | what is measured | rows | n | {' | '.join(models)} | fit |"
    yield f"|{'---|' * (5 + len(models))}"
    for function, row in by_function.items():
        one = row[models[0]]
        for measure in one["shares"]:
            shares = {model: row[model]["shares"][measure] for model in models}
            cells = [share(each, wilson(round(each * one["n"]), one["n"])) for each in shares.values()]
            fit = next((model for model in models if shares[model] >= FIT), "none of these")
            about = f"`{function}` | {measure} | {one['rows_of']} | {one['n']}"
            yield f"| {about} | {' | '.join(cells)} | {fit} |"
    yield ""
    yield f"| ms a call | {' | '.join(models)} |"
    yield f"|{'---|' * (1 + len(models))}"
    for function, row in by_function.items():
        times = (f"{row[model]['p50_ms']:.0f}" for model in models)
        yield f"| `{function}` | {' | '.join(times)} |"
    yield ""
    yield "## Some answers"
    for function, row in by_function.items():
        if function in _SHOW:
            yield ""
            yield f"`{function}`, the first rows:"
            yield ""
            yield from (f"- {model}: {' — '.join(row[model]['some'])}" for model in models)


def write_page(found: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """Write writing.md and the figures behind it."""
    (folder / "writing.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (folder / "writing.md").write_text("\n".join(page(found)) + "\n", encoding="utf-8")
