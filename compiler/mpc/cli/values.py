"""Arguments from the command line and from JSON rows, by the declared type; and answers as readable text.

Enum members are given by their names in the program, records as JSON objects with the program's field names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from microprompt import abi
from microprompt.errors import ArgumentError
from microprompt.types import kind


def from_words(program: abi.Program, words: Sequence[str]) -> dict[str, object]:
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


def from_row(program: abi.Program, row: object) -> dict[str, object]:
    """The arguments in a JSON row: its `inputs` object, or its own keys, of which others are then ignored.

    Raises:
        ArgumentError: a key is missing or unknown, or a value is not of its type.
    """
    if not isinstance(row, dict):
        raise ArgumentError("the row is not a JSON object")
    parameters = {parameter.name: parameter for parameter in program.parameters}
    inputs = row.get("inputs")
    if isinstance(inputs, dict) and "inputs" not in parameters:
        for name in inputs:
            if name not in parameters:
                raise ArgumentError(f"{program.name} has no parameter `{name}`", help=_usage(program))
    else:
        inputs = {name: value for name, value in row.items() if name in parameters}
    _require_all(program, inputs)
    found = {}
    for name, data in inputs.items():
        declared = kind(parameters[name].type)
        found[name] = declared.check(declared.read_data(data, f"`{name}`"), f"`{name}`")
    return found


def readable(data: object) -> str:
    """An answer's data as people read it: text as it is, an enum member's name, the rest as JSON."""
    if isinstance(data, str):
        return data
    return "none" if data is None else json.dumps(data, ensure_ascii=False, indent=2)


def _require_all(program: abi.Program, found: Mapping[str, object]) -> None:
    missing = [
        parameter.name
        for parameter in program.parameters
        if parameter.required and parameter.name not in found
    ]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        raise ArgumentError(f"{program.name} needs {names}", help=_usage(program))


def _usage(program: abi.Program) -> str:
    parameters = ", ".join(
        f"{parameter.name}: {kind(parameter.type).describe()}" + ("" if parameter.required else " = ...")
        for parameter in program.parameters
    )
    return f"the function is {program.name}({parameters})"
