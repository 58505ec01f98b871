"""What is to be tuned, who is told how it goes, and what is found for each choice."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .. import abi
from ..deciding.choices import Question
from ..deciding.evidence import Sources
from ..deciding.nested import nested_engine_for
from ..errors import ModelError
from ..evaluation.rows import InputRows, LabelledRows, Rows
from ..heads.evidence import Evidence
from ..heads.head import Head
from ..program import Program
from .search import Trial

SourcesOf: TypeAlias = Callable[[abi.Model | None, Path], Sources]
"""The models of a program, by the name of its language model and the folder where relative paths begin."""


class Listener(Protocol):
    """Is told what is going on."""

    def reading(self, evidence: Evidence, rows: int) -> AbstractContextManager[Callable[[int], None]]:
        """So many rows are read for a piece of evidence; what is given back is told of each more."""
        ...

    def turning_to(self, model: str) -> None:
        """What follows is of this model: where unsure answers go on to a larger one, both are tuned."""
        ...

    def comparing(self, ways: int, rows: int) -> AbstractContextManager[Callable[[int], None]]:
        """So many ways to answer are fitted and compared on rows; told as `reading` is."""
        ...

    def skipped(self, evidence: Evidence, seconds: float) -> None:
        """There is no time to read the rows for it, which would take about so long."""
        ...

    def lacking(self, error: ModelError) -> None:
        """A model is not to be had, and its evidence is not tried."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to tune: a program under its `key`, whose relative model paths begin at `folder`. Rows have values
    of all parameters (`evaluation.rows.with_defaults`).

    `is_written` says that the rows were made up for the purpose. Cross-validation deceives on such rows, for
    they are more alike than what people really say: so the strength of regularisation stays as it is, nothing
    is called calibrated, and no cut-point is taken from them. `seconds` are what reading the rows may take.
    `sources` say where rows come from, for the record. With `shares`, texts are read only behind the neutral
    prefix that all functions share, so that several decisions about one text cost one pass. `counts`, shape
    (n,), say how often each labelled row counts; without them, each counts once, or, `balanced`, so often
    that all labels weigh the same. `candidates` are what heads may be made of, in the order of what a call
    costs; without them, all that program and model allow.
    `strength` is that of the regularisation, where it was chosen elsewhere.
    """

    program: Program
    key: str
    model: abi.Model
    folder: Path
    labelled: LabelledRows | None = None
    inputs: InputRows | None = None
    is_written: bool = False
    seconds: float = 120.0
    sources: tuple[str, ...] = ()
    shares: bool = False
    balanced: bool = False
    counts: NDArray[np.float64] | None = None
    candidates: tuple[tuple[Evidence, ...], ...] | None = None
    strength: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found for a choice: on labelled rows, all that was `tried` and what was `taken`, and the rows'
    label numbers, `places`; `untuned` is what the source alone says of the same rows, where it says anything.
    Otherwise `note` says what the head goes by, or why there is none."""

    question: Question
    head: Head | None = None
    tried: tuple[Trial, ...] = ()
    taken: Trial | None = None
    places: NDArray[np.intp] | None = None
    untuned: Trial | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundLarger:
    """What was found for the model that unsure answers go on to, on the rows with these numbers."""

    rows: NDArray[np.intp]
    found: Found


def with_nested_answers(request: Request) -> Request:
    """The request with the answers of prompts that the body calls, in examples and in rows: those are what a
    head decides on too. Waits for them."""
    nested = nested_engine_for(request.program, request.folder)
    if nested is None:
        return request

    def completed(rows: Rows) -> Rows:
        return replace(rows, arguments=tuple(nested.completed(rows.arguments)))

    return replace(
        request,
        program=nested.program,
        labelled=None if request.labelled is None else completed(request.labelled),
        inputs=None if request.inputs is None else completed(request.inputs),
    )
