"""The features of rows to tune on: each piece of evidence is read of all of them, while there is time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from ..deciding.choices import Question
from ..deciding.evidence import Reader, Sources, evidence_of_rows, local
from ..deciding.source import EMBEDDER
from ..engines.base import Call
from ..errors import ArgumentError, ModelError, PromptTooLong
from ..evaluation.rows import InputRows
from ..heads.evidence import Embedding, Evidence, Features, Labels, Readout
from ..program import Program
from .request import Listener, Request

_PROBED: Final = 8  # rows that tell how long all will take


def features_of_rows(
    request: Request,
    rows: InputRows,
    tried: Sequence[tuple[Evidence, ...]],
    asked: Sequence[Question],
    models: Sources,
    listener: Listener,
    reader: Reader = evidence_of_rows,
) -> dict[Evidence, Features]:
    """What is known of the rows, shape (n, D) for each piece of evidence, in the order of the candidates, as
    far as the time goes: the first rows tell how long all will take.

    Raises:
        ArgumentError: there is no time for any evidence, or no place for an argument.
        PromptTooLong: the text of a row does not fit into the context.
        ModelError: the language model is not to be had.
    """
    whole = next((question for question in asked if question.name == ""), None)
    found: dict[Evidence, Features] = {}
    end = time.monotonic() + request.seconds
    least = float("inf")
    lacks = False
    _check_lengths(request.program, rows, tried, models)
    asked_for = dict.fromkeys(each for candidate in tried for each in candidate)
    for evidence in sorted(asked_for, key=lambda each: each == Embedding(EMBEDDER, "cosine")):
        if isinstance(evidence, Labels) and whole is None:
            continue
        pair = replace(evidence, form="pair") if isinstance(evidence, Embedding) else None
        if pair in found:
            found[evidence] = found[pair][:, :1]  # what a pair begins with is its cosine
            continue
        read = partial(reader, request.program, evidence=evidence, sources=models, question=whole)
        try:
            read(rows.arguments[:1])  # loads the model, and evaluates the prefix
        except ModelError as error:
            if not isinstance(evidence, Embedding):
                raise
            if not lacks:  # of several forms it is said once
                listener.lacking(error)
            lacks = True
            continue
        start = time.monotonic()
        probed = rows.arguments[1 : 1 + _PROBED]
        read(probed)
        needed = (time.monotonic() - start) * len(rows) / len(probed)
        least = min(least, needed)
        if time.monotonic() + needed > end:
            listener.skipped(evidence, needed)
            continue
        with listener.reading(evidence, len(rows)) as advance:
            found[evidence] = read(rows.arguments, progress=partial(advance, 1))
    if not found:
        raise ArgumentError(
            f"a budget of {request.seconds:.0f} s is too short: models have to load, and to read {len(rows)} "
            f"rows takes about {least:.0f} s at least",
            help=f"give --budget {int(2 * least / 60) + 1}m, or fewer rows",
        )
    return found


def _check_lengths(
    program: Program, rows: InputRows, tried: Sequence[tuple[Evidence, ...]], models: Sources
) -> None:
    """Raise `PromptTooLong`, with the row's line, where a text does not fit into the context: before minutes
    are spent on the rows above it."""
    readings = {each for candidate in tried for each in candidate if isinstance(each, Readout)}
    for reading in sorted(readings, key=lambda each: each.prefix == "own"):
        engine = local(models.engine())
        for line, row in zip(rows.lines, rows.arguments, strict=True):
            try:
                engine.passage(Call(program, row), reading)
            except PromptTooLong as error:
                error.add_note(f"this is line {line} of {rows.source}")
                raise
