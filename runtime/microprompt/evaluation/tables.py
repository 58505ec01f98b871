"""Files of rows, from bytes to data with the numbers of their lines: JSON lines, CSV and TSV.

In UTF-8, with or without a byte order mark, or in UTF-16 with one. Which format it is, the file's name says:
`.csv`, `.tsv`, and JSON lines for everything else.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from ..errors import ArgumentError
from ..rows import read_json

_SEPARATORS: Final = {".csv": ",;\t", ".tsv": "\t"}
"""What may separate the cells, by the ending of the file's name; spreadsheets of many countries write `;`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """A row: the number of its (first) line, and its data, or the reason why there are none.

    The data of JSON lines are whatever a line holds; those of CSV and TSV are words by column.
    """

    line: int
    data: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The rows of a file. With `is_words`, every value is a word as on a command line, else JSON data."""

    rows: Iterable[TableRow]
    is_words: bool


def read_table(data: bytes, source: str) -> Table:
    """The rows of a file called `source`. Blank lines are none.

    A line that can't be read is a row with an `ArgumentError` in place of its data.

    Raises:
        ArgumentError: the file is in another encoding, or its header names a column twice.
    """
    text = _decoded(data, source)
    separators = _SEPARATORS.get(PurePath(source).suffix.lower())
    if separators is None:
        return Table(rows=_json_rows(text), is_words=False)
    header, _, _ = text.lstrip().partition("\n")
    return Table(rows=_csv_rows(text, source, max(separators, key=header.count)), is_words=True)


def _decoded(data: bytes, source: str) -> str:
    # The mark of little-endian UTF-32 begins with that of UTF-16.
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise ArgumentError(f"{source} is in UTF-32", help="save it as UTF-8")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _text(data, source, "UTF-16", 0)
    if (at := data.find(b"\0")) >= 0:
        raise ArgumentError(
            f"{source}:{_line(data, at)}: a NUL, byte {at + 1:,} of the file, which no text has",
            help="save it as UTF-8: it may be UTF-16 without a byte order mark",
        )
    return _text(data, source, "UTF-8", len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0)


def _text(data: bytes, source: str, encoding: str, mark: int) -> str:
    try:
        return data[mark:].decode(encoding)
    except UnicodeDecodeError as error:
        at = error.start + mark
        raise ArgumentError(
            f"{source}:{_line(data, at)}: not {encoding}: 0x{data[at]:02X}, byte {at + 1:,} of the file",
            help="save it as UTF-8",
        ) from None


def _line(data: bytes, at: int) -> int:
    return data.count(b"\n", 0, at) + 1


def _json_rows(text: str) -> Iterator[TableRow]:
    # Not `splitlines`: JSON strings may hold the other characters that end a line.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield TableRow(line=number, data=read_json(line))
            except ArgumentError as error:
                help = error.help or "write one JSON object a line"
                yield TableRow(line=number, data=ArgumentError(error.message, help=help))


def _csv_rows(text: str, source: str, separator: str) -> list[TableRow]:
    # The module refuses cells of more than 128 KB unless it is told otherwise, for the whole process.
    limit = csv.field_size_limit(max(len(text), csv.field_size_limit()))
    try:
        return list(_cells(text, source, separator))
    finally:
        csv.field_size_limit(limit)


def _cells(text: str, source: str, separator: str) -> Iterator[TableRow]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    header: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # What follows a broken quote can't be told from what is inside it.
            wrong = ArgumentError(f"not CSV: {error}", help='write `"` in a text as `""`')
            yield TableRow(line=line, data=wrong)
            return
        if not any(cell.strip() for cell in cells):
            continue
        if header is None:
            header = [name.strip() for name in cells]
            _require_distinct(header, f"{source}:{line}")
        elif len(cells) != len(header):
            yield TableRow(line=line, data=_ragged(len(cells), len(header)))
        else:
            yield TableRow(line=line, data=dict(zip(header, cells, strict=True)))


def _require_distinct(header: list[str], where: str) -> None:
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise ArgumentError(
            f"{where}: two columns are called `{twice[0]}`", help="give every column a name of its own"
        )


def _ragged(found: int, wanted: int) -> ArgumentError:
    return ArgumentError(
        f"{found} {'cell' if found == 1 else 'cells'} where the header has {wanted}",
        help='put a text that holds a separator or a line end in `"`',
    )
