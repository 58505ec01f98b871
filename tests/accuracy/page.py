"""The page of results, from accuracy.json and escalation.json: what was measured, and how.

    python -m tests.accuracy.page

writes the page again without measuring.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from . import escalation
from .measure import LARGER, scores_of
from .outcome import with_interval
from .source_alone import CORRECTED, DRAWS, INPUTS, RAW
from .tasks import DECISIONS, OTHERS, ROOT, TASKS, Task, task_called

FOLDER: Final = ROOT / "stdlib" / "docs"

_SURE: Final = 0.05  # a p-value below which a difference is called one
_ECE: Final = 0.08
_ECE_OF_SLOTS: Final = 0.12


def write_page(folder: Path) -> None:
    """Write accuracy.md beside accuracy.json and escalation.json in `folder`."""
    results, escalated = (
        json.loads((folder / name).read_text(encoding="utf-8"))
        for name in ("accuracy.json", "escalation.json")
    )
    (folder / "accuracy.md").write_text("\n".join(page(results, escalated)) + "\n", encoding="utf-8")


def page(results: Mapping[str, Any], escalated: Mapping[str, Any]) -> Iterator[str]:
    """The lines of the page."""
    setup = results["setup"]
    yield "# Accuracy"
    yield ""
    yield (
        "How right the decisions of the standard library are, on rows that other people collected and "
        f"labelled and that nothing was fitted on. Measured with {setup['model']} on "
        f"{setup['cores']} cores of {setup['cpu']}, "
        + ", ".join(f"{name} {version}" for name, version in setup["versions"].items())
        + "; `make accuracy` does it again. All tables are made from [accuracy.json](accuracy.json) and "
        "[escalation.json](escalation.json)."
    )
    if setup["busy"]:
        yield ""
        yield "Others used the machine while this was measured: the milliseconds are upper bounds."
    yield ""
    yield from _summary(results)
    yield ""
    yield "## Aims"
    yield ""
    yield from _aims(results)
    for task in DECISIONS:
        yield ""
        yield f"## {task.title}"
        yield ""
        yield from _task(task, _of(results, task))
    yield ""
    yield "## Your own functions"
    for task in OTHERS:
        yield ""
        yield f"### {task.name}"
        yield ""
        yield from _task(task, _of(results, task))
    yield ""
    yield "## From the source alone"
    yield ""
    yield from _source(results["source"])
    yield ""
    yield "## Abstaining"
    yield ""
    yield from _abstaining(results["abstain"])
    yield ""
    yield "## Escalation"
    yield ""
    yield from escalation.lines(escalated)
    yield ""
    yield "## Rows written for the project"
    yield ""
    yield from _held_out(results["held_out"])
    yield ""
    yield "## How it was measured"
    yield ""
    for note in (*_NOTES, *_left_out(results)):
        yield f"- {note}"


_NOTES: Final = (
    "Each data set has rows to learn from (`train`, for some also `train_more`) and rows to measure on, "
    "balanced by label, which are in no fit. The data sets are no part of the project.",
    "What a tuned head is made of, and how strongly it is fitted, was chosen by cross-validation on the "
    "rows that it was learnt from. The layer that is read, the words before a text, the way its states are "
    "pooled, the fixed strength of regularisation, how rows of `boundary` are weighed and the share of the "
    "prior that is taken out were chosen once, in experiments that had rows to measure on in view; "
    "differences between the candidates were of one or two points, so figures are by about as much too good. "
    "That of 500 rows or more the best is taken, however dear, was decided by cross-validation, after a "
    "calibration error of `quality` on rows to measure on had asked for it.",
    "A text is read once, and what heads say is computed from its features: `mpc eval` finds the same.",
    "Intervals are Wilson's, at 95 %. ECE is the expected calibration error over 15 bins. Milliseconds are "
    "the median of 32 calls, one at a time, each with a text that was not seen before. What takes long is "
    "kept and shown as it was when it was measured, so they need not be of one run with the rest; where a "
    "cell is empty, they were not measured.",
    "Peers are fitted on the same rows: TF-IDF of words, marks, and pairs of them, or sentence embeddings of "
    "all-MiniLM-L6-v2 (of two texts u and v their cosine, |u - v| and u * v), then scikit-learn's logistic "
    "regression, its strength chosen by cross-validation.",
    "In every fit, of ours and of peers, the labels of a data set weigh the same. In rows of `boundary` "
    "they do so among messages with a question mark and among those without.",
    "p is McNemar's, exact, on the rows where two ways differ.",
)


def _left_out(results: Mapping[str, Any]) -> Iterator[str]:
    """What takes too long to be measured everywhere, and where it was not."""
    for model in LARGER:
        without = [
            task.title
            for task in TASKS
            if all(way["name"] != scores_of(model) for way in _of(results, task)["ways"])
        ]
        if without:
            names = ", ".join(f"`{title}`" for title in without)
            yield f"{model} was left out for {names}: to read their rows takes it too long on this machine."


def _of(results: Mapping[str, Any], task: Task) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(each for each in results["tasks"] if each["name"] == task.name)
    return found


def _summary(results: Mapping[str, Any]) -> Iterator[str]:
    yield "| decision | as shipped | tuned on your rows | label scores | measured on |"
    yield "|---|---|---|---|---|"
    for task in DECISIONS:
        ways = _of(results, task)["ways"]
        best = _most_tuned(ways)
        cells = [_named(ways, "shipped"), best, _named(ways, "label scores")]
        yield (
            f"| [`{task.title}`](#{task.title.replace('.', '').lower()}) | "
            + " | ".join(with_interval(cell) for cell in cells)
            + f" | {cells[0]['n']} {task.rows_of} |"
        )


def _aims(results: Mapping[str, Any]) -> Iterator[str]:
    yield (
        "What was aimed at, as shipped and tuned on all rows to learn from, the latter at a calibration "
        f"error of at most {_ECE} ({_ECE_OF_SLOTS} for `std.plan.enough`). What was missed stands in bold; "
        "where the aim lies within the interval, these rows cannot tell."
    )
    yield ""
    yield "| decision | shipped: aim | is | tuned: aim | is | ECE |"
    yield "|---|---|---|---|---|---|"
    for task in DECISIONS:
        assert task.aims is not None
        ways = _of(results, task)["ways"]
        cells = []
        for aim, way in zip(task.aims, (_named(ways, "shipped"), _most_tuned(ways)), strict=True):
            cells += [f"{aim:.2f}", _marked(with_interval(way), missed=way["accuracy"] < aim)]
        ece = _most_tuned(ways)["ece"]
        limit = _ECE_OF_SLOTS if task.name == "planning_slots" else _ECE
        cells.append(_marked(f"{ece:.3f}", missed=ece > limit))
        yield f"| `{task.title}` | {' | '.join(cells)} |"


def _marked(figure: str, *, missed: bool) -> str:
    return f"**{figure}**" if missed else figure


def _most_tuned(ways: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """What was learnt from most rows."""
    return [way for way in ways if way["name"].startswith("tuned")][-1]


def _named(ways: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    return next(way for way in ways if way["name"] == name)


def _task(task: Task, found: Mapping[str, Any]) -> Iterator[str]:
    yield task.measures
    yield ""
    yield f"Measured on {found['ways'][0]['n']} {task.rows_of}."
    yield ""
    yield "| | accuracy | macro-F1 | ECE | ms a call | answered by | learnt from |"
    yield "|---|---|---|---|---|---|---|"
    for way in found["ways"]:
        yield (
            f"| {way['name']} | {with_interval(way)} | {way['macro_f1']:.3f} | {way['ece']:.3f} | "
            f"{'' if way['ms'] is None else format(way['ms'], '.0f')} | {way['by']} | {way['fitted_on']} |"
        )
    yield ""
    for pair in found["paired"]:
        yield f"- {_compared(pair)}"


def _compared(pair: Mapping[str, Any]) -> str:
    ahead = pair["only_first"] - pair["only_second"]
    verdict = "no difference that these rows could show"
    if pair["p"] < _SURE:
        verdict = f"{pair['first' if ahead > 0 else 'second']} is better"
    return (
        f"{pair['first']} and {pair['second']}: {pair['only_first']} rows only the first gets right, "
        f"{pair['only_second']} only the second, p = {pair['p']:.2g}: {verdict}."
    )


# ------------------------------------------------------------------------------------------- from the source


_SOURCES: Final = (RAW, CORRECTED, "readout", "embedder", "rule")


def _source(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The table of what the source alone is good for."""
    yield (
        "What a function is worth before there is any row: answered from its labels' words and its "
        f"examples. Each figure is the mean accuracy over {DRAWS} draws of examples from rows to learn from "
        "(in brackets: the least and the greatest of them), label scores are of one draw. `rule` is what "
        "answers; beside it stands what each piece of evidence would say alone. Corrected label scores are "
        f"divided by the labels' prior over {INPUTS} inputs without labels, to the power of 0.75. Of what "
        "a text is about, names say enough; what kind of utterance it is takes rows. A cell is empty where "
        "the source has nothing for a piece of evidence to go by, and, of label scores, where they were left "
        "out for the time that they take."
    )
    yield ""
    yield f"| data set | examples | {' | '.join(_SOURCES)} | ECE of the rule |"
    yield f"|---|---|{'---|' * len(_SOURCES)}---|"
    for row in rows:
        cells = ["" if row[name] is None else f"{row[name]:.2f}" for name in _SOURCES]
        if row["rule"] is not None and row["draws"] > 1:
            cells[-1] += f" ({row['least']:.2f} to {row['most']:.2f})"
        ece = "" if row.get("ece") is None else f"{row['ece']:.2f}"
        yield f"| {row['name']} | {row['examples']} | {' | '.join(cells)} | {ece} |"


# ---------------------------------------------------------------------------------------------- thresholds


def _abstaining(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield (
        "`abstain to reach 0.95`: the confidence from which on answers are given was found by "
        "cross-validation on the rows to learn from; the figures are those on the rows to measure on."
    )
    yield ""
    yield "| | cut-point | answered | right among the answered |"
    yield "|---|---|---|---|"
    for row in rows:
        title = f"`{task_called(row['name']).title}`"
        found = row["found"]
        if found is None:
            yield f"| {title} | none gets there | | |"
            continue
        yield (
            f"| {title} | {found['threshold']:.3f} | {found['coverage']:.0%} | "
            f"{'' if found['accuracy'] is None else with_interval(found)} |"
        )


def _held_out(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield (
        "The library's own rows to measure on, 40 a decision (`tests/rows`). They are of the same authors "
        "as most rows that were learnt from, so the figures are better than elsewhere; the tests hold what "
        "is shipped to them."
    )
    yield ""
    yield "| | accuracy | ECE |"
    yield "|---|---|---|"
    for row in rows:
        yield f"| `{task_called(row['name']).title}` | {with_interval(row)} | {row['ece']:.3f} |"


if __name__ == "__main__":
    write_page(FOLDER)
