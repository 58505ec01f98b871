"""Arguments from words and from rows of JSON, by the types that a program declares.

Enum members are given by their names in the program, records as JSON objects with the program's field names.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .errors import ArgumentError
from .program import Signature
from .types import kind
from .types.base import cut

MAX_ROWS: Final = 1 << 30
"""How many bytes a file of rows may have: they are all read before the first one is answered."""

_WIDE_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)


def from_words(program: Signature, words: Sequence[str]) -> dict[str, object]:
    """The arguments that the words of a command line stand for: in order, or as `--name value`.

    Raises:
        ArgumentError: too few or too many words, an unknown name, or a word that is not of its type.
    """
    parameters = {parameter.name: parameter for parameter in program.parameters}
    found: dict[str, str] = {}
    positional = iter(parameters)
    left = list(words)
    while left:
        word = left.pop(0)
        name, is_joined, value = word.removeprefix("--").partition("=")
        if word.startswith("--") and name.replace("-", "_") in parameters:
            name = name.replace("-", "_")
            if not is_joined and not left:
                raise ArgumentError(f"--{name} needs a value")
            value = value if is_joined else left.pop(0)
        elif word.startswith("--"):
            raise ArgumentError(
                f"{program.name} has no parameter `{name}`",
                help=f"{_usage(program)}; give a text that begins with -- as --name=TEXT",
            )
        else:
            name, value = next(positional, ""), word
            while name in found:
                name = next(positional, "")
            if not name:
                raise ArgumentError(f"too many arguments: {json.dumps(word)}", help=_usage(program))
        if name in found:
            raise ArgumentError(f"the parameter `{name}` is given twice", help=_usage(program))
        found[name] = value
    _require_all(program, found)
    return {name: kind(parameters[name].type).read_word(text, f"`{name}`") for name, text in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a file: the number and the text of its line, its id if it has one, and its arguments.

    Where it has none that the program could take, `arguments` is the reason.
    """

    line: int
    text: bytes
    identity: Mapping[str, object]
    arguments: Mapping[str, object] | ArgumentError


def read_rows(program: Signature, data: bytes) -> list[Row]:
    """The rows of a file of JSON objects, one a line, in UTF-8; blank lines are none.

    Raises:
        ArgumentError: the file begins like one in another encoding.
    """
    if data.startswith(_WIDE_MARKS):
        raise ArgumentError("the rows are not in UTF-8 but in UTF-16 or UTF-32", help="save them as UTF-8")
    lines = data.removeprefix(codecs.BOM_UTF8).split(b"\n")
    return [_row(program, number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip()]


def _row(program: Signature, line: int, text: bytes) -> Row:
    identity: Mapping[str, object] = {}
    try:
        data = read_json(_utf8(text))
        if isinstance(data, dict) and "id" in data:
            identity = {"id": data["id"]}
        arguments: Mapping[str, object] | ArgumentError = from_row(program, data)
    except ArgumentError as error:
        arguments = error
    return Row(line=line, text=text, identity=identity, arguments=arguments)


def _utf8(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise ArgumentError(
            f"not UTF-8: byte {error.start + 1} of the line", help="save it as UTF-8"
        ) from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse)


def read_json(text: str) -> object:
    """The data of a line of JSON. Raises `ArgumentError`."""
    try:
        return _DECODER.decode(text)
    except ValueError as error:
        raise ArgumentError(f"not JSON: {error}") from None
    except RecursionError:
        raise ArgumentError("not JSON that can be read: it is nested too deeply") from None


def from_row(program: Signature, row: object, *, is_words: bool = False) -> dict[str, object]:
    """The arguments in a JSON row: its `inputs` object, or its own keys, of which others are then ignored.

    With `is_words`, the values are words as on a command line, as the cells of a CSV file are.

    Raises:
        ArgumentError: a key is missing or unknown, or a value is not of its type.
    """
    if not isinstance(row, dict):
        raise ArgumentError("the row is not a JSON object")
    if is_nested(program, row):
        return from_inputs(program, row["inputs"], is_words=is_words)
    names = [parameter.name for parameter in program.parameters]
    return from_inputs(program, {name: row[name] for name in names if name in row}, is_words=is_words)


def from_inputs(
    program: Signature, inputs: Mapping[str, Any], *, is_words: bool = False
) -> dict[str, object]:
    """The arguments in JSON data by their names. Raises as `from_row`."""
    parameters = {parameter.name: parameter for parameter in program.parameters}
    for name in inputs:
        if name not in parameters:
            raise ArgumentError(f"{program.name} has no parameter `{cut(name)}`", help=_usage(program))
    _require_all(program, inputs)
    found = {}
    for name, data in inputs.items():
        declared = kind(parameters[name].type)
        read = declared.read_word if is_words else declared.read_data
        found[name] = declared.check(read(data, f"`{name}`"), f"`{name}`")
    return found


def is_nested(program: Signature, row: Mapping[str, object]) -> bool:
    """Whether a row has its arguments in an object of their own, `inputs`."""
    return isinstance(row.get("inputs"), dict) and all(each.name != "inputs" for each in program.parameters)


def _require_all(program: Signature, found: Mapping[str, object]) -> None:
    missing = [
        parameter.name
        for parameter in program.parameters
        if parameter.required and parameter.name not in found
    ]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        raise ArgumentError(f"{program.name} needs {names}", help=_usage(program))


def _usage(program: Signature) -> str:
    parameters = ", ".join(
        f"{parameter.name}: {kind(parameter.type).describe()}" + ("" if parameter.required else " = ...")
        for parameter in program.parameters
    )
    return f"the function is {program.name}({parameters})"
