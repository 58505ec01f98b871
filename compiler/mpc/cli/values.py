"""Arguments from the command line and from JSON rows, by the declared type; and answers as readable text.

Enum members are given by their names in the program, records as JSON objects with the program's field names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final, assert_never

from microprompt import abi
from microprompt.errors import ArgumentError
from microprompt.types.values import check, describe, to_json

_WORDS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


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
    return {name: _from_word(text, parameters[name].type, f"`{name}`") for name, text in found.items()}


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
        found[name] = _from_data(data, parameters[name].type, f"`{name}`")
        check(found[name], parameters[name].type, f"`{name}`")
    return found


def readable(value: object) -> str:
    """An answer as people read it: text as it is, an enum member's name, the rest as JSON."""
    data = to_json(value)
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
        f"{parameter.name}: {describe(parameter.type)}" + ("" if parameter.required else " = ...")
        for parameter in program.parameters
    )
    return f"the function is {program.name}({parameters})"


def _from_word(word: str, declared: abi.Type, where: str) -> object:
    match declared:
        case abi.StrType():
            return word
        case abi.OptionalType():
            return None if word == "none" else _from_word(word, declared.item, where)
        case abi.BoolType() if word.lower() in _WORDS:
            return _WORDS[word.lower()]
        case abi.IntType() | abi.FloatType():
            try:
                return int(word) if isinstance(declared, abi.IntType) else float(word)
            except ValueError:
                raise _not_of_type(word, declared, where) from None
        case abi.EnumType() | abi.LiteralType() | abi.BoolType():
            return _from_data(word, declared, where)
        case abi.RecordType() | abi.ListType():
            try:
                data = json.loads(word)
            except ValueError as error:
                raise ArgumentError(
                    f"{where} must be {describe(declared)}, written as JSON: {error}"
                ) from None
            return _from_data(data, declared, where)
        case _:
            assert_never(declared)


def _from_data(data: object, declared: abi.Type, where: str) -> object:
    """The value of JSON data in the program's names; ranges are for `check`."""
    match declared:
        case abi.OptionalType():
            return None if data is None else _from_data(data, declared.item, where)
        case abi.EnumType():
            names = [member.name for member in declared.members]
            if data not in names:
                raise ArgumentError(
                    f"{where} is {json.dumps(data, ensure_ascii=False)}: not in {describe(declared)}",
                    help=f"it is one of {', '.join(names)}",
                )
            return declared.python(data)
        case abi.ListType() if isinstance(data, list):
            return [_from_data(item, declared.item, f"{where}[{index}]") for index, item in enumerate(data)]
        case abi.RecordType() if isinstance(data, dict):
            return _record(data, declared, where)
        case abi.FloatType() if type(data) is int:
            return float(data)
        case abi.LiteralType() if data in declared.values:
            return data
        case abi.StrType() if isinstance(data, str):
            return data
        case abi.BoolType() if isinstance(data, bool):
            return data
        case abi.IntType() if type(data) is int:
            return data
        case abi.FloatType() if type(data) is float:
            return data
        case _:
            raise _not_of_type(data, declared, where)


def _record(data: Mapping[str, object], declared: abi.RecordType, where: str) -> object:
    from pydantic import ValidationError

    types = {field.name: field.type for field in declared.fields}
    for name in data:
        if name not in types:
            raise ArgumentError(
                f"{where} has no field `{name}`", help=f"{describe(declared)} has {', '.join(types)}"
            )
    values = {name: _from_data(value, types[name], f"{where}.{name}") for name, value in data.items()}
    try:
        return declared.python(**values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join((where, *(str(step) for step in first["loc"])))
        raise ArgumentError(f"{place}: {first['msg'].lower()}") from None


def _not_of_type(value: object, declared: abi.Type, where: str) -> ArgumentError:
    return ArgumentError(f"{where} must be {describe(declared)}, not {json.dumps(value, ensure_ascii=False)}")
