"""Rows with the right answer beside the arguments, and rows without, checked by a program's types.

A row is `{"inputs": {parameter: value}, "label": ...}`, or has the parameters and the label side by side, as
the columns of a CSV file are. A label is what the function would return: a member by its name or by the word
that the model sees, true or false, a number, a text, JSON for records and lists.
"""

from __future__ import annotations

import difflib
import json
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final, TypeVar

from ..errors import ArgumentError
from ..program import Program, Signature
from ..rows import from_row, is_nested
from ..types import AnyKind, kind
from ..types.leaves import leaf_values, leaves
from .tables import read_table

LABEL: Final = "label"
"""The column of the labels, where no other is named."""

_ID: Final = "id"

_SHOWN: Final = 5
_LONGEST_SHOWN: Final = 300
_LONGEST_LABEL: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRows:
    """Arguments for a function. `lines` are the rows' numbers in the file `source`.

    `arguments` holds for each row the values of its parameters, checked; those that a row leaves to the
    function's defaults are missing. `warnings` are for people, a sentence each.
    """

    source: str
    lines: tuple[int, ...]
    arguments: tuple[Mapping[str, object], ...]
    warnings: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledRows(InputRows):
    """Arguments, and for each row the value that the function should return."""

    labels: tuple[object, ...]


Rows = TypeVar("Rows", bound=InputRows)


def with_defaults(rows: Rows, defaults: Mapping[str, object]) -> Rows:
    """The same rows with the values of the parameters that they leave out: for who takes their arguments past
    the function."""
    return replace(rows, arguments=tuple({**defaults, **row} for row in rows.arguments))


def read_labelled(program: Signature, data: bytes, source: str, *, label: str = LABEL) -> LabelledRows:
    """The rows of a file called `source`, with labels from the key or column `label`.

    Raises:
        ArgumentError: the file has no rows or is in another encoding, or some rows are not what the function
            takes and returns; it says which, by line.
    """
    found, labels = _read(program, data, source, label)
    returns = kind(program.returns)
    keys = [_key(program, arguments) for arguments in found.arguments]
    return LabelledRows(
        source=source,
        lines=found.lines,
        arguments=found.arguments,
        labels=labels,
        warnings=(
            *found.warnings,
            *_repeated(found.lines, keys, [returns.key(each) for each in labels]),
            *(_shown_already(program, found.lines, keys) if isinstance(program, Program) else ()),
            *_one_sided(returns, labels),
        ),
    )


def joined(several: Sequence[LabelledRows]) -> LabelledRows:
    """The rows of several files as those of one."""
    return LabelledRows(
        source=", ".join(rows.source for rows in several),
        lines=tuple(line for rows in several for line in rows.lines),
        arguments=tuple(row for rows in several for row in rows.arguments),
        labels=tuple(label for rows in several for label in rows.labels),
        warnings=tuple(warning for rows in several for warning in rows.warnings),
    )


def read_unlabelled(program: Signature, data: bytes, source: str) -> InputRows:
    """The rows of a file called `source`; labels in it are not looked at.

    Raises:
        ArgumentError: as `read_labelled`.
    """
    found, _ = _read(program, data, source, None)
    return found


def _read(
    program: Signature, data: bytes, source: str, label: str | None
) -> tuple[InputRows, tuple[object, ...]]:
    table = read_table(data, source)
    mistakes = _Mistakes(source)
    lines: list[int] = []
    arguments: list[Mapping[str, object]] = []
    labels: list[object] = []
    unused: dict[str, None] = {}
    for row in table.rows:
        try:
            if isinstance(row.data, ArgumentError):
                raise row.data
            if label is not None:
                labels.append(_label(program, row.data, label, is_word=table.is_words))
            arguments.append(from_row(program, row.data, is_words=table.is_words))
        except ArgumentError as error:
            mistakes.add(row.line, error)
        else:
            lines.append(row.line)
            unused |= dict.fromkeys(_unused(program, row.data, label or LABEL))
    if mistakes:
        raise mistakes.error()
    if not lines:
        shape: dict[str, str] = dict.fromkeys((parameter.name for parameter in program.parameters), "...")
        shape |= {} if label is None else {label: "..."}
        raise ArgumentError(
            f"{source} has no rows", help=f"write a JSON object a line, as in {json.dumps(shape)}"
        )
    rows = InputRows(
        source=source,
        lines=tuple(lines),
        arguments=tuple(arguments),
        warnings=(*_extra(program, tuple(unused)), *_empty(lines, arguments)),
    )
    return rows, tuple(labels)


# --------------------------------------------------------------------------------------------- one row


def _label(program: Signature, row: object, label: str, *, is_word: bool) -> object:
    """The value that a row says is right."""
    if not isinstance(row, dict):
        raise ArgumentError("the row is not a JSON object", help="write one JSON object a line")
    if label not in row:
        has = _listed(map(str, row)) or "nothing"
        raise ArgumentError(
            f"there is no `{label}`",
            help=f"call the labels' column `{LABEL}`, or name it with --label: there is {has}",
        )
    if label in {parameter.name for parameter in program.parameters} and not is_nested(program, row):
        raise ArgumentError(
            f"`{label}` is a parameter of {program.name}",
            help="put the arguments under `inputs`, or name the labels' column with --label",
        )
    return read_label(kind(program.returns), row[label], f"`{label}`", is_word=is_word)


def read_label(returns: AnyKind, data: object, where: str, *, is_word: bool) -> object:
    """A value as the program names it; where it is no such name, by the word that the model sees.

    A cell of a CSV file is a word first: `3` is a number there, and in JSON `"3"` is so only if `3` is none.
    """
    readers: list[Callable[[], object]] = [lambda: returns.read_data(data, where)]
    if isinstance(data, str):
        readers.insert(0 if is_word else 1, lambda: returns.read_word(data, where))
        readers.append(lambda: returns.read_plain(data))
    refused: ArgumentError | None = None
    for read in readers:
        try:
            return returns.check(read(), where)
        except ArgumentError as error:
            refused = refused or error
        except (ValueError, RecursionError):  # what `read_plain` raises
            continue
    assert refused is not None
    options = returns.options()
    if options is None or not isinstance(data, str) or len(data) > _LONGEST_LABEL:
        raise refused
    known = {name: None for value in options for name in (returns.key(value), returns.plain(value))}
    near = difflib.get_close_matches(data, known, n=3, cutoff=0.6)
    said = f"did you mean {' or '.join(f'`{name}`' for name in near)}?" if near else None
    raise ArgumentError(
        f"{where} is {json.dumps(data, ensure_ascii=False)}: not in {returns.describe()}",
        help=said or f"it is one of {_listed(map(returns.key, options))}",
    )


class _Mistakes:
    """What is wrong with the rows of a file: each thing once, with the first line that has it."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._lines: defaultdict[str, list[int]] = defaultdict(list)
        self._help: dict[str, str | None] = {}

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, line: int, error: ArgumentError) -> None:
        self._lines[error.message].append(line)
        self._help.setdefault(error.message, error.help)

    def error(self) -> ArgumentError:
        """All of it; what to try is for the first."""
        shown = []
        for message, (first, *more) in islice(self._lines.items(), _SHOWN):
            as_well = f" (and so in {len(more)} more)" if more else ""
            shown.append(f"{self._source}:{first}: {_short(message)}{as_well}")
        if len(self._lines) > _SHOWN:
            shown.append(f"and {len(self._lines) - _SHOWN} other mistakes")
        return ArgumentError("\n".join(shown), help=next(iter(self._help.values())))


# ------------------------------------------------------------------------------------------- all rows


def _unused(program: Signature, row: object, label: str) -> Iterator[str]:
    """The columns of a row that are neither arguments nor its label. Beside `inputs` anything may stand."""
    assert isinstance(row, dict)  # as `from_row` has found
    if not is_nested(program, row):
        known = {*(parameter.name for parameter in program.parameters), label, _ID}
        yield from (str(name) for name in row if name not in known)


def _extra(program: Signature, unused: Sequence[str]) -> Iterator[str]:
    if unused:
        what = "these columns are" if unused[1:] else "this column is"
        yield f"{what} not used, as {program.name} has no such parameter: {_listed(unused)}"


def _empty(lines: Sequence[int], arguments: Sequence[Mapping[str, object]]) -> Iterator[str]:
    found: defaultdict[str, list[int]] = defaultdict(list)
    for line, row in zip(lines, arguments, strict=True):
        for name, value in row.items():
            if isinstance(value, str) and not value.strip():
                found[name].append(line)
    for name, empty in found.items():
        yield f"`{name}` is empty in {_rows(empty)}"


def _repeated(lines: Sequence[int], keys: Sequence[Hashable], labels: Sequence[str]) -> Iterator[str]:
    first: defaultdict[Hashable, dict[str, int]] = defaultdict(dict)
    again: list[int] = []
    for line, key, label in zip(lines, keys, labels, strict=True):
        if label in first[key]:
            again.append(line)
        first[key].setdefault(label, line)
    if again:
        yield f"inputs and label of a row above are there again in {_rows(again)}"
    torn = [list(lines.values()) for lines in first.values() if len(lines) > 1]
    if torn:
        count = "one input" if len(torn) == 1 else f"{len(torn)} inputs"
        where = " and ".join(map(str, torn[0][:2]))
        yield f"no answer is right for {count} with different labels (the first: lines {where})"


def _shown_already(program: Program, lines: Sequence[int], keys: Sequence[Hashable]) -> Iterator[str]:
    shown = {_key(program, program.arguments_of(each)) for each in program.examples}
    found = [line for line, key in zip(lines, keys, strict=True) if key in shown]
    if found:
        yield f"the program shows as an example what it is asked in {_rows(found)}: that tells little"


def _one_sided(returns: AnyKind, labels: Sequence[object]) -> Iterator[str]:
    """Labels that all rows have, or none."""
    values: defaultdict[str, list[object]] = defaultdict(list)
    for label in labels:
        for name, value in leaf_values(returns, label):
            values[name].append(value)
    for name, leaf in leaves(returns):
        options = leaf.options()
        if options is None:
            continue
        of = f" for `{name}`" if name else ""
        found = {leaf.key(value) for value in values[name]}
        # A rating that nobody gave is no class that was forgotten, and `none` is no label of a function that
        # may abstain.
        missing = [
            leaf.key(option)
            for option in options
            if leaf.key(option) not in found and option is not None and type(option) is not int
        ]
        if len(found) == 1:
            yield f"all rows have the label {_listed(found)}{of}: how well others are told is not measured"
        elif missing:
            yield f"no row has the {'labels' if missing[1:] else 'label'} {_listed(missing)}{of}"


def _key(program: Signature, arguments: Mapping[str, object]) -> Hashable:
    """What is equal for equal arguments."""
    return tuple(
        (parameter.name, kind(parameter.type).key(arguments[parameter.name]))
        for parameter in program.parameters
        if parameter.name in arguments
    )


# ------------------------------------------------------------------------------------------- wording


def _rows(lines: Sequence[int]) -> str:
    if len(lines) == 1:
        return f"1 row (line {lines[0]})"
    return f"{len(lines)} rows (the first: line {lines[0]})"


def _listed(names: Iterable[str]) -> str:
    # Columns may be called anything: what would steer a terminal is escaped.
    first = [f"`{_short(json.dumps(name, ensure_ascii=False)[1:-1])}`" for name in names]
    more = f" and {len(first) - _SHOWN} more" if len(first) > _SHOWN else ""
    return ", ".join(first[:_SHOWN]) + more


def _short(message: str) -> str:
    return message if len(message) <= _LONGEST_SHOWN else f"{message[: _LONGEST_SHOWN - 3]}..."
