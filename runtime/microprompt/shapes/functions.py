"""Functions that users have written in Python, as flows of the language would declare them: their headers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from types import NoneType
from typing import Any, get_type_hints

from .classes import DIGITS, Refusal, digest
from .meaning import NoCounterpart, meaning_of

_NO_ANNOTATION = "say of what type it is, as in `query: str`"


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a function as the language would declare it, unless something of it is `refused`.

    `optional` are the parameters that have a default, which is left to the function. Where it does not give a
    value, the header says `bool?`. `classes` are those that its types name.
    """

    text: str
    optional: tuple[str, ...]
    gives_value: bool
    classes: tuple[type, ...]
    refused: tuple[Refusal, ...]


def is_function(value: object) -> bool:
    """Whether a flow could call it: a function, or what a decorator has made of one."""
    return inspect.isroutine(value) or (hasattr(value, "__wrapped__") and not isinstance(value, type))


def digest_of(value: Any) -> str:
    """What stands for all that the language sees of a class, or of a function but for its name, and of the
    classes in it."""
    if not is_function(value):
        return digest(value)
    header = header_of("function", value)
    seen = (header.text, header.optional, header.gives_value, header.refused, *map(digest, header.classes))
    return sha256(repr(seen).encode()).hexdigest()[:DIGITS]


def header_of(name: str, function: Callable[..., Any]) -> Header:
    """The header of a function; what has no counterpart in the language is refused by name."""
    try:
        parameters = inspect.signature(function).parameters.values()
        hints = get_type_hints(function, include_extras=True)
    except (ValueError, TypeError):
        help = "write a function around it, with annotations"
        return _refusing(Refusal(name, "a function whose parameters Python does not tell", help))
    except (NameError, AttributeError, SyntaxError) as error:
        what = f"an annotation that means nothing: {error}"
        return _refusing(Refusal(name, what, "import what it names"))
    written: list[str] = []
    classes: list[type] = []
    refused: list[Refusal] = []
    for parameter in parameters:
        where = f"{name}({parameter.name})"
        try:
            notation = _parameter(parameter, hints, classes)
        except NoCounterpart as error:
            refused.append(Refusal(where, str(error), error.help))
        else:
            written.append(f"{parameter.name}: {notation}")
    gives_value = hints.get("return", Any) is not NoneType
    returns = "bool?"
    if gives_value:
        try:
            returns = _returned(hints, function, classes)
        except NoCounterpart as error:
            refused.append(Refusal(f"{name}(...)", str(error), error.help))
    optional = tuple(each.name for each in parameters if each.default is not each.empty)
    text = f"flow {name}({', '.join(written)}) -> {returns}:\n    return none\n"
    return Header(text, optional, gives_value, tuple(classes), tuple(refused))


def _refusing(refusal: Refusal) -> Header:
    return Header("", (), True, (), (refusal,))


def _parameter(parameter: inspect.Parameter, hints: dict[str, Any], classes: list[type]) -> str:
    """The type of a parameter; `classes` gets those that it names."""
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise NoCounterpart("any number of arguments", "let it take a list, or a parameter for each")
    if parameter.kind is parameter.POSITIONAL_ONLY:
        raise NoCounterpart("a parameter that has no name for callers", "leave the `/` out")
    if parameter.name not in hints:
        raise NoCounterpart("a parameter without an annotation", _NO_ANNOTATION)
    found = meaning_of(hints[parameter.name])
    classes.extend(found.classes)
    return found.notation


def _returned(hints: dict[str, Any], function: Callable[..., Any], classes: list[type]) -> str:
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise NoCounterpart("a generator", "let it return a list")
    if "return" not in hints:
        raise NoCounterpart("a function that does not say what it returns", "write it, as in `-> str`")
    found = meaning_of(hints["return"])
    classes.extend(found.classes)
    return found.notation
