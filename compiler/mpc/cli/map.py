"""`mpc map`: one prompt function over many rows, in a file that survives interruption."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

import click

from microprompt import settings
from microprompt.errors import ArgumentError, MicropromptError, ModelError
from mpc import project

from . import console, functions, values
from .failures import Failure

_SHOWN_MISTAKES: Final = 5


@click.command(short_help="Call a prompt function on every row of a file.")
@click.argument("file", metavar="FILE")
@click.argument("function", metavar="FUNCTION")
@click.argument("rows", metavar="ROWS.jsonl", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the answers go, one JSON object a row.",
)
def command(file: str, function: str, rows: Path, out: Path) -> None:
    """Call FUNCTION of FILE on every row of ROWS.jsonl and write an answer for each to the file in --out.

    A row's `inputs` object, or the row itself, holds the arguments; its `id` is kept. Started again after an
    interruption, the command continues where it stopped.
    """
    called = functions.find(file, function)
    read = _read(rows, called)
    journal = _Journal(out, _fingerprint(file, called))
    done = journal.resume([row.text for row in read])
    if done == len(read):
        click.echo(f"{out}: all {len(read)} rows are answered", err=True)
        return
    with console.model_progress():
        # The first answer is thrown away: it pays for the prefix, and the usage that a run reports would else
        # differ from that of one that was never interrupted.
        next(_answers(called, read[done : done + 1], rows))
    with console.counted(f"{function}", len(read), done) as advance:
        for row, line in _answers(called, read[done:], rows):
            journal.append(row.text, line)
            advance(1)
    click.echo(f"{out}: {len(read)} {'row' if len(read) == 1 else 'rows'}", err=True)


# ------------------------------------------------------------------------------------------------ rows


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A row of the input: its line's number and text, its id if it has one, and the arguments in it."""

    line: int
    text: str
    identity: Mapping[str, object]
    arguments: Mapping[str, object]


def _read(path: Path, called: functions.AnyFunction) -> Sequence[_Row]:
    """All rows, checked before the first one is answered."""
    found: list[_Row] = []
    mistakes: list[str] = []
    for number, raw in enumerate(path.read_bytes().split(b"\n"), start=1):
        if not raw.strip():
            continue
        try:
            text = raw.decode()
            data = json.loads(text)
            arguments = values.from_row(called.program, data)
        except ArgumentError as error:
            mistakes.append(f"{path}:{number}: {error}")
        except ValueError as error:
            mistakes.append(f"{path}:{number}: not JSON: {error}")
        else:
            identity = {"id": data["id"]} if "id" in data else {}
            found.append(_Row(line=number, text=text.strip(), identity=identity, arguments=arguments))
    if mistakes:
        more = len(mistakes) - _SHOWN_MISTAKES
        shown = mistakes[:_SHOWN_MISTAKES] + ([f"and {more} more"] if more > 0 else [])
        raise Failure("\n".join(shown), help="correct these rows and start again; what is answered is kept")
    return found


def _answers(called: functions.AnyFunction, rows: Sequence[_Row], path: Path) -> Iterator[tuple[_Row, str]]:
    """Each row with its output line, in order, as they are answered side by side."""
    answers = called.map_detail(row.arguments for row in rows)
    for row in rows:
        try:
            answer = next(answers)
        except ModelError:
            raise
        except MicropromptError as error:
            raise Failure(
                f"{path}:{row.line}: {error.message}",
                help=f"{error.help + '; ' if error.help else ''}start again to continue from here",
            ) from error
        yield row, json.dumps({**row.identity, **answer.to_json()}, ensure_ascii=False)


# --------------------------------------------------------------------------------------------- journal


class _Journal:
    """The output file, and beside it what it is being made from, so that only the same run continues it.

    The note holds the program's fingerprint, how many rows are answered, and the hash of these rows; it is
    written after each row.
    """

    def __init__(self, out: Path, program: str) -> None:
        self._out = out
        self._note = out.with_name(f".{out.name}.mpc")
        self._program = program
        self._rows = 0
        self._hash = hashlib.sha256()

    def resume(self, rows: Sequence[str]) -> int:
        """Cut the output back to what is sure, and return how many rows of the input that answers.

        Raises:
            Failure: the output file is there and was made from something else.
        """
        if not self._out.exists() or not self._out.stat().st_size:
            self._out.parent.mkdir(parents=True, exist_ok=True)
            self._out.touch()
            self._write_note()
            return 0
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise self._refusal("was not begun by this command") from None
        if note["program"] != self._program:
            raise self._refusal("was made by another program, model or version")
        if note["rows"] > len(rows) or _hash(rows[: note["rows"]]).hexdigest() != note["inputs"]:
            raise self._refusal("was made from other rows")
        lines = self._out.read_bytes().splitlines(keepends=True)
        whole = min(note["rows"], sum(line.endswith(b"\n") for line in lines))
        self._rows = whole
        self._hash = _hash(rows[: self._rows])
        os.truncate(self._out, sum(len(line) for line in lines[: self._rows]))
        self._write_note()
        return self._rows

    def append(self, row: str, answer: str) -> None:
        """Add the answer to a row."""
        with self._out.open("ab") as file:
            file.write(f"{answer}\n".encode())
        self._rows += 1
        _add(self._hash, row)
        self._write_note()

    def _write_note(self) -> None:
        note = {"program": self._program, "rows": self._rows, "inputs": self._hash.hexdigest()}
        half = self._note.with_name(f"{self._note.name}.tmp")
        half.write_text(json.dumps(note), encoding="utf-8")
        os.replace(half, self._note)

    def _refusal(self, why: str) -> Failure:
        return Failure(
            f"{self._out} is there already and {why}", help="delete it, or name another file with --out"
        )


def _hash(rows: Sequence[str]) -> hashlib._Hash:
    found = hashlib.sha256()
    for row in rows:
        _add(found, row)
    return found


def _add(to: hashlib._Hash, row: str) -> None:
    to.update(f"{row}\n".encode())


def _fingerprint(file: str, called: functions.AnyFunction) -> str:
    """Stands for all that the answers depend on beside the rows."""
    model = called.program.using.model
    parts = [
        called.program.name.encode(),
        (model.name if model else settings.current().model).encode(),
        version("microprompt").encode(),
    ]
    if file.endswith(".mp"):
        parts += [path.read_bytes() for path in project.watched([Path(file)])]
    else:
        parts.append(Path(str(sys.modules[called.__module__].__file__)).read_bytes())
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()
