"""What becomes of many rows when each may have an answer or an error of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from ..answer import Answer
from ..declared import DeclaredFunction
from ..errors import EngineError, MicropromptError, ModelError
from ..flows.function import FlowFunction
from ..running import IN_FLIGHT

Outcome: TypeAlias = Answer[Any] | MicropromptError
"""An answer, or why there is none."""


def outcomes(
    function: DeclaredFunction[..., Any], rows: Sequence[Mapping[str, object]], *, in_flight: int = IN_FLIGHT
) -> Iterator[Outcome]:
    """The outcome of every row of arguments, in order, up to `in_flight` of them worked on at a time.

    A model that is missing or an engine that fails has nothing to do with a row: that is raised.
    """
    if isinstance(function, FlowFunction):
        yield from _of_flow(function, rows, in_flight)
        return
    # An error ends a `map_detail`, so the rows behind it are asked by another one.
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


def _of_flow(
    function: FlowFunction[..., Any], rows: Sequence[Mapping[str, object]], in_flight: int
) -> Iterator[Outcome]:
    """Those of a flow, of which no row is run twice: it may call functions of Python that do something."""
    from ..flows import background  # not at the top: only flows need it

    async def one(row: Mapping[str, object]) -> Outcome:
        try:
            return await function.adetail(**row)
        except (ModelError, EngineError):
            raise
        except MicropromptError as error:
            return error

    return background.run_many(map(one, rows), in_flight=in_flight)
