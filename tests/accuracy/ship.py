"""What the standard library ships: heads for its six decisions, learnt from public rows where their licence
lets numbers be shipped, and else from rows that were written for the project.

    python -m tests.accuracy ship DATA

writes `MODULE.tuning.json` and `MODULE.tuning.safetensors` beside the modules and builds these. What a
head is made of, and how strongly it is fitted, `tasks.py` says. Written rows are more alike than what people
send, and public rows are not a user's: nothing is called calibrated, and no cut-point is taken.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Final

from microprompt import abi
from microprompt.deciding.evidence import Loaded
from microprompt.deciding.source import EMBEDDER
from microprompt.engines.engine import Engine
from microprompt.evaluation import metrics
from microprompt.evaluation.rows import LabelledRows
from microprompt.heads.evidence import Embedding, Evidence, Readout
from microprompt.heads.head import Head
from microprompt.heads.tuning import Entry
from microprompt.tuning import tune
from microprompt.tuning.request import Request
from mpc import project

from .cached import Cached
from .tasks import (
    ALL,
    DECISIONS,
    LIBRARY,
    TRAIN,
    Task,
    counts_of,
    held_out_rows,
    key_of,
    rows_of,
    written_rows,
)
from .telling import Telling, tell
from .ways import MODEL, decided, from_source

WRITTEN: Final = "rows written for the project (Apache-2.0)"


def ship(data: Path, cached: Cached) -> None:
    """Learn, write and build.

    Raises:
        ArgumentError: a data set is absent.
        ModelError: a model is not to be had.
    """
    for task in DECISIONS:
        entry = shipped_entry(task, data, cached)
        for path in tune.write(task.source, task.function, entry):
            tell(f"wrote {path} ({path.stat().st_size:,} bytes)")
    report = project.build([LIBRARY])
    assert report.ok, report.diagnostics


def shipped_entry(task: Task, data: Path, cached: Cached) -> Entry:
    """What is shipped of a function, with what it got right on the rows that were kept back."""
    whose, rows = _rows(task, data)
    request = Request(
        program=from_source(task).program,
        key=key_of(task),
        model=abi.Model(name=MODEL),
        folder=task.source.parent,
        labelled=rows,
        counts=counts_of(task, rows),
        candidates=(_parts(task),),
        strength=task.strength,
        is_written=True,
        seconds=math.inf,
        sources=(f"{whose}: {len(rows)} rows",),
    )
    entry = tune.tune(request, Telling(task.name), reader=cached.evidence).entry
    held_out = _held_out(task, entry.heads[""], cached)
    tell(f"{task.name}: {held_out}")
    return replace(entry, report={**entry.report, "held_out": held_out})


def _rows(task: Task, data: Path) -> tuple[str, LabelledRows]:
    """Whose rows are learnt from, and these."""
    if task.may_ship:
        return task.rows_of, rows_of(task, data, ALL if task.has_more else TRAIN)
    return WRITTEN, written_rows(task)


def _parts(task: Task) -> tuple[Evidence, ...]:
    """What a head is made of: the readout of the input alone, which the decisions about one text share; for
    two texts, the embedder beside it."""
    engine = Loaded(abi.Model(name=MODEL), None).engine()
    assert isinstance(engine, Engine)
    readout = Readout(task.layer or engine.exit_layer, "none")
    return (readout,) if task.form is None else (readout, Embedding(EMBEDDER, task.form))


def _held_out(task: Task, head: Head, cached: Cached) -> dict[str, object]:
    """What a head gets right on the rows that were kept back."""
    outcome = decided(task, head, held_out_rows(task), cached)
    right = int(outcome.right.sum())
    low, high = metrics.wilson(right, outcome.n)
    return {
        "rows": task.held_out.name,
        "n": outcome.n,
        "right": right,
        "interval": [round(low, 4), round(high, 4)],
    }
