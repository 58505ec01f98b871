"""Rows with the right answer, made of recorded calls by a person: what `mpc tune` and `mpc eval` read.

The file of the rows is all that there is to go on with: a call whose arguments are in it has its label.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..declared import DeclaredFunction
from ..errors import ArgumentError
from ..evaluation.rows import LABEL, read_label, read_labelled
from ..rows import MAX_ROWS, from_row
from ..storage import read_regular
from ..trace import data_of
from ..types import AnyKind, kind
from .entry import CallEntry, hash_of
from .store import WantedCalls, distinct, taken


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlabelledCall:
    """A recorded call whose arguments are still what the function takes. `returns` is the kind of its answer,
    which may be one of the arguments' items."""

    entry: CallEntry
    arguments: Mapping[str, object]
    returns: AnyKind

    def options(self) -> Sequence[object] | None:
        """What the answer is one of, if it is a choice."""
        return self.returns.options()

    def read(self, text: str) -> object:
        """The label that a text names: as it stands in a program, in JSON, or as the model sees it. Raises
        `ArgumentError`."""
        return read_label(self.returns, text, "the label", is_word=True)


class LabelledFile:
    """Rows of a function in a file of JSON lines, which grows. Raises `ArgumentError` for a file that has
    other rows."""

    def __init__(self, path: Path, function: DeclaredFunction[..., Any]) -> None:
        self._path = path
        self._program = function.program
        self._hashes: set[str] = set()
        data = read_regular(path, MAX_ROWS) if path.exists() else b""
        self._ends_in_line = not data or data.endswith(b"\n")
        if data.strip():
            for row in read_labelled(self._program, data, str(path)).arguments:
                self._hashes.add(hash_of(data_of(self._program, {**function.defaults, **row})))

    def __len__(self) -> int:
        """How many different rows there are."""
        return len(self._hashes)

    def __contains__(self, call: CallEntry) -> bool:
        return call.arguments_hash in self._hashes

    def add(self, call: UnlabelledCall, label: object) -> None:
        """Append a row. Raises `OSError`."""
        said = {LABEL: call.returns.to_data(label)}
        inputs = data_of(self._program, call.arguments)
        # Where a parameter is called so, the arguments stand beside the label.
        row = {**inputs, **said} if "inputs" in inputs else {"inputs": inputs, **said}
        line = f"{json.dumps(row, ensure_ascii=False)}\n".encode()
        with self._path.open("ab") as file:
            file.write(line if self._ends_in_line else b"\n" + line)
            file.flush()
            os.fsync(file.fileno())
        self._ends_in_line = True
        self._hashes.add(call.entry.arguments_hash)


def unlabelled(
    function: DeclaredFunction[..., Any], record: Path, done: LabelledFile
) -> Iterator[UnlabelledCall | ArgumentError]:
    """The recorded calls of a function that have no label yet, the least sure first; in the place of one
    whose arguments the function does not take any more, the reason. Raises `ArgumentError` where there is no
    record."""
    program = function.program
    wanted = WantedCalls(function=program.name, source=program.source)
    for entry in taken(record, distinct(record, wanted, unsure_first=True)):
        if entry in done:
            continue
        try:
            arguments = recorded_arguments(function, entry)
            returns = kind(program.returns).given(arguments)
        except ArgumentError as error:
            yield error
        else:
            yield UnlabelledCall(entry=entry, arguments=arguments, returns=returns)


def recorded_arguments(function: DeclaredFunction[..., Any], entry: CallEntry) -> dict[str, object]:
    """The arguments of a recorded call, checked. Raises `ArgumentError` for those that the function does not
    take."""
    assert entry.arguments is not None
    # With `inputs`, what the function has no parameter for is refused, and not left out.
    row: Mapping[str, object] = entry.arguments
    if all(each.name != "inputs" for each in function.program.parameters):
        row = {"inputs": row}
    return function.arguments((), from_row(function.program, row))
