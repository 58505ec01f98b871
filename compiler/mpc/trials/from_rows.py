"""Tests that are the rows of a file: run as `mpc eval` runs them, and held to the bounds of the program."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from microprompt import rows
from microprompt.errors import EngineError, MicropromptError, ModelError
from microprompt.evaluation import run
from microprompt.evaluation.bounds import Judgement, judge
from microprompt.evaluation.rows import read_labelled
from microprompt.evaluation.variants import on_models
from microprompt.storage import read_regular

from .. import project
from ..functions import AnyFunction
from .words import in_line

_SHOWN_MISTAKES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsResult:
    """What became of one file of tests: figures held to their bounds, or the error that there was instead."""

    file: str
    line: int
    function: str
    rows: str
    evaluated: run.Evaluated | None
    judgements: tuple[Judgement, ...]
    warnings: tuple[str, ...]
    seconds: float
    error: str | None

    @property
    def passed(self) -> bool:
        """Whether all bounds hold."""
        return self.error is None and all(each.holds for each in self.judgements)

    def headline(self) -> str:
        """What was tested, and what it measures."""
        tested = f"{self.file}:{self.line}: {self.function} on {self.rows}"
        if self.evaluated is None:
            return tested
        figures = self.evaluated.figures
        measured = ", ".join(each.in_words() for each in self.judgements)
        return f"{tested}: {figures.right.sum()} of {figures.n} right, {measured}"

    def difference(self) -> Sequence[str]:
        """Why it failed, in lines: the error, or the mistakes that the model was surest of."""
        if self.error is not None:
            return self.error.split("\n")
        assert self.evaluated is not None
        return [
            f"line {mistake.line}: expected {in_line(mistake.expected)}, "
            f"got {in_line(mistake.answer)} (probability {mistake.confidence:.2f})"
            for mistake in self.evaluated.worst[:_SHOWN_MISTAKES]
        ]

    def to_json(self) -> dict[str, object]:
        """As JSON data; `rows` tells it from a test that is written out."""
        return {
            "file": self.file,
            "line": self.line,
            "function": self.function,
            "rows": self.rows,
            "passed": self.passed,
            "bounds": [each.to_json() for each in self.judgements],
            "figures": None if self.evaluated is None else self.evaluated.to_json(),
            "warnings": list(self.warnings),
            "seconds": self.seconds,
            "error": self.error,
        }


def run_rows(path: Path, called: AnyFunction) -> Iterator[RowsResult]:
    """Run the files of tests of a function that the program at `path` declares.

    Raises:
        ModelError: the model is not to be had.
        EngineError: the engine failed.
    """
    for tests in called.program.tests_from:
        begun = time.monotonic()
        evaluated: run.Evaluated | None = None
        judgements: tuple[Judgement, ...] = ()
        warnings: tuple[str, ...] = ()
        error: str | None = None
        shown = project.shown(path.parent / tests.file)
        try:
            evaluated, warnings = _evaluated(called, path.parent / tests.file, shown)
            judgements = judge(evaluated.figures, tests.bounds)
        except (ModelError, EngineError):
            raise
        except MicropromptError as refused:
            error = "\n".join((*refused.lines, *([refused.help] if refused.help else [])))
        except OSError as refused:
            error = f"{shown}: {refused.strerror or refused}"
        yield RowsResult(
            file=project.shown(path),
            line=tests.line,
            function=called.program.name,
            rows=shown,
            evaluated=evaluated,
            judgements=judgements,
            warnings=warnings,
            seconds=time.monotonic() - begun,
            error=error,
        )


def _evaluated(
    called: AnyFunction, file: Path, shown: str
) -> tuple[run.Evaluated, tuple[str, ...]]:
    """What the answers to a file's rows measure, and what people should know of them."""
    found = read_labelled(called.program, read_regular(file, rows.MAX_ROWS), shown)
    (variant,) = on_models(called, ())
    evaluated = run.run(variant, found, lambda more: None)
    return evaluated, (*found.warnings, *evaluated.warnings)
