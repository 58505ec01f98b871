"""What becomes of many rows when each may have an answer or an error of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from ..answer import Answer
from ..declared import IN_FLIGHT, DeclaredFunction
from ..errors import EngineError, MicropromptError, ModelError

Outcome: TypeAlias = Answer[Any] | MicropromptError
"""An answer, or why there is none."""


def outcomes(
    function: DeclaredFunction[..., Any], rows: Sequence[Mapping[str, object]], *, in_flight: int = IN_FLIGHT
) -> Iterator[Outcome]:
    """The outcome of every row of arguments, in order, up to `in_flight` of them worked on at a time.

    An error ends a `map_detail`, so the rows behind it are asked by another one. A model that is missing or
    an engine that fails has nothing to do with a row: that is raised.
    """
    done = 0
    while done < len(rows):
        answers = function.map_detail((rows[at] for at in range(done, len(rows))), in_flight=in_flight)
        while done < len(rows):
            outcome: Outcome
            try:
                outcome = next(answers)
            except (ModelError, EngineError):
                raise
            except MicropromptError as error:
                outcome = error
            done += 1
            yield outcome
            if isinstance(outcome, MicropromptError):
                break
