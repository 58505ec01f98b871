"""What the page is made of: every way to decide on every data set, as JSON data."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Final

from microprompt.cpu import cpu, usable_cores
from microprompt.evaluation import metrics
from microprompt.heads import tuning

from . import peers, ways
from .cached import Cached
from .outcome import Outcome, answered_above, outcome_of
from .source_alone import source_table
from .tasks import (
    ALL,
    DECISIONS,
    DEV,
    TASKS,
    TRAIN,
    Task,
    counts_of,
    held_out_rows,
    places_of,
    rows_of,
    task_called,
)

ONE_TEXT: Final = ("taskclass", "complexity", "transience")
"""The decisions about one text, for which abstention is measured."""

LARGER: Final[Mapping[str, tuple[str, ...]]] = {
    "qwen2.5-coder-0.5b": ("taskclass", "complexity", "transience"),
    "qwen2.5-coder-1.5b": ("taskclass",),
}
"""Larger models, and the data sets whose rows they read in minutes. On two cores, 200 pairs of texts take the
smaller of them ten minutes, and the larger half an hour."""

_BUSY: Final = 0.5  # a load average for each core above which times are not to be trusted


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A way to decide, the rows it was fitted on, and what it said."""

    name: str
    fitted_on: str
    outcome: Outcome


def results(
    data: Path, cached: Cached, *, models: bool, times: bool, labels: bool
) -> dict[str, object]:
    """All figures. With `models`, also those of larger models, where these take minutes; with `times`, what
    calls take; with `labels`, label scores with few examples of decisions about one text.

    Raises:
        ArgumentError: a data set is absent.
        ModelError: a model is not to be had.
    """
    is_busy = os.getloadavg()[0] > _BUSY * usable_cores()
    return {
        "setup": _setup(is_busy=is_busy),
        "tasks": [_task(task, data, cached, models=models, times=times) for task in TASKS],
        "abstain": [_abstain(task_called(name), data, cached) for name in ONE_TEXT],
        "source": source_table(data, cached, labels=labels),
        "held_out": [_held_out(task, cached) for task in DECISIONS],
    }


def _setup(*, is_busy: bool) -> dict[str, object]:
    return {
        "model": ways.MODEL,
        "cpu": cpu().name,
        "cores": usable_cores(),
        "versions": {name: version(name) for name in ("llama-cpp-python", "scikit-learn")},
        "busy": is_busy,
    }


# -------------------------------------------------------------------------------------------- a data set


def _task(task: Task, data: Path, cached: Cached, *, models: bool, times: bool) -> dict[str, object]:
    found = {each.name: each for each in measured(task, data, cached, models=models, times=times)}
    return {
        "name": task.name,
        "ways": [
            {"name": each.name, "fitted_on": each.fitted_on, **each.outcome.figures()}
            for each in found.values()
        ],
        "paired": [
            _paired(found[tuned(parts)], found[peer(name, parts)])
            for parts in parts_of(task)
            for name in PEERS
        ],
    }


def measured(task: Task, data: Path, cached: Cached, *, models: bool, times: bool) -> Iterator[Measured]:
    """Each way to decide, on the rows to measure on."""
    rows = rows_of(task, data, DEV)

    def found(name: str, outcome: Outcome, function: ways.AnyFunction, fitted_on: str = "") -> Measured:
        place = f"{task.name}.{name}.ms", (function.program.using.model,)
        ms = cached.data(*place, lambda: ways.milliseconds(function, rows)) if times else cached.known(*place)
        timed = replace(outcome, ms=ms if isinstance(ms, float) else None)
        return Measured(name=name, fitted_on=fitted_on, outcome=timed)

    if not task.is_own:
        file = tuning.tuning_path(task.source)
        outcome = ways.decided(task, ways.head_in(file, task), rows, cached)
        yield found("shipped", outcome, ways.shipped(task), "; ".join(ways.sources_of(file, task)))
    for parts in parts_of(task):
        file = ways.tuned(task, data, parts, cached)
        outcome = ways.decided(task, ways.head_in(file, task), rows, cached)
        yield found(tuned(parts), outcome, ways.with_tuning(task, file), _named(task, data, parts))
    scores = ways.scored(task, rows, cached)
    head = ways.head_of_source(task, cached)
    outcome = scores if head is None else ways.decided(task, head, rows, cached)
    yield found("source alone", outcome, ways.from_source(task))
    yield found("label scores", scores, ways.from_source(task, labels=True))
    for parts in parts_of(task):
        for name in PEERS:
            yield Measured(
                name=peer(name, parts),
                fitted_on=_named(task, data, parts),
                outcome=_peer(name, task, data, parts, cached),
            )
    if models:
        for model in (name for name, short in LARGER.items() if task.name in short):
            outcome = ways.scored(task, rows, cached, model=model)
            yield found(scores_of(model), outcome, ways.from_source(task, labels=True, model=model))


def scores_of(model: str) -> str:
    """What the label scores of a larger model are called."""
    return f"label scores, {model}"


def tuned(parts: tuple[str, ...]) -> str:
    """What a head is called that was learnt from parts of a data set."""
    return f"tuned on {' + '.join(parts)}"


PEERS: Final[Mapping[str, peers.Peer]] = {"TF-IDF + LR": peers.words, "MiniLM + LR": peers.embeddings}


def peer(name: str, parts: tuple[str, ...]) -> str:
    """What a peer is called that was fitted on parts of a data set."""
    return f"{name} on {' + '.join(parts)}"


def parts_of(task: Task) -> tuple[tuple[str, ...], ...]:
    """The parts of a data set that are learnt from, together."""
    return (TRAIN, ALL) if task.has_more else (TRAIN,)


def _named(task: Task, data: Path, parts: tuple[str, ...]) -> str:
    return f"{len(rows_of(task, data, parts)):,} rows of {' + '.join(parts)}"


def _peer(name: str, task: Task, data: Path, parts: tuple[str, ...], cached: Cached) -> Outcome:
    train, rows = rows_of(task, data, parts), rows_of(task, data, DEV)
    counts = counts_of(task, train)
    found = cached.data(
        f"{task.name}.{peer(name, parts)}",
        (train.labels, rows.labels),
        lambda: PEERS[name](task, train, rows, counts, cached).to_data(),
    )
    return outcome_of(found, places_of(task, rows))


def _paired(first: Measured, second: Measured) -> dict[str, object]:
    found = metrics.mcnemar(first.outcome.right, second.outcome.right)
    return {
        "first": first.name,
        "second": second.name,
        "only_first": found.only_first,
        "only_second": found.only_second,
        "p": found.p,
    }


# ------------------------------------------------------------------------------------------- thresholds


def _abstain(task: Task, data: Path, cached: Cached) -> dict[str, object]:
    """What abstaining at the cut-point that was found on the rows to learn from does on those to measure
    on."""
    entry = ways.entry_in(ways.tuned(task, data, TRAIN, cached), task)
    outcome = ways.decided(task, entry.heads[""], rows_of(task, data, DEV), cached)
    resolved = entry.thresholds.abstain
    return {
        "name": task.name,
        "on_train": entry.report["cut_points"],
        "found": None if resolved is None else answered_above(outcome, resolved.below),
    }


# ------------------------------------------------------------------------------------------- rows held out


def _held_out(task: Task, cached: Cached) -> dict[str, object]:
    """What is shipped, on the rows that were written for the project and that nothing was fitted on."""
    head = ways.head_in(tuning.tuning_path(task.source), task)
    return {"name": task.name, **ways.decided(task, head, held_out_rows(task), cached).figures()}
